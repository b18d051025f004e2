"""A range of seeds gives the same outcomes however many processes share it."""

import pytest

from pegasus_server.simulator import seed_range

SEEDS = range(1, 4)


def test_runs_all_seeds() -> None:
    summary = seed_range.run(SEEDS, 1, minutes=None, keeps_going=False)
    assert (summary.done, summary.failures) == (3, [])
    assert str(summary).startswith("3 seeds from 1 on without a violation; ")


def test_says_how_many_are_left_when_the_time_is_over() -> None:
    summary = seed_range.run(SEEDS, 1, minutes=0, keeps_going=False)
    assert str(summary).startswith("1 seeds of 3 asked for from 1 on without a violation; ")


@pytest.mark.slow
def test_two_processes_see_the_same_events_as_one() -> None:
    alone = seed_range.run(SEEDS, 1, minutes=None, keeps_going=False)
    shared = seed_range.run(SEEDS, 2, minutes=None, keeps_going=False)
    assert (shared.done, shared.events) == (alone.done, alone.events)
