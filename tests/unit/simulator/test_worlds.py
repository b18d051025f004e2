"""Whole runs: seeds that must pass, stored schedules, the same twice, and a bug that must be found.

A failure prints how to see it again.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pegasus_server.simulator import swarm
from pegasus_server.simulator.bundle import describe
from pegasus_server.simulator.knobs import Knobs
from pegasus_server.simulator.schedule import Fault, FaultKind, Schedule
from pegasus_server.simulator.world import World

CASES = Path(__file__).parents[2] / "scripts" / "simulator"
SEEDS = range(1, 13)
"""A few; `make simulate` runs 200."""
US_PER_SECOND = 1_000_000


@pytest.mark.parametrize("seed", SEEDS)
def test_seed(seed: int) -> None:
    outcome = World(swarm.schedule(seed)).run()
    assert outcome.violation is None, describe(seed, outcome)
    assert outcome.acknowledged > 0


@pytest.mark.parametrize("case", sorted(CASES.glob("*.json")), ids=lambda path: path.stem)
def test_case(case: Path) -> None:
    """Schedules that once broke something, as small as they get."""
    schedule = Schedule.from_json(case.read_text())
    outcome = World(schedule).run()
    assert outcome.violation is None, describe(schedule.seed, outcome)


def test_without_faults_nothing_fails() -> None:
    outcome = World(Schedule(1, Knobs(safety_us=5 * US_PER_SECOND).to_fields(), ())).run()
    assert outcome.violation is None
    assert outcome.acknowledged == outcome.operations > 100


def outages(seed: int) -> Schedule:
    """All servers lose power at the same moment, three times."""
    faults = tuple(
        Fault(time_us, FaultKind.POWER, f"s{number}", 0, US_PER_SECOND)
        for time_us in (1_003_000, 9_017_000, 17_031_000)
        for number in (1, 2, 3)
    )
    knobs = Knobs(safety_us=24 * US_PER_SECOND, sync_us=100_000, think_us=20_000, clients=4)
    return Schedule(seed, knobs.to_fields(), faults)


@pytest.mark.parametrize("seed", range(3))
def test_a_power_cut_of_all_servers_loses_nothing(seed: int) -> None:
    outcome = World(outages(seed)).run()
    assert outcome.violation is None
    assert outcome.acknowledged > 100


@pytest.mark.parametrize("seed", range(3))
def test_an_acknowledgement_that_does_not_wait_for_the_disk_is_found(seed: int) -> None:
    """The canary: the same with a planted bug, which must not go unseen."""
    violation = World(outages(seed), acks_early=True).run().violation
    assert violation is not None
    assert violation.split()[0] in (
        "judge=acked_write_lost",
        "judge=committed_prefixes",
        "judge=one_mutation_per_decree",
        "judge=linearizable",
    )


def digest(seed: int, hash_seed: str) -> str:
    program = [sys.executable, "-m", "pegasus_server.simulator", "--seed", str(seed)]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    run = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    return run.stdout.split("trace=")[1].split()[0]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_trace_whatever_the_hash_seed() -> None:
    assert digest(3, "1") == digest(3, "2")
