"""How long a read may take: reads that visit many rows ask now and then whether to stop."""

from collections.abc import Callable

from pegasus_tab.base.limits import READ_SECONDS_MAX


class TimeBudget:
    """The time one request may use.

    Args:
        clock: seconds of any clock that only goes forward.
        seconds_max: from now on; 0 for no limit (protocol reference 6.5).

    Attributes:
        started: what the clock said at the beginning.
    """

    def __init__(self, clock: Callable[[], float], seconds_max: float = READ_SECONDS_MAX) -> None:
        self._clock = clock
        self.started = clock()
        self._deadline = self.started + seconds_max if seconds_max else float("inf")

    def is_spent(self) -> bool:
        """Tell whether the time is over."""
        return self._clock() >= self._deadline
