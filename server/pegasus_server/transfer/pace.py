"""A limit of bytes per second."""

from collections.abc import Callable

BURST_SECONDS = 0.25


class BytePace:
    """Makes its caller wait so that the bytes of any long time stay below the rate.

    Args:
        bytes_per_second: > 0.
        monotonic: seconds of a clock that only goes forward.
        sleep: waits.
    """

    def __init__(
        self,
        bytes_per_second: int,
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._rate = bytes_per_second
        self._monotonic = monotonic
        self._sleep = sleep
        self._free_at = monotonic()

    def __call__(self, bytes_: int) -> None:
        """Return when ``bytes_`` more may go."""
        now = self._monotonic()
        self._free_at = max(self._free_at, now - BURST_SECONDS) + bytes_ / self._rate
        if self._free_at > now:
            self._sleep(self._free_at - now)
