"""A TCP port whose connections send at once instead of in the reactor's next turn.

Twisted's ``write`` only remembers the bytes and asks to be called when the socket can take them:
two system calls and a turn of the reactor for every batch of replies, although the socket nearly
always takes them right away. Measured: a GET by itself costs 25 us of CPU instead of 38.
"""

from twisted.internet import tcp


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


class PromptPort(tcp.Port):
    """Listens, and serves with PromptConnection."""

    transport = PromptConnection  # type: ignore[mutable-override]  # Twisted means it to be replaced
