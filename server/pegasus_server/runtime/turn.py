"""A turn: one visit of the reactor, from the bytes it brings to the bytes it sends.

What must happen once per turn rather than once per request is collected here: the clock is read
once, the writes that hit one replica become one mutation, the mutations of all replicas go to the
log in one piece, and the replies to one connection leave in one system call. That is where the
throughput of pipelined clients comes from.
"""

from collections.abc import Callable
from typing import Protocol

from pegasus_server.runtime.clock import expiry_seconds


class EndsTurn(Protocol):
    """A replica with writes of this turn, the log with mutations, or a connection with replies."""

    def end_turn(self) -> None:
        """Send what was collected."""


class Turn:
    """The turn under way; one object serves a node all its life.

    Invariant: between turns nothing is collected.

    Args:
        wall_us: reads the wall clock, microseconds since 1970.

    Attributes:
        now_us: wall clock of this turn, microseconds since 1970.
        now: the same in seconds since 2016.
        written: replicas that took writes in this turn; each adds itself once.
        logging: the log, once it was given mutations in this turn; it adds itself.
        answered: connections that have replies to send; each adds itself once.
    """

    def __init__(self, wall_us: Callable[[], int]) -> None:
        self._wall_us = wall_us
        self.now_us = 0
        self.now = 0
        self.written: list[EndsTurn] = []
        self.logging: list[EndsTurn] = []
        self.answered: list[EndsTurn] = []
        self.open()

    def open(self) -> None:
        """Begin a turn: read the clock."""
        assert not self.written
        self.now_us = self._wall_us()
        self.now = expiry_seconds(self.now_us)

    def close(self) -> None:
        """End the turn: writes go to their replicas, mutations to the log, replies to clients."""
        if self.written:
            written, self.written = self.written, []
            for replica in written:
                replica.end_turn()
        if self.logging:
            logging, self.logging = self.logging, []
            for log in logging:
                log.end_turn()
        if self.answered:
            answered, self.answered = self.answered, []
            for connection in answered:
                connection.end_turn()

    def run(self, work: Callable[[], object]) -> None:
        """Do work that did not come from a connection (disk answers, timers) as a turn."""
        self.open()
        try:
            work()
        finally:
            self.close()
