"""How fast files may leave a server, whatever the number of learners."""

import threading
import time
from collections.abc import Callable
from typing import Final

BURST_SECONDS: Final = 0.05
"""What was not used is saved for so long only, or a pause would be followed by a flood."""


class Throttle:
    """Bytes per second, shared by threads.

    Args:
        bytes_per_second: the rate, > 0; 0 for no limit.
        seconds: a clock that never falls.
        sleep: waits.
    """

    def __init__(
        self,
        bytes_per_second: int,
        seconds: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = bytes_per_second
        self._seconds = seconds
        self._sleep = sleep
        self._lock = threading.Lock()
        self._free_at = seconds()

    def wait_for(self, size: int) -> None:
        """Return when ``size`` bytes may be sent. Blocks."""
        if self._rate == 0:
            return
        with self._lock:
            now = self._seconds()
            begin = max(self._free_at, now - BURST_SECONDS)
            self._free_at = begin + size / self._rate
            wait_seconds = begin - now
        if wait_seconds > 0:
            self._sleep(wait_seconds)
