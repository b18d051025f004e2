"""Timestamps of one primary: wall-clock microseconds that never repeat and never fall."""


class Timestamps:
    """Strictly increasing timestamps, also when the wall clock steps back.

    Replicas judge "time at apply" by the mutation's own timestamp, never by their clock
    (reliability reference 2.3), so the primary alone may read one.

    Args:
        last_us: the highest timestamp ever given out for this partition, 0 for none.
    """

    def __init__(self, last_us: int = 0) -> None:
        assert last_us >= 0
        self._last_us = last_us

    @property
    def last_us(self) -> int:
        """The highest timestamp given out or seen."""
        return self._last_us

    def next(self, now_us: int) -> int:
        """Return ``now_us``, or one above the last timestamp if the clock did not advance."""
        self._last_us = now_us if now_us > self._last_us else self._last_us + 1
        return self._last_us

    def note(self, seen_us: int) -> None:
        """Take in a timestamp another primary gave: later ones of ours lie above it."""
        self._last_us = max(self._last_us, seen_us)
