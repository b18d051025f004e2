"""The life of an embedded node: it ends by itself when its last client has gone (DESIGN.md 4)."""

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

FIRST_CLIENT_SECONDS = 30.0
"""How long it waits for whoever started it."""


class LastClientWatch:
    """Calls ``stop`` once there has been no client for long enough.

    Args:
        reactor: for the timer.
        linger_seconds: how long after the last client's leaving.
        stop: ends the node; called at most once.
    """

    def __init__(
        self, reactor: IReactorTime, linger_seconds: float, stop: Callable[[], None]
    ) -> None:
        self._reactor = reactor
        self._linger_seconds = linger_seconds
        self._stop = stop
        self._timer: IDelayedCall | None = reactor.callLater(FIRST_CLIENT_SECONDS, self._expire)

    def on_count(self, connections: int) -> None:
        """Take note of how many clients are connected now."""
        self.cancel()
        if connections == 0:
            self._timer = self._reactor.callLater(self._linger_seconds, self._expire)

    def cancel(self) -> None:
        """Wait no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        self._timer = None
        self._stop()
