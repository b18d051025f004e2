"""One copy of files from a primary to a learner: in pieces, checked, a few pieces at a time.

How many pieces are asked for ahead limits what a copy can take of the network: the answer to one
makes room for the next. A piece that does not come is asked for again; a source that sends nothing
for a while has failed.
"""

import os
import re
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

import google_crc32c

from pegasus_server.replication.effects import CopyFiles
from pegasus_server.replication.messages import LearnFile
from pegasus_server.runtime.clock import boottime_seconds
from pegasus_server.runtime.peer_messages import FileChunk, FileRequest
from pegasus_server.runtime.replica_folder import remove
from pegasus_server.runtime.server_parts import ServerParts
from pegasus_server.storage.atomic_file import fsync_folder
from pegasus_tab.base.ids import Gpid
from pegasus_tab.base.limits import KIB, MIB

PIECE_BYTES: Final = 256 * KIB
PIECES_AHEAD_MAX: Final = 16
AGAIN_SECONDS: Final = 2.0
SILENCE_SECONDS_MAX: Final = 15.0

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]*[A-Za-z0-9]")

Piece = tuple[str, int]
"""Name of the file, offset in it."""


class CopyDamaged(Exception):  # noqa: N818 -- says what is the case
    """What was copied is not what the primary described."""


class FileCopy:
    """One copy.

    Invariant: every piece is waiting, asked for, being written, or done.

    Args:
        number: of this copy, in its messages.
        gpid: the partition.
        effect: what to copy from whom.
        folder: where to; what is in it is removed first.
        parts: of the server.
        on_end: told None when all is here, checked and on disk; else why it failed.
    """

    def __init__(
        self,
        number: int,
        gpid: Gpid,
        effect: CopyFiles,
        folder: Path,
        parts: ServerParts,
        on_end: Callable[[str | None], None],
    ) -> None:
        self.number = number
        self._gpid = gpid
        self._effect = effect
        self._folder = folder
        self._parts = parts
        self._on_end = on_end
        self._files = {file.name: file for file in effect.files}
        self._waiting: deque[Piece] = deque(
            (file.name, offset)
            for file in effect.files
            for offset in range(0, file.bytes, PIECE_BYTES)
        )
        self._asked: dict[Piece, float] = {}
        self._writing = 0
        self._heard_seconds = boottime_seconds()
        self._is_over = False

    def start(self) -> None:
        """Make room and ask for the first pieces."""
        names = [_local_name(name) for name in self._files]
        if None in names or len(set(names)) != len(names):
            self._end("the primary names files that no checkpoint has")
            return
        self._parts.run_files(self._make_folder, lambda _: self._ask_more(), self._on_failure)

    def _make_folder(self) -> None:
        remove(self._folder)
        self._folder.mkdir()
        for file in self._effect.files:
            (self._folder / str(_local_name(file.name))).touch()

    def _ask_more(self) -> None:
        while not self._is_over and self._waiting and self._ahead < PIECES_AHEAD_MAX:
            self._ask(self._waiting.popleft())
        if not self._is_over and not self._waiting and self._ahead == 0:
            self._parts.run_files(self._check, lambda _: self._end(None), self._on_failure)

    @property
    def _ahead(self) -> int:
        return len(self._asked) + self._writing

    def _ask(self, piece: Piece) -> None:
        name, offset = piece
        self._asked[piece] = boottime_seconds()
        wanted = min(PIECE_BYTES, self._files[name].bytes - offset)
        request = FileRequest(self.number, name, offset, wanted)
        self._parts.links.send(self._effect.source, request, self._gpid)

    def on_chunk(self, chunk: FileChunk) -> None:
        """Take a piece; one that was not asked for, or came before, changes nothing."""
        piece = (chunk.name, chunk.offset)
        if self._is_over or chunk.copy != self.number or piece not in self._asked:
            return
        self._heard_seconds = boottime_seconds()
        data = chunk.data
        if data is None or len(data) != min(
            PIECE_BYTES, self._files[chunk.name].bytes - chunk.offset
        ):
            self._end(f"the primary has {chunk.name} no more, or another one")
            return
        del self._asked[piece]
        self._writing += 1
        path = self._folder / str(_local_name(chunk.name))
        self._parts.run_files(
            lambda: _write(path, data, chunk.offset), self._on_written, self._on_failure
        )

    def _on_written(self, _: None) -> None:
        self._writing -= 1
        self._ask_more()

    def tick(self) -> None:
        """Ask again for what does not come; call every second or so."""
        now = boottime_seconds()
        if self._is_over or not self._asked:
            return
        if now - self._heard_seconds > SILENCE_SECONDS_MAX:
            self._end(f"{self._effect.source} sends nothing")
            return
        for piece, asked in list(self._asked.items()):
            if now - asked > AGAIN_SECONDS:
                self._ask(piece)

    def cancel(self) -> None:
        """End it without a word."""
        self._is_over = True

    def _check(self) -> None:
        """Compare all files with their description and put them on disk. Blocks."""
        for file in self._effect.files:
            _check_file(self._folder / str(_local_name(file.name)), file)
        fsync_folder(self._folder)

    def _on_failure(self, error: Exception) -> None:
        self._end(str(error))

    def _end(self, reason: str | None) -> None:
        if not self._is_over:
            self._is_over = True
            self._on_end(reason)


def _local_name(name: str) -> str | None:
    """Return a file's own name, None for one that leads elsewhere."""
    own = name.rpartition("/")[2]
    return own if _NAME.fullmatch(own) else None


def _write(path: Path, data: bytes, offset: int) -> None:
    with path.open("r+b") as file:
        os.pwrite(file.fileno(), data, offset)


def _check_file(path: Path, described: LearnFile) -> None:
    crc, size = 0, 0
    with path.open("rb") as file:
        while piece := file.read(MIB):
            crc = google_crc32c.extend(crc, piece)
            size += len(piece)
        if (size, crc) != (described.bytes, described.crc32c):
            raise CopyDamaged(f"the copy of {described.name} is not what the primary described")
        os.fsync(file.fileno())
