"""A turn: one round of the reactor, from the bytes it brings to the bytes it sends.

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


class HasRounds(Protocol):
    """A reactor that tells when a round is over; see ``RoundReactor``."""

    def at_round_end(self, work: Callable[[], None]) -> None:
        """Have ``work`` called at the end of every round."""


class Turn:
    """The turn under way; one object serves a node all its life.

    Invariant: between turns nothing is collected. A turn that breaks off is the end of the process
    (``last_for_rounds_of``): what it had collected is with nobody, and a replica whose writes are
    neither logged nor refused must not go on as if they were.

    Args:
        wall_us: reads the wall clock, microseconds since 1970.

    Attributes:
        now_us: wall clock of the visit under way, microseconds since 1970.
        now: the same in seconds since 2016.
        written: replicas that took writes in this turn; each adds itself once.
        logging: the log, once it was given mutations in this turn; it adds itself.
        answered: connections that have replies to send; each adds itself once.
    """

    def __init__(self, wall_us: Callable[[], int]) -> None:
        self._wall_us = wall_us
        self._on_torn: Callable[[Exception], object] | None = None
        self.now_us = 0
        self.now = 0
        self.written: list[EndsTurn] = []
        self.logging: list[EndsTurn] = []
        self.answered: list[EndsTurn] = []
        self.open()

    def last_for_rounds_of(
        self, reactor: HasRounds, on_torn: Callable[[Exception], object]
    ) -> None:
        """Let all visits of a round of the reactor be one turn.

        Args:
            reactor: calls back at the end of each round.
            on_torn: gets what broke a turn off; it is to end the process, for whoever is left
                (the reactor, a connection) would log the error and go on.
        """
        self._on_torn = on_torn
        reactor.at_round_end(self.finish)

    def open(self) -> None:
        """Begin a visit of a socket, a timer or another thread: read the clock."""
        self.now_us = self._wall_us()
        self.now = expiry_seconds(self.now_us)

    def close(self) -> None:
        """End a visit, and with it the turn unless that lasts for the round."""
        if self._on_torn is None:
            self.finish()

    def finish(self) -> None:
        """End the turn: writes go to their replicas, mutations to the log, replies to clients."""
        try:
            if self.written:
                written, self.written = self.written, []
                for replica in written:
                    replica.end_turn()
            if self.logging:
                logs, self.logging = self.logging, []
                for log in logs:
                    log.end_turn()
            if self.answered:
                answered, self.answered = self.answered, []
                for connection in answered:
                    connection.end_turn()
        except Exception as error:
            if self._on_torn is None:
                raise
            self._on_torn(error)

    def run(self, work: Callable[[], object]) -> None:
        """Do work that did not come from a connection (disk answers, timers) as a visit."""
        self.open()
        try:
            work()
        finally:
            self.close()
