"""A bundle holds what is needed to see a failure again."""

from pathlib import Path

from pegasus_server.simulator.bundle import write_bundle
from pegasus_server.simulator.schedule import Schedule
from pegasus_server.simulator.world import World
from tests.unit.simulator.test_worlds import outages


def test_a_bundle_replays_to_the_same_failure(tmp_path: Path) -> None:
    world = World(outages(0), keeps_trace=True, acks_early=True)
    outcome = world.run()
    assert outcome.violation is not None
    bundle = write_bundle(tmp_path, world, outcome)
    assert outcome.violation in (bundle / "README").read_text()
    assert (bundle / "trace").read_text().splitlines()[-1].endswith(f"FAILED {outcome.violation}")
    assert len((bundle / "history.jsonl").read_text().splitlines()) >= outcome.operations
    again = Schedule.from_json((bundle / "schedule.json").read_text())
    assert World(again, acks_early=True).run() == outcome
