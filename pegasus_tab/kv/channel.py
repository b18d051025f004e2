"""One non-blocking TCP connection: opens, sends, receives, and reports; decides nothing."""

import errno
import os
import select
import socket
from collections.abc import Iterator
from typing import Final, TypeAlias

from pegasus_tab.base.limits import KIB, MIB
from pegasus_tab.wire.address import Address

RECEIVE_BYTES: Final = 64 * KIB
RECEIVE_BYTES_LARGE: Final = 1 * MIB
"""Once a reply filled the smaller buffer; a large one for every small reply would cost page faults."""

_Target: TypeAlias = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
"""What ``connect`` takes; its shape depends on the address family."""


class ChannelLost(Exception):  # noqa: N818 -- an event, named as one
    """The connection could not be opened, or is gone.

    Args:
        reason: why.
        by_peer: the server closed or reset it; False when it just cannot be reached any more.
    """

    def __init__(self, reason: str, *, by_peer: bool = False) -> None:
        super().__init__(reason)
        self.by_peer = by_peer


def _lost(fault: OSError) -> ChannelLost:
    by_peer = isinstance(fault, (ConnectionResetError, BrokenPipeError))
    return ChannelLost(fault.strerror or str(fault), by_peer=by_peer)


class Channel:
    """A socket on its way to one address.

    Args:
        address: where to; a name is looked up, which may take a while.

    Attributes:
        address: as given.
        socket: the present attempt's.
        is_open: True once connected.
        interest: what to poll for.

    Raises:
        ChannelLost: the address cannot be found or nobody answers there.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self.is_open = False
        self._unsent = bytearray()
        self._receive_bytes = RECEIVE_BYTES
        self._candidates = _candidates(address)
        self.socket = self._connect("no address found")

    @property
    def unsent(self) -> bool:
        """Tell whether bytes wait for the socket to take them."""
        return bool(self._unsent)

    @property
    def interest(self) -> int:
        """Return the poll flags that matter now."""
        if not self.is_open:
            return select.POLLOUT
        return select.POLLIN | select.POLLOUT if self._unsent else select.POLLIN

    def opened(self) -> bool:
        """Look at a connection that became writable.

        Returns:
            True when it is open; False when it is still opening, maybe through another socket.

        Raises:
            ChannelLost: no address of the name answers.
        """
        code = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self.socket.close()
            self.socket = self._connect(os.strerror(code))
            return False
        try:
            self.socket.getpeername()
        except OSError:
            return False  # a stale event of the socket that had this number before
        self.is_open = True
        return True

    def send(self, data: bytes) -> None:
        """Send as much as the socket takes and keep the rest for ``send_rest``.

        Raises:
            ChannelLost: the connection is gone.
        """
        if self._unsent:
            self._unsent += data
            return
        sent = self._send_some(data)
        if sent < len(data):
            self._unsent += data[sent:]

    def send_rest(self) -> None:
        """Send more of what is left; ChannelLost when the connection is gone."""
        if self._unsent:
            del self._unsent[: self._send_some(self._unsent)]

    def receive(self) -> bytes:
        """Return what arrived, b"" when nothing did.

        Raises:
            ChannelLost: the connection is gone or the server closed it.
        """
        try:
            data = self.socket.recv(self._receive_bytes)
        except (BlockingIOError, InterruptedError):
            return b""
        except OSError as fault:
            raise _lost(fault) from fault
        if not data:
            raise ChannelLost("the server closed it", by_peer=True)
        if len(data) == self._receive_bytes:
            self._receive_bytes = RECEIVE_BYTES_LARGE
        return data

    def close(self) -> None:
        """Close the socket; what was not sent is dropped."""
        self.socket.close()

    def _send_some(self, data: bytes | bytearray) -> int:
        try:
            return self.socket.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as fault:
            raise _lost(fault) from fault

    def _connect(self, reason: str) -> socket.socket:
        """Begin connecting to the next candidate."""
        for family, target in self._candidates:
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            code = sock.connect_ex(target)
            if code in {0, errno.EINPROGRESS}:
                return sock
            sock.close()
            reason = os.strerror(code)
        raise ChannelLost(reason)


def _candidates(address: Address) -> Iterator[tuple[int, _Target]]:
    """Look a name up; IPv4 first, because that is all the protocol itself knows."""
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except OSError as fault:
        raise ChannelLost(str(fault.strerror)) from fault
    found.sort(key=lambda info: info[0] != socket.AF_INET)
    return iter([(info[0], info[4]) for info in found])
