"""The private log of a partition, kept only while somebody is taught from it.

A server's shared log is enough to recover its replicas. What a learner needs beside a checkpoint is
what was applied since: so the log begins when a checkpoint does, and ends when nobody asked for it
in a while.

    record   decree u64 | length u32 | crc32c of both and of the body u32 | body (a physical batch)
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import google_crc32c

from pegasus_server.replication.inputs import LogSource
from pegasus_server.replication.messages import LearnFile
from pegasus_tab.base.ids import Decree
from pegasus_tab.base.limits import MIB

TEACHING_BYTES_MAX: Final = 1024 * MIB
"""A log that grows beyond this ends; the learner begins again with a newer checkpoint."""
BUFFER_BYTES_MAX: Final = 1 * MIB

_HEAD: Final = struct.Struct(">QI")
_CRC_BYTES: Final = 4


class TeachingLogDamaged(Exception):  # noqa: N818 -- says what is the case
    """The bytes are no teaching log; what was copied must be discarded."""


class TeachingLog:
    """Mutations from ``first`` on, in decree order without a hole.

    ``add`` and ``take`` belong to the reactor's thread, ``write`` to the files' one.

    Args:
        folder: the replica's.
        first: decree of the first mutation that will be added.
    """

    def __init__(self, folder: Path, first: Decree) -> None:
        self.path = folder / f"teaching.{first}"
        self.first = first
        self.last = Decree(first - 1)
        self._buffer: list[bytes] = []
        self._buffer_bytes = 0
        self._bytes = 0
        self._crc = 0

    @property
    def is_full(self) -> bool:
        """Tell whether it must end."""
        return self._bytes + self._buffer_bytes > TEACHING_BYTES_MAX

    @property
    def wants_write(self) -> bool:
        """Tell whether enough is buffered to be worth writing."""
        return self._buffer_bytes > BUFFER_BYTES_MAX

    def add(self, decree: Decree, body: bytes) -> None:
        """Take the next applied mutation."""
        assert decree == self.last + 1, "a log has no holes"
        head = _HEAD.pack(decree, len(body))
        crc = google_crc32c.extend(google_crc32c.value(head), body)
        self._buffer.append(b"".join((head, int(crc).to_bytes(_CRC_BYTES, "big"), body)))
        self._buffer_bytes += _HEAD.size + _CRC_BYTES + len(body)
        self.last = decree

    def take(self) -> bytes:
        """Empty the buffer; what it held must be given to ``write``, in this order."""
        data = b"".join(self._buffer)
        self._buffer, self._buffer_bytes = [], 0
        self._bytes += len(data)
        self._crc = google_crc32c.extend(self._crc, data)
        return data

    def write(self, data: bytes) -> None:
        """Append to the file. Blocks.

        Raises:
            OSError: the disk refused.
        """
        with self.path.open("ab") as file:
            file.write(data)

    def source(self) -> LogSource:
        """Describe what was taken so far, for a learner."""
        file = LearnFile(self.path.name, self._bytes, self._crc)
        return LogSource(self.first, self.last, (file,))


def read_teaching_log(path: Path) -> Iterator[tuple[Decree, bytes]]:
    """Read a copied log back: decrees with their bodies.

    Raises:
        TeachingLogDamaged: it is something else.
        OSError: the disk refused.
    """
    with path.open("rb") as file:
        while head := file.read(_HEAD.size + _CRC_BYTES):
            if len(head) < _HEAD.size + _CRC_BYTES:
                raise TeachingLogDamaged(f"{path} ends inside a record")
            decree, length = _HEAD.unpack_from(head)
            body = file.read(length)
            crc = google_crc32c.extend(google_crc32c.value(head[: _HEAD.size]), body)
            if len(body) != length or int.from_bytes(head[_HEAD.size :], "big") != crc:
                raise TeachingLogDamaged(f"{path} is damaged at decree {decree}")
            yield Decree(decree), body
