"""A worker's connection to a server: it writes rows and asks meta as any client does.

Blocking, for a worker does one thing at a time.
"""

import socket
from collections.abc import Sequence
from typing import Final, NoReturn, TypeVar

from pegasus_tab.base.errors import OperationalError
from pegasus_tab.base.ids import Gpid
from pegasus_tab.base.limits import KIB
from pegasus_tab.wire import codes
from pegasus_tab.wire.frame import ResponseFrame, ResponseReader, encode_request
from pegasus_tab.wire.messages import arguments, decode_result
from pegasus_tab.wire.thrift_struct import Struct

ANSWER_SECONDS_MAX: Final = 30.0

Answer = TypeVar("Answer", bound=Struct)


class ServerConnection:
    """One connection.

    Args:
        address: "host:port".

    Raises:
        OperationalError: nobody answers there.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        host, _, port = address.rpartition(":")
        try:
            self._socket = socket.create_connection((host, int(port)), ANSWER_SECONDS_MAX)
        except OSError as error:
            raise OperationalError(f"{address} cannot be reached: {error}") from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = ResponseReader()
        self._frames: list[ResponseFrame] = []
        self._seqid = 0

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def send(self, name: bytes, gpid: Gpid, args: bytes) -> int:
        """Send a request; return its number."""
        self._seqid += 1
        timeout_ms = int(ANSWER_SECONDS_MAX * 1000)
        frame = encode_request(name, self._seqid, gpid, gpid.partition_index, timeout_ms, args)
        try:
            self._socket.sendall(frame)
        except OSError as error:
            self._lost(error)
        return self._seqid

    def receive(self) -> ResponseFrame:
        """Return the next answer, whichever it is."""
        while not self._frames:
            try:
                data = self._socket.recv(256 * KIB)
            except OSError as error:
                self._lost(error)
            if not data:
                self._lost("it closed the connection")
            self._frames = self._reader.feed(data)
        return self._frames.pop(0)

    def _lost(self, reason: object) -> NoReturn:
        raise OperationalError(f"{self.address} did not answer: {reason}")

    def ask(self, name: bytes, request: Struct, answer: type[Answer]) -> Answer:
        """Carry out one call to meta.

        Raises:
            OperationalError: no answer, or an error of the protocol.
        """
        self.send(name, Gpid(0, 0), arguments(request.encode()))
        frame = self.receive()
        if frame.error != codes.ERR_OK:
            raise OperationalError(f"{self.address} answered {frame.error}")
        return decode_result(frame, answer)


def ask_leader(metas: Sequence[str], name: bytes, request: Struct, answer: type[Answer]) -> Answer:
    """Carry out one call at whichever meta server leads.

    Args:
        metas: their addresses.
        name: RPC name.
        request: its argument.
        answer: type of its result; must have ``err``.

    Raises:
        OperationalError: none of them answers as a leader.
    """
    fault = "there are no meta servers"
    for address in metas:
        try:
            connection = ServerConnection(address)
        except OperationalError as error:
            fault = error.message
            continue
        try:
            found = connection.ask(name, request, answer)
        except OperationalError as error:
            fault = error.message
            continue
        finally:
            connection.close()
        if found.err != codes.ERR_FORWARD_TO_OTHERS:  # type: ignore[attr-defined]  # see Args
            return found
        fault = f"{address} does not lead"
    raise OperationalError(f"no meta server carried out {name.decode()}: {fault}")
