"""The two clocks of a node; the only place on the server that reads them."""

import time

from pegasus_tab.base.limits import EPOCH_UNIX_SECONDS


def boottime_seconds() -> float:
    """Seconds since boot, suspends included; never steps. Drives every timer.

    Twisted's own default is the wall clock, which steps (reliability reference, line 3).
    """
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boottime_us() -> int:
    """The same clock in microseconds: the time of every replication and lease machine."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def wall_us() -> int:
    """Microseconds since 1970; may step. Judges expiry and stamps mutations, nothing else."""
    return time.time_ns() // 1000


def expiry_seconds(now_us: int) -> int:
    """Turn wall-clock microseconds into seconds since 2016, the unit of expiry (protocol 5.2)."""
    return now_us // 1_000_000 - EPOCH_UNIX_SECONDS


def unix_seconds() -> int:
    """Seconds since 1970; may step. Meta's time."""
    return wall_us() // 1_000_000
