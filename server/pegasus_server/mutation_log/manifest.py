"""The file that names the segments a log must have, so that one that is gone is missed.

A segment file that vanished from the middle of the log leaves a hole in the numbers, but the newest
one leaves nothing: the log would end earlier, and look as if it always had. So the numbers of the
first and the last segment stand in a file of their own. Two slots, a page each, are written in
turn:

    preamble   magic 8s | format version u32 | crc32c of these u32
    fields     generation u64 | first segment u64 | last segment u64
               | crc32c of everything before u32

A crash in the middle of a write tears one slot at most; the other still holds what was true before.
That is good enough, because the order of steps makes both old and new true in between:

* A segment gets its name first, is then named here, and only then is anything in it acknowledged.
* A segment is dropped from here first, and only then deleted.

So files may exist that are not named here, never the other way round. The file is written in place
since it must not need space: the deletion of segments is what gives space back.
"""

import struct
from dataclasses import dataclass
from typing import Self

import google_crc32c

from pegasus_server.mutation_log.folder import LogFile, LogFolder
from pegasus_server.mutation_log.segment_writer import disk_errors

MANIFEST_NAME = "manifest"
NEW_MANIFEST_NAME = "manifest.new"
MANIFEST_FORMAT = 1

_MAGIC = b"PTABMAN\n"
_PREAMBLE = struct.Struct("<8sI")
_FIELDS = struct.Struct("<QQQ")
_CRC = struct.Struct("<I")
_SLOT_BYTES = 4096
"""A page, so that the two slots share no sector of any disk."""
_SLOTS = 2


@dataclass(frozen=True, slots=True)
class ManifestReading:
    """What a manifest says.

    Attributes:
        numbers: of the segments that must exist; None when no slot is intact.
        newer_format: format version when the file was written by a newer one, else None.
    """

    numbers: range | None
    newer_format: int | None


def read_manifest(data: bytes) -> ManifestReading:
    """Read a manifest from its bytes. Never raises."""
    slots = [data[at : at + _SLOT_BYTES] for at in range(0, _SLOTS * _SLOT_BYTES, _SLOT_BYTES)]
    newer = max(map(_format, slots))
    if newer > MANIFEST_FORMAT:
        return ManifestReading(None, newer)
    intact = [fields for slot in slots if (fields := _decode(slot)) is not None]
    if not intact:
        return ManifestReading(None, None)
    _, first, last = max(intact)
    return ManifestReading(range(first, last + 1), None)


class Manifest:
    """The manifest of an open log. Confined to the log's thread.

    Invariants: numbers only rise; the slot not written last holds the state before the last one.

    Args:
        file: made by ``begin``.
        numbers: of the segments that must exist now.
    """

    def __init__(self, file: LogFile, numbers: range) -> None:
        self._file = file
        self._numbers = numbers
        self._generation = 0
        self._write(numbers)

    @classmethod
    def begin(cls, folder: LogFolder, numbers: range) -> Self:
        """Make the manifest anew, in place of an older one. Blocks on the disk.

        Raises:
            LogFullError: no space; the older one stands.
            LogFailedError: the disk failed.
        """
        with disk_errors("make the log's manifest"):
            file = folder.create(NEW_MANIFEST_NAME, _SLOTS * _SLOT_BYTES)
        manifest = cls(file, numbers)
        with disk_errors("make the log's manifest"):
            folder.rename(NEW_MANIFEST_NAME, MANIFEST_NAME)
        return manifest

    def note_born(self, number: int) -> None:
        """Name a new last segment, whose file is in place. Durable on return.

        Raises:
            LogFullError: no space, on a file system that needs some to overwrite.
            LogFailedError: the disk failed.
        """
        assert number >= self._numbers.stop
        self._write(range(self._numbers.start, number + 1))

    def note_needless(self, number: int) -> None:
        """Drop all segments up to ``number``, which may then be deleted. Durable on return.

        Raises:
            LogFullError, LogFailedError: as for ``note_born``; nothing may be deleted.
        """
        self._write(range(max(self._numbers.start, number + 1), self._numbers.stop))

    def close(self) -> None:
        """Release the file; everything noted is on disk."""
        with disk_errors("close the log's manifest"):
            self._file.close()

    def _write(self, numbers: range) -> None:
        generation = self._generation + 1
        slot = _with_crc(_PREAMBLE.pack(_MAGIC, MANIFEST_FORMAT))
        slot = _with_crc(slot + _FIELDS.pack(generation, numbers.start, numbers.stop - 1))
        with disk_errors("write the log's manifest"):
            self._file.write([slot], generation % _SLOTS * _SLOT_BYTES)
            self._file.sync()
        self._generation, self._numbers = generation, numbers


def _format(slot: bytes) -> int:
    """Read the format version behind an intact preamble; 0 when it is not intact."""
    end = _PREAMBLE.size
    if slot[: len(_MAGIC)] != _MAGIC or slot[: end + _CRC.size] != _with_crc(slot[:end]):
        return 0
    return int(_PREAMBLE.unpack_from(slot)[1])


def _decode(slot: bytes) -> tuple[int, int, int] | None:
    start = _PREAMBLE.size + _CRC.size
    end = start + _FIELDS.size
    if _format(slot) != MANIFEST_FORMAT or slot[: end + _CRC.size] != _with_crc(slot[:end]):
        return None
    generation, first, last = _FIELDS.unpack_from(slot, start)
    return generation, first, last


def _with_crc(data: bytes) -> bytes:
    return data + _CRC.pack(google_crc32c.value(data))
