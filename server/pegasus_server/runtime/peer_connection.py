"""Connections that others opened to a server of a cluster: clients and servers on one port.

The first four bytes tell which: a server's frames begin with PEER_MAGIC, a request for files with
FILE_MAGIC. Everything else is left to the client's protocol, which knows what to make of it.
"""

import logging
import socket
from typing import Any, Protocol, cast

from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Protocol as TwistedProtocol

from pegasus_server.runtime.file_request import FILE_MAGIC, StreamRequest, decode_request
from pegasus_server.runtime.peer_frame import (
    PEER_MAGIC,
    PeerFrame,
    PeerFrameError,
    PeerFrameReader,
)
from pegasus_server.runtime.peer_messages import Hello, decode_message
from pegasus_server.runtime.transport import ClientConnection, Dispatch, Registry
from pegasus_server.runtime.turn import Turn
from pegasus_tab.base.ids import Gpid, NodeName

logger = logging.getLogger(__name__)

PEER_CONNECTIONS_MAX = 2048
"""Connections of other servers at a time, two per server while one is being replaced."""


class TakeMessage(Protocol):
    """Takes what other servers say."""

    def __call__(self, sender: NodeName, gpid: Gpid, message: object) -> None:
        """Take one message. Raises nothing."""


class TakeFileRequest(Protocol):
    """Takes a learner's request for files, with the connection that the answer goes to."""

    def __call__(self, request: StreamRequest, connection: socket.socket) -> None:
        """Take the connection over. Raises nothing."""


class PeerListener:
    """What the peer connections of a server share.

    Args:
        cluster: name of the cluster.
        node: this server.
        turn: its turn.
        take: takes the messages.

    Attributes:
        open: connections that stand.
        take_file_request: takes requests for files, None on servers that have none.
    """

    def __init__(self, cluster: str, node: NodeName, turn: Turn, take: TakeMessage) -> None:
        self.cluster = cluster
        self.node = node
        self.turn = turn
        self.take = take
        self.open: set[PeerConnection] = set()
        self.take_file_request: TakeFileRequest | None = None

    def close(self) -> None:
        """Close all connections."""
        for connection in list(self.open):
            connection.close()


class PeerConnection(TwistedProtocol):
    """A connection of another server; it speaks, this one listens."""

    def __init__(self, listener: PeerListener, host: str) -> None:
        self._listener = listener
        self._host = host
        self._reader = PeerFrameReader()
        self._sender: NodeName | None = None

    def adopt(self, transport: Any, data: bytes) -> None:
        """Take over a connection whose first bytes are those of a server."""
        transport.protocol = self
        self.transport = transport
        if len(self._listener.open) >= PEER_CONNECTIONS_MAX:
            self._refuse("too many servers are connected")
            return
        self._listener.open.add(self)
        self.dataReceived(data)

    def connectionLost(self, reason: object = None) -> None:  # noqa: N802, ARG002 -- Twisted's name and argument
        """Forget the connection."""
        self._listener.open.discard(self)

    def close(self) -> None:
        """Close at once."""
        cast("Any", self.transport).abortConnection()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 -- Twisted's name
        """Take the messages in the bytes, in one turn."""
        turn = self._listener.turn
        turn.open()
        try:
            for frame in self._reader.feed(data):
                self._on_frame(frame)
        except PeerFrameError as error:
            self._refuse(str(error))
        finally:
            turn.close()

    def _on_frame(self, frame: PeerFrame) -> None:
        message = decode_message(frame)
        if self._sender is not None:
            self._listener.take(self._sender, frame.gpid, message)
        else:
            self._on_hello(message)

    def _on_hello(self, hello: object) -> None:
        listener = self._listener
        if not isinstance(hello, Hello):
            raise PeerFrameError("the first message does not say who speaks")
        if hello.cluster != listener.cluster:
            raise PeerFrameError(
                f"{hello.sender} is of cluster {hello.cluster!r}, this is {listener.cluster!r}"
            )
        if hello.receiver != listener.node:
            raise PeerFrameError(f"{hello.sender} looks for {hello.receiver}, this is another")
        self._sender = hello.sender

    def _refuse(self, reason: str) -> None:
        logger.warning("connection of server %s closed: %s", self._sender or self._host, reason)
        self.close()


class ClusterConnection(ClientConnection):
    """A connection of which nobody knows yet whether a client or a server opened it.

    Args:
        dispatch: serves clients' requests.
        turn: the server's turn.
        registry: counts clients' connections.
        reactor: for the clock.
        listener: of servers' connections.
    """

    def __init__(
        self,
        dispatch: Dispatch,
        turn: Turn,
        registry: Registry,
        reactor: IReactorTime,
        listener: PeerListener,
    ) -> None:
        super().__init__(dispatch, turn, registry, reactor)
        self._listener = listener
        self._first_bytes: bytes | None = b""

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 -- Twisted's name
        """Look at the first bytes, then hand the connection to whom it belongs."""
        if self._first_bytes is None:
            super().dataReceived(data)
            return
        data = self._first_bytes + data
        if data.startswith(PEER_MAGIC):
            self._become_peer(data)
        elif data.startswith(FILE_MAGIC):
            self._on_file_request(data)
        elif PEER_MAGIC.startswith(data) or FILE_MAGIC.startswith(data):
            self._first_bytes = data
        else:
            self._first_bytes = None
            super().dataReceived(data)

    def _become_peer(self, data: bytes) -> None:
        transport = cast("Any", self.transport)
        transport.unregisterProducer()
        # To the clients' registry the connection is gone.
        super().connectionLost()
        PeerConnection(self._listener, self.host).adopt(transport, data)

    def _on_file_request(self, data: bytes) -> None:
        """Hand the connection over once the request on it is complete."""
        self._first_bytes = data
        listener = self._listener
        try:
            request = decode_request(data)
        except PeerFrameError as error:
            self._refuse_files(str(error))
            return
        if request is None:
            return
        if (request.cluster, request.receiver) != (listener.cluster, listener.node):
            self._refuse_files(f"{request.sender} looks for {request.receiver}")
        elif listener.take_file_request is None:
            self._refuse_files("this server has no files")
        else:
            transport = cast("Any", self.transport)
            transport.unregisterProducer()
            listener.take_file_request(request, transport.detach())

    def _refuse_files(self, reason: str) -> None:
        logger.warning("request for files from %s refused: %s", self.host, reason)
        cast("Any", self.transport).abortConnection()
