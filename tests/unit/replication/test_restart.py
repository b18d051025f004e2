"""From log records to what is committed and what is undecided."""

from pegasus_server.replication.mutation import Mutation
from pegasus_server.replication.restart import Recovered, recover
from pegasus_tab.base.ids import Ballot, Decree


def mutation(ballot: int, decree: int, born: int | None = None, timestamp_us: int = 0) -> Mutation:
    stamp = timestamp_us or decree * 10
    return Mutation(Ballot(ballot), Decree(decree), stamp, (), 0, Ballot(born or ballot))


def recovered(durable: int, *records: tuple[Mutation, int]) -> Recovered:
    return recover(Decree(durable), [(each, Decree(committed)) for each, committed in records])


def test_the_highest_commit_point_on_record_divides() -> None:
    one, two, three = mutation(1, 1), mutation(1, 2), mutation(1, 3)
    assert recovered(0, (one, 0), (two, 0), (three, 1)) == Recovered((one,), (two, three), 10)


def test_what_the_engine_shows_is_left_out() -> None:
    one, two = mutation(1, 1), mutation(1, 2)
    assert recovered(1, (one, 0), (two, 0)) == Recovered((), (two,), 10)


def test_the_highest_ballot_stands_whatever_the_order() -> None:
    new, old = mutation(3, 1, born=2), mutation(2, 1)
    assert recovered(0, (new, 0), (old, 0)).undecided == (new,)


def test_nothing_beyond_a_hole_counts() -> None:
    one, three = mutation(1, 1), mutation(1, 3)
    assert recovered(0, (one, 0), (three, 2)) == Recovered((one,), (), 10)


def test_left_over_writes_of_an_earlier_primary_go() -> None:
    noop, left_over = mutation(5, 2, timestamp_us=11), mutation(3, 3)
    found = recovered(0, (mutation(3, 1), 0), (left_over, 0), (noop, 1))
    assert found.undecided == (noop,)


def test_a_mutation_prepared_again_leaves_the_next_one_in_place() -> None:
    again, next_one = mutation(5, 1, born=3), mutation(3, 2)
    assert recovered(0, (again, 0), (next_one, 0)).undecided == (again, next_one)


def test_an_empty_log_tells_nothing() -> None:
    assert recovered(7) == Recovered((), (), 0)
