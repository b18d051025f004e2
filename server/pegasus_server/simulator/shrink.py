"""Makes a failing schedule small: delta debugging over its faults, then rounder numbers.

A smaller schedule counts as the same failure if the same judge complains.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pegasus_server.simulator.schedule import Fault, Schedule

TRIES_MAX = 300

Judge = Callable[[Schedule], str | None]
"""Runs a schedule; returns the name of the judge that complains, None if all is well."""


class Shrinker:
    """Shrinks one schedule.

    Args:
        run: see Judge.
        tries_max: how many runs it may take.

    Attributes:
        tries: how many runs it took.
    """

    def __init__(self, run: Judge, tries_max: int = TRIES_MAX) -> None:
        self.tries = 0
        self._run = run
        self._tries_max = tries_max
        self._judge: str | None = None

    def shrink(self, schedule: Schedule) -> Schedule:
        """Return a schedule that fails in the same way, with as little as possible in it."""
        self._judge = self._run(schedule)
        assert self._judge is not None, "only a failing schedule can be shrunk"
        schedule = self._fewer_faults(schedule)
        schedule = self._calmer(schedule)
        schedule = self._fewer_faults(schedule)
        return self._rounder(schedule)

    def _fails(self, schedule: Schedule) -> bool:
        if self.tries >= self._tries_max:
            return False
        self.tries += 1
        return self._run(schedule) == self._judge

    def _fewer_faults(self, schedule: Schedule) -> Schedule:
        """Zeller's ddmin: leave out ever smaller parts while the rest still fails."""
        faults: Sequence[Fault] = schedule.faults
        parts = 2
        while faults:
            size = -(-len(faults) // parts)
            for start in range(0, len(faults), size):
                fewer = [*faults[:start], *faults[start + size :]]
                if self._fails(schedule.with_faults(fewer)):
                    faults, parts = fewer, max(parts - 1, 2)
                    break
            else:
                if size == 1:
                    break
                parts = min(2 * parts, len(faults))
        return schedule.with_faults(faults)

    def _calmer(self, schedule: Schedule) -> Schedule:
        """Try knobs that make a world simpler, one after the other."""
        for name, value in _SIMPLER:
            if schedule.knobs[name] == value:
                continue
            calmer = replace(schedule, knobs={**schedule.knobs, name: value})
            if self._fails(calmer):
                schedule = calmer
        last_us = max((each.time_us + each.duration_us for each in schedule.faults), default=0)
        for safety_us in (last_us + 1_000_000, last_us + 10_000_000):
            if 0 < safety_us < schedule.knobs["safety_us"]:
                shorter = replace(schedule, knobs={**schedule.knobs, "safety_us": safety_us})
                if self._fails(shorter):
                    return shorter
        return schedule

    def _rounder(self, schedule: Schedule) -> Schedule:
        """Round times and durations to the coarsest unit that still fails."""
        for index in range(len(schedule.faults)):
            for unit_us in (1_000_000, 100_000, 10_000):
                faults = list(schedule.faults)
                faults[index] = _rounded(faults[index], unit_us)
                if faults[index] == schedule.faults[index]:
                    break
                if self._fails(schedule.with_faults(faults)):
                    schedule = schedule.with_faults(faults)
                    break
        return schedule


def _rounded(fault: Fault, unit_us: int) -> Fault:
    time_us = fault.time_us // unit_us * unit_us
    duration_us = -(-fault.duration_us // unit_us) * unit_us
    return replace(fault, time_us=time_us, duration_us=duration_us)


_SIMPLER: tuple[tuple[str, Any], ...] = (
    ("loss", 0.0),
    ("duplication", 0.0),
    ("lateness", 0.0),
    ("reorders", False),
    ("clock_error_per_million", 0),
    ("metas", 1),
    ("partitions", 2),
    ("servers", 3),
    ("clients", 2),
    ("clients", 1),
    ("hash_keys", 1),
    ("multi_share", 0),
    ("forgets_recent", False),
)
"""Faults may name machines that are gone then; a world ignores those."""
