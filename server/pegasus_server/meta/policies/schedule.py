"""When rounds begin: moments of a grid, by a wall clock that may jump."""


def next_round(next_at: int, every_seconds: int, now: int) -> int:
    """Return the first moment of the grid behind ``now``: what was missed is caught up once.

    Args:
        next_at: a moment of the grid, unix seconds.
        every_seconds: between two of them, >= 1.
        now: unix seconds, at or after ``next_at``.
    """
    assert now >= next_at, (now, next_at)
    return next_at + every_seconds * ((now - next_at) // every_seconds + 1)


def within_reach(next_at: int, every_seconds: int, now: int) -> int:
    """Return a moment of the grid that is at most ``every_seconds`` ahead.

    A clock that was set back, or a period made shorter, does not leave a policy waiting for longer
    than its period.
    """
    too_far = max(0, next_at - now - 1) // every_seconds
    return next_at - too_far * every_seconds
