"""Policies through time: schedules, jumps of the clock, new leaders, failing targets and stores."""

from itertools import pairwise

import pytest

from pegasus_server.meta.policies.inputs import CreatePolicy
from pegasus_server.meta.policies.policies import POLICIES_MAX, RETRY_SECONDS, Policies
from tests.fakes.policy_world import DAY, PolicyWorld

TOKEN = object()


def both(*tables: str) -> list[tuple[str, str]]:
    return [(kind, table) for table in tables for kind in ("backup", "prune")]


def test_a_round_begins_at_once_and_then_each_day() -> None:
    world = PolicyWorld("a", "b")
    world.create("a", "b")
    assert world.answers[0].error == "ERR_OK"
    world.run(600)
    assert world.kinds() == both("a", "b")
    assert world.policy.succeeded
    world.run(3 * DAY - 600, every=10)
    assert world.kinds() == both("a", "b") * 3
    begun = [at for at, kind, table, _ in world.done if (kind, table) == ("backup", "a")]
    assert [later - earlier for earlier, later in pairwise(begun)] == [
        pytest.approx(DAY, abs=20),
        pytest.approx(DAY, abs=20),
    ]


def test_missed_rounds_are_caught_up_once() -> None:
    world = PolicyWorld("a")
    world.create("a")
    world.run(300)
    due = world.policy.next_at
    world.now += 10 * DAY + 77
    world.run(DAY // 2, every=10)
    assert world.kinds() == both("a") * 2
    assert (world.policy.next_at - due) % DAY == 0, "the hour of the day stays"
    assert 0 < world.policy.next_at - world.now <= DAY


def test_a_clock_set_back_does_not_stop_a_policy() -> None:
    world = PolicyWorld("a")
    world.create("a")
    world.run(300)
    world.now -= 30 * DAY
    world.run(DAY + 300, every=10)
    assert len(world.done) == 4


def test_a_first_moment_far_ahead_is_waited_for() -> None:
    world = PolicyWorld("a")
    world.create("a", every=3600, first_at=world.now + 10 * 3600)
    world.run(9 * 3600, every=10)
    assert world.jobs == {}
    world.run(3600 + 300, every=10)
    assert world.kinds() == both("a")


def test_an_id_is_not_given_again() -> None:
    world = PolicyWorld("a")
    world.create("a")
    world.drop()
    world.new_leader()
    world.create("a")
    assert world.policy.id == 2


def test_who_waits_for_the_store_is_told_that_the_leader_changes() -> None:
    policies = Policies()
    policies.step(creation(), 0)
    (answer,) = policies.abandon()
    assert (answer.token, answer.error) == (TOKEN, "ERR_TIMEOUT")


def creation() -> CreatePolicy:
    return CreatePolicy(
        name="p",
        tables=("a",),
        target="/b",
        every_seconds=DAY,
        keep=1,
        bytes_per_second=0,
        first_at=0,
        token=TOKEN,
    )


def test_all_means_the_tables_of_that_moment() -> None:
    world = PolicyWorld("a")
    world.create()
    world.run(300)
    world.tables = {"b", "c"}
    world.run(DAY, every=10)
    assert world.kinds() == both("a", "b", "c")


def test_a_table_dropped_in_between_is_left_out_of_all() -> None:
    world = PolicyWorld("a", "b")
    world.create()
    world.run(5)
    world.tables = {"a"}
    world.run(300)
    assert world.kinds() == both("a")
    assert world.policy.fault == ""
    assert world.policy.round is None


def test_a_missing_table_is_told_and_the_others_go_on() -> None:
    world = PolicyWorld("b")
    world.create("a", "b")
    world.run(300)
    assert world.kinds() == both("b")
    assert world.policy.fault == "a: there is no table a"
    world.tables.add("a")
    world.run(600)
    assert world.kinds() == both("b", "a")
    assert world.policy.fault == ""


def test_backups_go_on_while_a_restore_keeps_old_ones_from_being_removed() -> None:
    world = PolicyWorld("a", "b")
    world.refused["prune", "a"] = "job 9 reads the backups of table a"
    world.create("a", "b")
    world.run(DAY + 600, every=5)
    assert world.kinds() == [("backup", "a"), *both("b")] * 2
    assert world.policy.fault == "a: job 9 reads the backups of table a"
    world.refused.clear()
    world.run(3600, every=5)
    assert world.kinds()[-1] == ("prune", "a")
    assert world.policy.fault == ""


def test_a_failed_round_is_tried_again_ever_more_slowly() -> None:
    world = PolicyWorld("a", "b")
    world.faults["backup", "a"] = ("the target is away", "58030")
    world.create("a", "b")
    world.run(DAY // 2, every=5)
    tried = [job.created for job in world.jobs.values() if job.table == "a"]
    pauses = [later - earlier for earlier, later in pairwise(tried)]
    assert pauses == sorted(pauses)
    assert pauses[0] >= RETRY_SECONDS
    assert 12 < len(tried) < 25
    assert world.kinds() == both("b")
    assert world.policy.fault == "a: the target is away"
    world.faults.clear()
    world.run(3700, every=5)
    assert world.kinds() == both("b", "a")
    assert world.policy.fault == ""
    assert world.policy.succeeded


def test_a_round_that_never_succeeds_gives_way_to_the_next() -> None:
    world = PolicyWorld("a", "b")
    world.faults["backup", "a"] = ("the target is away", "58030")
    world.create("a", "b")
    world.run(3 * DAY, every=20)
    assert world.kinds().count(("backup", "b")) == 3, "one table does not hold the others up"
    assert world.policy.succeeded == 0


def test_a_failed_prune_does_not_back_up_again() -> None:
    world = PolicyWorld("a")
    world.faults["prune", "a"] = ("the target is away", "58030")
    world.create("a")
    world.run(3600)
    assert world.kinds() == [("backup", "a")]
    world.faults.clear()
    world.run(3600)
    assert world.kinds() == both("a")


@pytest.mark.parametrize("kind", ["prune", "backup"])
def test_a_damaged_backup_is_followed_by_a_full_one(kind: str) -> None:
    world = PolicyWorld("a")
    world.faults[kind, "a"] = ("part-00000.parquet is damaged", "XX001")
    world.create("a")
    world.run(50 + 30)
    assert "a" in world.policy.damaged
    world.faults.clear()
    world.new_leader()
    world.run(300)
    assert [full for _, _, _, full in world.done[-2:]] == [True, False]
    assert not world.policy.damaged
    world.run(DAY, every=10)
    assert world.done[-2][3] is False, "only one"


def test_policies_of_the_same_table_take_turns() -> None:
    world = PolicyWorld("a")
    world.create("a", name="p")
    world.create("a", name="q")
    world.run(600)
    assert sorted(world.kinds()) == sorted(both("a") * 2)


@pytest.mark.parametrize("seconds", [1, 2, 3, 31, 33, 63, 65])
def test_a_new_leader_goes_on(seconds: int) -> None:
    world = PolicyWorld("a")
    world.create("a")
    world.run(seconds)
    world.new_leader()
    world.run(300)
    assert world.kinds() == both("a")
    assert world.policy.round is None


def test_pause_and_resume() -> None:
    world = PolicyWorld("a")
    world.create("a")
    world.run(5)
    world.alter(is_paused=True)
    world.run(3 * DAY, every=10)
    assert world.kinds() == both("a"), "what was under way came to its end"
    world.alter(is_paused=False)
    world.run(300)
    assert world.kinds() == both("a") * 2


def test_what_fails_is_left_alone_while_paused() -> None:
    world = PolicyWorld("a")
    world.faults["backup", "a"] = ("it was cancelled", "57014")
    world.create("a")
    world.run(5)
    world.alter(is_paused=True)
    world.run(DAY // 2, every=10)
    assert len(world.jobs) == 1
    assert world.policy.fault == "a: it was cancelled"
    world.faults.clear()
    world.alter(is_paused=False)
    world.run(DAY, every=10)
    assert world.kinds() == both("a")


def test_a_shorter_period_holds_at_once() -> None:
    world = PolicyWorld("a")
    world.create("a")
    world.run(300)
    world.alter(every=3600, keep=9)
    assert world.policy.next_at - world.now <= 3600
    assert world.policy.keep == 9
    world.run(3700, every=10)
    assert world.kinds() == both("a") * 2


def test_drop_forgets_and_asks_for_nothing_more() -> None:
    world = PolicyWorld("a")
    world.create("a")
    world.run(5)
    world.drop()
    assert world.stored.policies == ()
    world.run(2 * DAY, every=10)
    assert world.kinds() == [("backup", "a")], "the job under way ends"


def test_what_is_refused() -> None:
    world = PolicyWorld("a")
    world.create("a")
    world.create("a")
    world.drop("q")
    world.alter(keep=1, name="q")
    errors = [answer.error for answer in world.answers]
    assert errors == [
        "ERR_OK",
        "ERR_INVALID_PARAMETERS",
        "ERR_OBJECT_NOT_FOUND",
        "ERR_OBJECT_NOT_FOUND",
    ]
    for number in range(POLICIES_MAX):
        world.create("a", name=f"p{number}")
    assert world.answers[-1].error == "ERR_INVALID_PARAMETERS"


def test_nothing_is_answered_or_asked_for_while_the_store_refuses() -> None:
    world = PolicyWorld("a")
    world.store_works = False
    world.create("a")
    world.run(300)
    assert world.answers == []
    assert world.jobs == {}
    world.store_works = True
    world.run(300)
    assert [answer.error for answer in world.answers] == ["ERR_OK"]
    assert world.kinds() == both("a")
