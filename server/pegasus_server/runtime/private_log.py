"""The private log of a replica: what it applied last, to teach learners from.

The server's shared log recovers its replicas; this one is for others, so it is written lazily and
never synced. A new life of the server drops what it finds and begins with what the shared log gave
back, which is on disk for sure. Replicas keep it whatever their role: each may be primary soon.

    private.<n>.<m>   a segment; n is the decree of its first record, m makes the name unique
    record            decree u64 | length u32 | crc32c of both and of the body u32 | body (a batch)
"""

import struct
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import google_crc32c

from pegasus_server.replication.inputs import LogSource
from pegasus_server.replication.messages import LearnFile
from pegasus_tab.base.ids import Decree
from pegasus_tab.base.limits import KIB, MIB

SEGMENT_BYTES: Final = 8 * MIB
BUFFER_BYTES_MAX: Final = 512 * KIB

_HEAD: Final = struct.Struct(">QI")
_CRC: Final = struct.Struct(">I")


class PrivateLogDamaged(Exception):  # noqa: N818 -- says what is the case
    """The bytes are no private log; what was copied must be discarded."""


@dataclass(slots=True)
class _Segment:
    """One file: what was taken for it so far."""

    path: Path
    first: Decree
    bytes: int = 0
    crc: int = 0


Part = tuple[Path, bytes]
"""Bytes to add to a file."""


class PrivateLog:
    """Mutations in decree order without a hole, in segments; the oldest go first.

    Everything but ``write`` belongs to the reactor's thread.

    Invariant: segments are ascending and adjoin; only the last one grows.

    Args:
        folder: the replica's.
        first: decree of the first mutation that will be added.

    Attributes:
        last: decree of the last mutation, ``first`` - 1 if there is none.
    """

    def __init__(self, folder: Path, first: Decree) -> None:
        self.last = Decree(first - 1)
        self._folder = folder
        self._segments: deque[_Segment] = deque()
        self._made = 0
        self._buffer: list[bytes] = []
        self._buffer_bytes = 0

    @property
    def wants_write(self) -> bool:
        """Tell whether enough is buffered to be worth writing."""
        return self._buffer_bytes > BUFFER_BYTES_MAX

    @property
    def is_buffering(self) -> bool:
        """Tell whether anything waits to be written."""
        return self._buffer_bytes > 0

    def add(self, decree: Decree, body: bytes) -> None:
        """Take the next applied mutation. About a microsecond."""
        assert decree == self.last + 1, "a log has no holes"
        head = _HEAD.pack(decree, len(body))
        crc = google_crc32c.extend(google_crc32c.value(head), body)
        self._buffer += (head, _CRC.pack(crc), body)
        self._buffer_bytes += len(head) + _CRC.size + len(body)
        self.last = decree

    def take(self) -> Part:
        """Empty the buffer; what is returned must be given to ``write``, in this order."""
        data = b"".join(self._buffer)
        first = Decree(int.from_bytes(data[:8], "big"))
        self._buffer, self._buffer_bytes = [], 0
        if not self._segments or self._segments[-1].bytes >= SEGMENT_BYTES:
            # A file of an earlier log of this life may be on its way out, or being read.
            self._made += 1
            path = self._folder / f"private.{first}.{self._made}"
            self._segments.append(_Segment(path, first))
        segment = self._segments[-1]
        segment.bytes += len(data)
        segment.crc = google_crc32c.extend(segment.crc, data)
        return segment.path, data

    def source(self, first: Decree) -> tuple[LogSource, list[Path]] | None:
        """Describe what there is for a learner; the buffer must be empty.

        Args:
            first: decree it needs next.

        Returns:
            What to teach from, with the paths of its files; None if the log does not reach back
            so far, or not up to there.
        """
        assert not self._buffer, "take comes first"
        segments = list(self._segments)
        while len(segments) > 1 and segments[1].first <= first:
            del segments[0]
        if not segments or not segments[0].first <= first <= self.last:
            return None
        files = tuple([LearnFile(each.path.name, each.bytes, each.crc) for each in segments])
        return LogSource(segments[0].first, self.last, files), [each.path for each in segments]

    def shrink(self, bytes_max: int) -> list[Path]:
        """Forget the oldest segments until the rest is small enough; return their files."""
        gone = []
        total = sum([each.bytes for each in self._segments])
        while len(self._segments) > 1 and total > bytes_max:
            oldest = self._segments.popleft()
            total -= oldest.bytes
            gone.append(oldest.path)
        return gone

    def restart(self, first: Decree) -> list[Path]:
        """Forget everything and go on at ``first``; return the files of what was."""
        gone = [each.path for each in self._segments]
        self._segments.clear()
        self._buffer, self._buffer_bytes = [], 0
        self.last = Decree(first - 1)
        return gone


def write(part: Part) -> None:
    """Append to a segment. Blocks.

    Raises:
        OSError: the disk refused.
    """
    path, data = part
    with path.open("ab") as file:
        file.write(data)


def repaired(
    folder: Path, applied: Decree, replayed: Sequence[tuple[Decree, bytes]]
) -> "PrivateLog":
    """Begin the log of a new life with what the shared log gave back. Blocks.

    Args:
        folder: the replica's; no segment of an earlier life is left in it.
        applied: decree the engine shows.
        replayed: committed mutations with their batches, the last one at ``applied``, no hole.

    Raises:
        OSError: the disk refused.
    """
    first = replayed[0][0] if replayed else Decree(applied + 1)
    log = PrivateLog(folder, first)
    for decree, body in replayed:
        log.add(decree, body)
        if log.wants_write:
            write(log.take())
    if log.is_buffering:
        write(log.take())
    assert log.last == applied
    return log


def read_private_log(paths: Iterable[Path]) -> Iterator[tuple[Decree, bytes]]:
    """Read copied segments back: decrees with their bodies.

    Raises:
        PrivateLogDamaged: they are something else.
        OSError: the disk refused.
    """
    for path in paths:
        with path.open("rb") as file:
            while head := file.read(_HEAD.size + _CRC.size):
                if len(head) < _HEAD.size + _CRC.size:
                    raise PrivateLogDamaged(f"{path} ends inside a record")
                decree, length = _HEAD.unpack_from(head)
                body = file.read(length)
                crc = google_crc32c.extend(google_crc32c.value(head[: _HEAD.size]), body)
                if len(body) != length or _CRC.unpack_from(head, _HEAD.size)[0] != crc:
                    raise PrivateLogDamaged(f"{path} is damaged at decree {decree}")
                yield Decree(decree), body
