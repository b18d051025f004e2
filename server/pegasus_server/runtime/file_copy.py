"""One copy of files from a primary to a learner: in a thread, as fast as the primary sends.

A connection that breaks is opened anew and the copy goes on where it was; so it does when a later
attempt at learning wants the same files. A source that gives nothing for a while has failed.
"""

import socket
import threading
from collections.abc import Callable
from typing import Final

from pegasus_server.replication.effects import CopyFiles
from pegasus_server.runtime.background import RunInBackground
from pegasus_server.runtime.copied_files import CopiedFiles
from pegasus_server.runtime.file_request import (
    GONE,
    LENGTH,
    FileRange,
    StreamRequest,
    encode_request,
)
from pegasus_tab.base.ids import Gpid, NodeName
from pegasus_tab.base.limits import KIB

CONNECT_SECONDS_MAX: Final = 5.0
SILENCE_SECONDS_MAX: Final = 15.0
PAUSE_SECONDS: Final = 0.5
"""Before a connection that broke is opened anew."""
FRUITLESS_MAX: Final = 30
"""Connections in a row that brought nothing: the source is gone, or busy with others for long."""
PIECE_BYTES: Final = 512 * KIB


class CopyStopped(Exception):  # noqa: N818 -- says what is the case
    """The copy came to nothing; why is in the text."""


class FileCopy:
    """One copy.

    Args:
        cluster: name of the cluster.
        node: this server.
        gpid: the partition.
        effect: what to copy from whom.
        files: where to.
        on_end: told None when all is here, checked and on disk; else why it failed.
    """

    def __init__(
        self,
        cluster: str,
        node: NodeName,
        gpid: Gpid,
        effect: CopyFiles,
        files: CopiedFiles,
        on_end: Callable[[str | None], None],
    ) -> None:
        self._effect = effect
        self._files = files
        self._on_end = on_end
        self._request = StreamRequest(cluster, node, effect.source, *gpid, ())
        self._cancelled = threading.Event()
        self._connection: socket.socket | None = None

    def start(self, run: RunInBackground) -> None:
        """Copy, once it is this one's turn."""
        run(self._copy, lambda _: self._end(None), lambda error: self._end(str(error)))

    def cancel(self) -> None:
        """End it without a word; what is here already stays."""
        self._cancelled.set()
        connection = self._connection
        if connection is not None:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it is closed already, which is what is wanted

    def _end(self, reason: str | None) -> None:
        if not self._cancelled.is_set():
            self._on_end(reason)

    # In a thread of its own.

    def _copy(self) -> None:
        self._stop_if_cancelled()
        self._files.begin()
        fruitless = 0
        while missing := self._files.missing():
            came = 0
            try:
                came = self._receive_all(missing)
            except OSError as error:
                trouble = str(error)
            else:
                trouble = "it turned away"
            self._stop_if_cancelled()
            if came == 0:
                fruitless += 1
                if fruitless > FRUITLESS_MAX:
                    raise CopyStopped(f"{self._effect.source} sends nothing: {trouble}")
                self._cancelled.wait(PAUSE_SECONDS)
            else:
                fruitless = 0
        self._files.finish()

    def _stop_if_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise CopyStopped("nobody wants it any more")

    def _receive_all(self, missing: tuple[FileRange, ...]) -> int:
        """Take what one connection brings; return how many bytes that was."""
        host, _, port = self._effect.source.rpartition(":")
        came = 0
        with socket.create_connection((host, int(port)), CONNECT_SECONDS_MAX) as connection:
            self._connection = connection
            self._stop_if_cancelled()
            connection.settimeout(SILENCE_SECONDS_MAX)
            wanted = StreamRequest(
                self._request.cluster,
                self._request.sender,
                self._request.receiver,
                self._request.app_id,
                self._request.partition_index,
                missing,
            )
            connection.sendall(encode_request(wanted))
            for each in missing:
                length = _receive_length(connection)
                if length is None:
                    break
                if length != each.bytes:
                    raise CopyStopped(f"the primary has {each.name} no more, or another one")
                came += self._receive_file(connection, each)
        return came

    def _receive_file(self, connection: socket.socket, wanted: FileRange) -> int:
        file = self._files.open(wanted.name)
        left = wanted.bytes
        try:
            while left:
                data = connection.recv(min(PIECE_BYTES, left))
                if not data:
                    break
                file.append(data)
                left -= len(data)
        except TimeoutError:
            if left == wanted.bytes:
                raise
        finally:
            file.close()
        return wanted.bytes - left


def _receive_length(connection: socket.socket) -> int | None:
    """Read the length of what follows; None when the connection ended instead."""
    data = b""
    while len(data) < LENGTH.size:
        piece = connection.recv(LENGTH.size - len(data))
        if not piece:
            return None
        data += piece
    (length,) = LENGTH.unpack(data)
    return int(length)


assert GONE >= 1 << 63, "a length that no file has"
