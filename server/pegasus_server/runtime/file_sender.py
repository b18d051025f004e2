"""Sends files to learners: in threads, from the page cache to the socket without a copy.

A thread per connection and a bounded number of them; what comes beyond that is turned away, and
the learner tries again in a while.
"""

import logging
import os
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from pegasus_server.runtime.background import RunInBackground
from pegasus_server.runtime.file_request import GONE, LENGTH, FileRange
from pegasus_server.runtime.throttle import Throttle
from pegasus_tab.base.limits import MIB

logger = logging.getLogger(__name__)

SEND_SECONDS_MAX: Final = 30
"""A learner that takes nothing for so long is given up."""
PIECE_BYTES: Final = 1 * MIB


class FileSender:
    """The connections on which this server sends files.

    Args:
        run: runs the sending, as many at once as there may be.
        throttle: of the server.
        senders_max: connections at a time.
    """

    def __init__(self, run: RunInBackground, throttle: Throttle, senders_max: int) -> None:
        self._run = run
        self._throttle = throttle
        self._senders_max = senders_max
        self._open: set[socket.socket] = set()

    @property
    def is_busy(self) -> bool:
        """Tell whether one more learner is one too many now."""
        return len(self._open) >= self._senders_max

    def send(
        self,
        connection: socket.socket,
        ranges: Sequence[FileRange],
        paths: Mapping[str, Path],
        ended: Callable[[], None],
    ) -> None:
        """Answer a request, then close the connection.

        Args:
            connection: nobody else uses it from now on.
            ranges: what was asked for.
            paths: where the files are that may be asked for.
            ended: called when it is over, well or not.
        """
        self._open.add(connection)

        def over(reason: str) -> None:
            self._open.discard(connection)
            connection.close()
            if reason:
                logger.warning("files for a learner were not sent: %s", reason)
            ended()

        self._run(
            lambda: self._send_all(connection, ranges, paths),
            lambda _: over(""),
            lambda error: over(str(error)),
        )

    def close(self) -> None:
        """End all connections."""
        for connection in self._open:
            _shut(connection)

    # In a thread of its own.

    def _send_all(
        self, connection: socket.socket, ranges: Sequence[FileRange], paths: Mapping[str, Path]
    ) -> None:
        connection.setblocking(True)
        limit = struct.pack("ll", SEND_SECONDS_MAX, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        for wanted in ranges:
            path = paths.get(wanted.name)
            file = None if path is None else _open_file(path, wanted)
            if file is None:
                connection.sendall(LENGTH.pack(GONE))
                return
            try:
                connection.sendall(LENGTH.pack(wanted.bytes))
                self._send_range(connection.fileno(), file, wanted)
            finally:
                os.close(file)

    def _send_range(self, connection: int, file: int, wanted: FileRange) -> None:
        offset, end = wanted.offset, wanted.offset + wanted.bytes
        while offset < end:
            size = min(PIECE_BYTES, end - offset)
            self._throttle.wait_for(size)
            sent = os.sendfile(connection, file, offset, size)
            if sent == 0:
                raise OSError(f"{wanted.name} became shorter while it was sent")
            offset += sent


def _open_file(path: Path, wanted: FileRange) -> int | None:
    """Open a file that has what is wanted of it."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    is_there = wanted.offset >= 0 and wanted.bytes >= 0
    if is_there and wanted.offset + wanted.bytes <= os.fstat(file).st_size:
        return file
    os.close(file)
    return None


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError as error:
        logger.info("a connection for files had ended by itself: %s", error)
