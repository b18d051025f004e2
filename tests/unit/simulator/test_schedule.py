"""Schedules survive JSON, and other texts are refused."""

import pytest

from pegasus_server.simulator.schedule import Fault, FaultKind, Schedule, ScheduleFormatError


def test_json_round_trip() -> None:
    faults = tuple(
        Fault(1000 * number, kind, "s1", "s2" if kind is FaultKind.CUT else 5, 10)
        for number, kind in enumerate(FaultKind)
    )
    schedule = Schedule(7, {"servers": 3, "loss": 0.25}, faults)
    assert Schedule.from_json(schedule.to_json()) == schedule


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format": 2}', '{"format": 1, "seed": 1, "knobs": {}, "faults": [{}]}'],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ScheduleFormatError):
        Schedule.from_json(text)
