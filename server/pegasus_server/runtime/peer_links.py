"""Connections between the servers of a cluster, on Twisted.

Every server opens one connection to each server it has something to say to, and says everything
there, in order; what it hears comes on connections the others opened. Nothing is promised beyond
order: what waits for a connection that fails, or for a server that does not read, is lost, and the
machines send again what matters.
"""

import logging
import socket
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from twisted.internet import tcp
from twisted.internet.interfaces import IAddress, IConnector, IPushProducer, IReactorTime
from twisted.internet.protocol import ClientFactory, connectionDone
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from pegasus_server.replication.effects import Send
from pegasus_server.runtime.carried_batch import BatchEncoder
from pegasus_server.runtime.peer_frame import NO_PARTITION, PeerFrameError
from pegasus_server.runtime.peer_messages import Hello, encode_hello, encode_message
from pegasus_server.runtime.prompt_port import PromptWrites
from pegasus_server.runtime.turn import Turn
from pegasus_tab.base.ids import Gpid, NodeName
from pegasus_tab.base.limits import MIB

logger = logging.getLogger(__name__)

WAITING_BYTES_MAX = 32 * MIB
"""Frames kept for a server that is being connected to or does not read; more are dropped."""
CONNECT_SECONDS_MAX = 2.0
PAUSE_SECONDS_MIN = 0.05
PAUSE_SECONDS_MAX = 1.0
"""Between two attempts to connect; doubled with every failure."""
UNANSWERED_MS_MAX = 10_000
"""The kernel gives a connection up whose bytes stay unacknowledged for so long."""


class _PromptClient(PromptWrites, tcp.Client):
    """A client's side of a connection that tries the socket first."""


class _PromptConnector(tcp.Connector):
    """Connects with _PromptClient."""

    def _makeTransport(self) -> _PromptClient:  # noqa: N802 -- Twisted's name
        arguments = (self.host, self.port, self.bindAddress, self, self.reactor)
        return _PromptClient(*arguments)  # type: ignore[no-untyped-call]  # Twisted's has none


@implementer(IPushProducer)
class _Speaker(TwistedProtocol):
    """The connection of a link, while it stands; nothing is ever heard on it."""

    def __init__(self, link: "PeerLink") -> None:
        self._link = link

    def connectionMade(self) -> None:  # noqa: N802 -- Twisted's name
        transport = cast("Any", self.transport)
        transport.setTcpNoDelay(True)
        transport.setTcpKeepAlive(True)
        transport.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNANSWERED_MS_MAX)
        transport.registerProducer(self, True)
        self._link.connected(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802, ARG002 -- Twisted's name and argument
        self._link.disconnected()

    def write(self, data: bytes) -> None:
        """Hand bytes to the socket."""
        cast("Any", self.transport).write(data)

    def close(self) -> None:
        """Close once everything has left."""
        cast("Any", self.transport).loseConnection()

    def pauseProducing(self) -> None:  # noqa: N802 -- Twisted's name
        self._link.is_paused = True

    def resumeProducing(self) -> None:  # noqa: N802 -- Twisted's name
        self._link.is_paused = False
        self._link.flush()

    def stopProducing(self) -> None:  # noqa: N802 -- Twisted's name
        """Take note that the transport wants nothing more; connectionLost follows."""


class PeerLink(ClientFactory):
    """What this server says to one other.

    Frames of one turn leave in one write. A link connects when there is something to say, at
    growing intervals as long as that fails.

    Args:
        hello: the first frame.
        host: of the other.
        port: of the other.
        turn: of this server.
        reactor: Twisted's.

    Attributes:
        is_paused: the socket's buffers are full.
    """

    noisy = False

    def __init__(self, hello: bytes, host: str, port: int, turn: Turn, reactor: Any) -> None:
        self.is_paused = False
        self._hello = hello
        self._host = host
        self._port = port
        self._turn = turn
        self._reactor = reactor
        self._speaker: _Speaker | None = None
        self._is_connecting = False
        self._connect_at = 0.0
        self._pause_seconds = PAUSE_SECONDS_MIN
        self._frames: deque[bytes] = deque()
        self._bytes = 0
        self._dropped = 0

    def send(self, frame: bytes) -> None:
        """Send a frame at the end of the turn, or as soon as there is a connection; or drop it."""
        if self._speaker is None and not self._is_connecting and not self._connect():
            return
        if self._bytes + len(frame) > WAITING_BYTES_MAX:
            self._note_dropped()
            return
        if not self._frames and self._speaker is not None:
            self._turn.answered.append(self)
        self._frames.append(frame)
        self._bytes += len(frame)

    def end_turn(self) -> None:
        """Write what was collected."""
        self.flush()

    def flush(self) -> None:
        """Write what waits, if the socket takes it."""
        if self._speaker is not None and self._frames and not self.is_paused:
            data = b"".join(self._frames)
            self._frames.clear()
            self._bytes = 0
            self._speaker.write(data)

    def _connect(self) -> bool:
        """Begin to connect, unless an attempt failed just now."""
        if self._reactor.seconds() < self._connect_at:
            return False
        self._is_connecting = True
        _PromptConnector(
            self._host, self._port, self, CONNECT_SECONDS_MAX, None, self._reactor
        ).connect()
        return True

    def buildProtocol(self, addr: IAddress | None) -> _Speaker:  # noqa: N802, ARG002 -- Twisted's name and argument
        """Make the protocol of a new connection."""
        return _Speaker(self)

    def clientConnectionFailed(self, connector: IConnector, reason: Failure) -> None:  # noqa: N802, ARG002 -- Twisted's name and argument
        """Wait before the next attempt."""
        self.disconnected()

    def connected(self, speaker: _Speaker) -> None:
        """Say who speaks, then what waited."""
        self._is_connecting = False
        self._speaker = speaker
        self._pause_seconds = PAUSE_SECONDS_MIN
        self._dropped = 0
        speaker.write(self._hello)
        self.flush()

    def disconnected(self) -> None:
        """Lose what waits; connect again when there is something new to say."""
        self._is_connecting = self.is_paused = False
        self._speaker = None
        self._frames.clear()
        self._bytes = 0
        self._connect_at = self._reactor.seconds() + self._pause_seconds
        self._pause_seconds = min(2 * self._pause_seconds, PAUSE_SECONDS_MAX)

    def _note_dropped(self) -> None:
        if self._dropped == 0:
            logger.warning(
                "%s:%d does not read; messages to it are dropped", self._host, self._port
            )
        self._dropped += 1

    def close(self) -> None:
        """Close the connection once everything has left."""
        if self._speaker is not None:
            self.flush()
            self._speaker.close()


class PeerLinks:
    """Everything this server says to others.

    Args:
        cluster: name of the cluster.
        node: this server.
        turn: its turn.
        reactor: Twisted's.
        deliver_here: takes what this server says to itself.
    """

    def __init__(
        self,
        cluster: str,
        node: NodeName,
        turn: Turn,
        reactor: IReactorTime,
        deliver_here: Callable[[NodeName, Gpid, object], None],
    ) -> None:
        self._cluster = cluster
        self._node = node
        self._turn = turn
        self._reactor = reactor
        self._deliver_here = deliver_here
        self._links: dict[NodeName, PeerLink] = {}
        self._batches = BatchEncoder()

    def send(self, to: NodeName, message: object, gpid: Gpid = NO_PARTITION) -> None:
        """Send one message; it may be lost."""
        if to == self._node:
            self._deliver_here(self._node, gpid, message)
            return
        try:
            frame = encode_message(message, gpid, self._batches)
        except PeerFrameError:
            logger.exception("a message to %s was not sent", to)
            return
        self._link(to).send(frame)

    def send_all(self, effect: Send, gpid: Gpid) -> None:
        """Send one message to several servers; it is encoded once."""
        try:
            frame = encode_message(effect.message, gpid, self._batches)
        except PeerFrameError:
            logger.exception("a message of partition %s was not sent", gpid)
            return
        for node in effect.to:
            self._link(node).send(frame)

    def body(self, changes: Any) -> bytes:
        """Return the encoded form of a batch; see BatchEncoder."""
        return self._batches.body(changes)

    def _link(self, to: NodeName) -> PeerLink:
        link = self._links.get(to)
        if link is None:
            host, _, port = to.rpartition(":")
            hello = encode_hello(Hello(self._cluster, self._node, to))
            link = PeerLink(hello, host, int(port), self._turn, self._reactor)
            self._links[to] = link
        return link

    def close(self) -> None:
        """Close all connections once everything has left."""
        for link in self._links.values():
            link.close()
