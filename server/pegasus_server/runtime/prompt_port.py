"""A TCP port whose connections send at once instead of in the reactor's next turn.

Twisted's ``write`` only remembers the bytes and asks to be called when the socket can take them:
two system calls and a turn of the reactor for every batch of replies, although the socket nearly
always takes them right away. Measured: a GET by itself costs 25 us of CPU instead of 38.
"""

import socket

from twisted.internet import tcp
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure


class PromptWrites(tcp.Connection):
    """Either side of a connection; it tries the socket first."""

    def write(self, data: bytes) -> None:
        """Send what the socket takes now; leave the rest to Twisted's buffer and back-pressure."""
        if not self.connected or self.dataBuffer or self._tempDataBuffer:
            # Nothing may overtake what waits.
            super().write(data)  # type: ignore[no-untyped-call]  # Twisted's has no annotations
            return
        sent = self.writeSomeData(data)
        if not isinstance(sent, int):
            sent = 0  # the connection is gone; Twisted finds that out by itself and tells everybody
        if sent < len(data):
            rest = data[sent:] if sent else data
            super().write(rest)  # type: ignore[no-untyped-call]  # as above


class PromptConnection(PromptWrites, tcp.Server):
    """A server's side of a connection."""

    _is_detached = False

    def detach(self) -> socket.socket:
        """Take the socket out of the reactor's hands; for the protocol the connection is lost."""
        taken: socket.socket = self.socket
        self._is_detached = True
        self.connectionLost(Failure(ConnectionDone()))  # type: ignore[no-untyped-call]  # as above
        return taken

    def _closeSocket(self, orderly: bool) -> None:  # noqa: N802 -- Twisted's name and argument
        if not self._is_detached:
            super()._closeSocket(orderly)  # type: ignore[no-untyped-call]  # as above


class PromptPort(tcp.Port):
    """Listens, and serves with PromptConnection."""

    transport = PromptConnection  # type: ignore[mutable-override]  # Twisted means it to be replaced
