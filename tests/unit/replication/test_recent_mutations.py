"""What is kept for learners."""

from pegasus_server.replication.mutation import Mutation
from pegasus_server.replication.recent_mutations import (
    RECENT_BYTES_MAX,
    RECENT_MUTATIONS_MAX,
    RecentMutations,
)
from pegasus_tab.base.ids import Ballot, Decree


def mutation(decree: int, size: int = 1) -> Mutation:
    return Mutation(Ballot(1), Decree(decree), decree, (), size, Ballot(1))


def test_bounded_in_number() -> None:
    recent = RecentMutations()
    for decree in range(1, RECENT_MUTATIONS_MAX + 3):
        recent.add(mutation(decree))
    assert len(recent) == RECENT_MUTATIONS_MAX
    assert recent.since(Decree(2)) is None
    assert recent.since(Decree(RECENT_MUTATIONS_MAX + 2)) == (mutation(RECENT_MUTATIONS_MAX + 2),)


def test_bounded_in_bytes_but_the_newest_stays() -> None:
    recent = RecentMutations()
    recent.add(mutation(1))
    recent.add(mutation(2, RECENT_BYTES_MAX + 1))
    assert recent.since(Decree(1)) is None
    assert recent.since(Decree(2)) == (mutation(2, RECENT_BYTES_MAX + 1),)


def test_nothing_is_kept_above_the_last() -> None:
    recent = RecentMutations()
    recent.add(mutation(5))
    assert recent.get(Decree(6)) is None
    assert recent.since(Decree(6)) is None
