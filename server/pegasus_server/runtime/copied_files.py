"""A folder that a primary's files are copied into, in as many goes as it takes. Every call blocks.

A note beside the folder says what is being copied. A later copy of the very same files goes on
where the one before ended, be it in another life of the server; any other begins with nothing.
"""

import os
import re
from pathlib import Path
from typing import Final

import google_crc32c
import msgspec

from pegasus_server.replication.messages import LearnFile
from pegasus_server.runtime.failpoint import reach
from pegasus_server.runtime.file_request import FileRange
from pegasus_server.runtime.replica_folder import remove
from pegasus_server.storage.atomic_file import fsync_folder, replace_file
from pegasus_tab.base.ids import NodeName
from pegasus_tab.base.limits import MIB

UNSYNCED_BYTES_MAX: Final = 2 * MIB
"""Put on disk in steps of this size, so that a sync of the log never waits behind a whole copy."""

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]*[A-Za-z0-9]")


class CopyDamaged(Exception):  # noqa: N818 -- says what is the case
    """What was copied is not what the primary described, or what it described makes no sense."""


class _Listing(msgspec.Struct, frozen=True):
    """The note: what is being copied, and from whom."""

    source: str
    files: tuple[tuple[str, int, int], ...]


class CopiedFiles:
    """The folder.

    Invariant: each file holds the first bytes of the one it is a copy of, as far as they came.

    Args:
        folder: where the files go, under their own names.
        source: whom they come from.
        files: what they are.

    Raises:
        CopyDamaged: the names are none that a checkpoint or log has.
    """

    def __init__(self, folder: Path, source: NodeName, files: tuple[LearnFile, ...]) -> None:
        self._folder = folder
        self._note = folder.with_name(folder.name + ".json")
        self._listing = _Listing(source, tuple([(f.name, f.bytes, f.crc32c) for f in files]))
        self._files = {own_name(each.name): each for each in files}
        if len(self._files) != len(files):
            raise CopyDamaged("the primary names two files alike")

    def begin(self) -> None:
        """Keep what an interrupted copy of the same files left; make room otherwise.

        Raises:
            OSError: the disk refused.
        """
        if self._folder.is_dir() and self._is_continued():
            for name, file in self._files.items():
                path = self._folder / name
                if path.exists() and path.stat().st_size > file.bytes:
                    path.unlink()
            return
        remove(self._folder)
        replace_file(self._note, msgspec.json.encode(self._listing))
        self._folder.mkdir()

    def _is_continued(self) -> bool:
        try:
            return msgspec.json.decode(self._note.read_bytes(), type=_Listing) == self._listing
        except (FileNotFoundError, msgspec.DecodeError):
            return False

    def missing(self) -> tuple[FileRange, ...]:
        """Tell what is still to come."""
        ranges = []
        for name, file in self._files.items():
            path = self._folder / name
            held = path.stat().st_size if path.exists() else 0
            if held < file.bytes or not path.exists():
                ranges.append(FileRange(file.name, held, file.bytes - held))
        return tuple(ranges)

    def open(self, name: str) -> "FileInParts":
        """Open a file to go on with it.

        Raises:
            OSError: the disk refused.
        """
        return FileInParts(self._folder / own_name(name))

    def finish(self) -> None:
        """Compare all files with their description and put the folder on disk.

        Raises:
            CopyDamaged: a file is another one; nothing of the copy is kept.
            OSError: the disk refused.
        """
        for name, file in self._files.items():
            if not _is_whole(self._folder / name, file):
                remove(self._folder)
                raise CopyDamaged(f"the copy of {file.name} is not what the primary described")
        fsync_folder(self._folder)
        remove(self._note)


class FileInParts:
    """A file that grows at its end, and reaches the disk in steps.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._unsynced = 0

    def append(self, data: bytes) -> None:
        """Add bytes.

        Raises:
            OSError: the disk refused.
        """
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]
        self._unsynced += len(data)
        if self._unsynced >= UNSYNCED_BYTES_MAX:
            self._sync()

    def _sync(self) -> None:
        os.fdatasync(self._file.fileno())
        self._unsynced = 0

    def close(self) -> None:
        """Put the rest on disk.

        Raises:
            OSError: the disk refused.
        """
        try:
            self._sync()
        finally:
            self._file.close()
        reach("learn.copying")


def own_name(name: str) -> str:
    """Return a file's name within the folder.

    Raises:
        CopyDamaged: it leads elsewhere.
    """
    own = name.rpartition("/")[2]
    if not _NAME.fullmatch(own):
        raise CopyDamaged(f"the primary names a file {name!r}, which no checkpoint has")
    return own


def _is_whole(path: Path, described: LearnFile) -> bool:
    crc, size = 0, 0
    with path.open("rb", buffering=0) as file:
        while piece := file.read(MIB):
            crc = google_crc32c.extend(crc, piece)
            size += len(piece)
    return (size, crc) == (described.bytes, described.crc32c)
