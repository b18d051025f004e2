"""Client connections on Twisted: bytes in, frames to the dispatch, replies out.

Back-pressure works in both directions: a client that does not read its replies is not read from
(Twisted pauses us as a producer), and a client whose requests cost much time gets a bounded slice
of each reactor turn while the rest of its requests wait unread.
"""

import logging
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, Protocol, cast

from twisted.internet.interfaces import IPushProducer, IReactorTime, ITCPTransport
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from pegasus_server.runtime.answer import Client
from pegasus_server.runtime.turn import Turn
from pegasus_tab.wire.errors import RemoteProtocolError
from pegasus_tab.wire.frame import RequestFrame, RequestReader

logger = logging.getLogger(__name__)

SLICE_SECONDS_MAX = 0.005
"""A connection whose slow requests used this much of a turn waits until the others had theirs."""
REPLY_BYTES_MAX = 256 * 1024
"""Replies are handed to the socket once they reach this size, so that back-pressure can bite."""


class Dispatch(Protocol):
    """Serves requests."""

    def serve(self, frame: RequestFrame, client: Client) -> bool:
        """Serve one request; return True if it may have taken long. Raises nothing."""


class Registry(Protocol):
    """Counts connections."""

    def connected(self, connection: "ClientConnection") -> bool:
        """Note a new connection; return False if it is one too many."""

    def disconnected(self, connection: "ClientConnection") -> None:
        """Note that a connection has gone."""


@implementer(IPushProducer)
class ClientConnection(TwistedProtocol):
    """One client's connection.

    Args:
        dispatch: serves the requests.
        turn: the node's turn.
        registry: counts connections.
        reactor: for the clock and for coming back in the next turn.

    Attributes:
        host: the client's IP address.
        local_host: the address of ours that it reached.
        activity: grows whenever a frame is complete; the sweep compares two readings.
    """

    def __init__(
        self, dispatch: Dispatch, turn: Turn, registry: Registry, reactor: IReactorTime
    ) -> None:
        self.host = ""
        self.local_host = ""
        self.activity = 0
        self._serve = dispatch.serve
        self._turn = turn
        self._registry = registry
        self._reactor = reactor
        self._reader = RequestReader()
        self._waiting: Iterator[RequestFrame] = iter(())
        self._is_resting = False
        self._is_peer_slow = False
        self._is_connected = False
        self._is_refused = False
        self._replies: list[bytes] = []
        self._reply_bytes = 0

    @property
    def is_inside_frame(self) -> bool:
        """Tell whether a frame has begun that is not complete yet."""
        return self._reader.pending_bytes > 0

    def connectionMade(self) -> None:  # noqa: N802 -- Twisted's name
        """Set the socket up and ask for a place."""
        transport = cast("ITCPTransport", self.transport)
        self.host = str(getattr(transport.getPeer(), "host", ""))
        self.local_host = str(getattr(transport.getHost(), "host", ""))
        transport.setTcpNoDelay(True)
        transport.setTcpKeepAlive(True)
        cast("Any", transport).registerProducer(self, True)
        self._is_connected = True
        if not self._registry.connected(self):
            logger.warning("connection from %s refused: too many connections", self.host)
            self.abort()

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802, ARG002 -- Twisted's name and argument
        """Forget what the client can no longer be told."""
        self._is_connected = False
        self._waiting = iter(())
        self._replies.clear()
        self._registry.disconnected(self)

    def abort(self) -> None:
        """Close at once, without sending what is left."""
        if self._is_connected:
            cast("ITCPTransport", self.transport).abortConnection()

    def lose(self) -> None:
        """Close once the replies written so far have left."""
        if self._is_connected:
            cast("ITCPTransport", self.transport).loseConnection()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 -- Twisted's name
        """Cut the bytes into frames and serve them."""
        try:
            frames = self._reader.feed(data)
        except RemoteProtocolError:
            frames = []
        self.activity += len(frames)
        if self._is_resting or self._is_peer_slow:
            self._waiting = chain(self._waiting, frames)
            return
        self._waiting = iter(frames)
        self._serve_waiting()

    def _serve_waiting(self) -> None:
        """Serve the frames at hand until they, the slice of time or the peer's patience run out."""
        turn, serve = self._turn, self._serve
        started = self._reactor.seconds()
        turn.open()
        try:
            for frame in self._waiting:
                is_slow = serve(frame, self)
                if self._is_peer_slow:
                    break
                if is_slow and self._reactor.seconds() - started > SLICE_SECONDS_MAX:
                    self._rest()
                    turn.finish()  # this was long enough for the writes of the round to wait
                    break
            else:
                if self._reader.fault is not None:
                    self._refuse(self._reader.fault)
        finally:
            if self._replies:
                self._write()  # what reads were answered with waits for nothing else
            turn.close()

    def _refuse(self, fault: RemoteProtocolError) -> None:
        """Close after a fault in the bytes; replies to the frames before it still leave."""
        if self._is_refused:
            return
        self._is_refused = True
        logger.warning("connection from %s closed: %s", self.host, fault.message)
        self._turn.answered.append(self)
        self._reactor.callLater(0, self.lose)

    def _rest(self) -> None:
        """Let the other connections have their turn."""
        self._is_resting = True
        cast("Any", self.transport).pauseProducing()
        self._reactor.callLater(0, self._wake)

    def _wake(self) -> None:
        self._is_resting = False
        self._go_on()

    def _go_on(self) -> None:
        if not self._is_connected or self._is_resting or self._is_peer_slow:
            return
        cast("Any", self.transport).resumeProducing()
        self._serve_waiting()

    def send(self, reply: bytes) -> None:
        """Send a reply at the end of the turn; nothing if the client is gone."""
        if not self._is_connected:
            return
        if not self._replies:
            self._turn.answered.append(self)
        self._replies.append(reply)
        self._reply_bytes += len(reply)
        if self._reply_bytes > REPLY_BYTES_MAX:
            self._write()

    def end_turn(self) -> None:
        """Write the replies of this turn in one piece."""
        if self._replies:
            self._write()

    def _write(self) -> None:
        if self._is_connected:
            cast("ITCPTransport", self.transport).write(b"".join(self._replies))
        self._replies.clear()
        self._reply_bytes = 0

    def pauseProducing(self) -> None:  # noqa: N802 -- Twisted's name
        """Stop reading: the peer does not take our replies."""
        self._is_peer_slow = True
        cast("Any", self.transport).pauseProducing()

    def resumeProducing(self) -> None:  # noqa: N802 -- Twisted's name
        """Read again, and serve what had to wait, in a turn of its own."""
        self._is_peer_slow = False
        self._reactor.callLater(0, self._go_on)

    def stopProducing(self) -> None:  # noqa: N802 -- Twisted's name
        """Take note that the transport wants nothing more; connectionLost follows."""


def connection_factory(
    dispatch: Dispatch, turn: Turn, registry: Registry, reactor: IReactorTime
) -> Callable[[], ClientConnection]:
    """Return a function that makes the protocol of each new connection."""
    return lambda: ClientConnection(dispatch, turn, registry, reactor)
