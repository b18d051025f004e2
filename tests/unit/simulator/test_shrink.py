"""The shrinker finds the few faults that matter."""

from dataclasses import replace

from pegasus_server.simulator.knobs import Knobs
from pegasus_server.simulator.schedule import Fault, FaultKind, Schedule
from pegasus_server.simulator.shrink import Shrinker

US_PER_SECOND = 1_000_000


def fault(number: int) -> Fault:
    return Fault(number * 1_234_567, FaultKind.KILL, f"s{number % 3 + 1}", number, 1_111_111)


def schedule(count: int) -> Schedule:
    knobs = Knobs(loss=0.1, servers=5, clients=4, safety_us=60 * US_PER_SECOND).to_fields()
    return Schedule(1, knobs, tuple(fault(number) for number in range(count)))


def test_keeps_the_pair_that_fails_together() -> None:
    def run(tried: Schedule) -> str | None:
        return "lost" if {3, 17} <= {each.argument for each in tried.faults} else None

    small = Shrinker(run).shrink(schedule(30))
    assert [each.argument for each in small.faults] == [3, 17]


def test_makes_the_world_calm_and_the_numbers_round() -> None:
    small = Shrinker(lambda tried: "lost" if tried.faults else None).shrink(schedule(5))
    (left,) = small.faults
    assert left.time_us % US_PER_SECOND == 0
    assert left.duration_us == 2 * US_PER_SECOND
    assert (small.knobs["loss"], small.knobs["servers"], small.knobs["clients"]) == (0.0, 3, 1)
    assert small.knobs["safety_us"] < 20 * US_PER_SECOND


def test_another_failure_is_not_the_same() -> None:
    def run(tried: Schedule) -> str | None:
        if not tried.faults:
            return None
        return "lost" if len(tried.faults) == 8 else "slow"

    assert len(Shrinker(run).shrink(schedule(8)).faults) == 8


def test_stops_at_its_budget() -> None:
    tries = 0

    def run(tried: Schedule) -> str | None:
        nonlocal tries
        tries += 1
        return "lost" if len(tried.faults) >= 10 else None

    shrinker = Shrinker(run, tries_max=7)
    shrinker.shrink(schedule(64))
    assert shrinker.tries == 7
    assert tries == 8


def test_an_unharmed_schedule_comes_back_as_it_was() -> None:
    whole = replace(schedule(2), knobs=Knobs().to_fields())
    needed = set(whole.faults)
    small = Shrinker(lambda tried: "lost" if set(tried.faults) >= needed else None).shrink(whole)
    assert set(small.faults) == needed
