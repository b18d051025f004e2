"""Twisted's epoll reactor, telling when a round of it is over.

A round is everything from one wait for sockets to the next: what the sockets brought, what other
threads handed over, the timers that were due. A busy server finds several sockets ready at once;
what they bring together can leave together, which saves a system call, a wake-up of the receiver
and a sync of the log for each of them.
"""

from collections.abc import Callable

from twisted.internet.epollreactor import EPollReactor


class RoundReactor(EPollReactor):
    """The epoll reactor; calls back at the end of every round, before it waits again."""

    def __init__(self) -> None:
        self._at_end: list[Callable[[], None]] = []
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted's has no annotations

    def at_round_end(self, work: Callable[[], None]) -> None:
        """Have ``work`` called at the end of every round; it must not raise."""
        self._at_end.append(work)

    def runUntilCurrent(self) -> None:  # noqa: N802 -- Twisted's name
        """Run what is due, which Twisted does between sockets and the next wait for them."""
        super().runUntilCurrent()
        for work in self._at_end:
            work()
