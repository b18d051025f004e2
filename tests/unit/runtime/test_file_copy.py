"""Copies from a primary: whole and checked, or failed with a reason; never something in between."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import google_crc32c
import pytest

from pegasus_server.replication.effects import CopyFiles
from pegasus_server.replication.messages import LearnFile
from pegasus_server.runtime.clock import boottime_seconds
from pegasus_server.runtime.file_copy import (
    PIECE_BYTES,
    PIECES_AHEAD_MAX,
    CopyDamaged,
    FileCopy,
)
from pegasus_server.runtime.peer_messages import FileChunk, FileRequest
from pegasus_tab.base.ids import Gpid, NodeName, Signature

BIG = bytes(range(256)) * (PIECE_BYTES * 20 // 256) + b"end"
CONTENT = {"checkpoint.7/000001.sst": BIG, "checkpoint.7/CURRENT": b"x", "checkpoint.7/empty": b""}


class Source:
    """A primary that answers when told to, and the learner's threads that run at once."""

    def __init__(self, folder: Path, content: dict[str, bytes] | None = None) -> None:
        self.content = CONTENT if content is None else content
        self.asked: list[FileRequest] = []
        self.ended: list[str | None] = []
        self.folder = folder / "learned"
        files = tuple(
            LearnFile(name, len(data), google_crc32c.value(data))
            for name, data in self.content.items()
        )
        effect = CopyFiles(NodeName("a:1"), Signature(1), 1, files)
        parts: Any = SimpleNamespace(run_files=run_now, links=self)
        self.copy = FileCopy(3, Gpid(1, 0), effect, self.folder, parts, self.ended.append)
        self.copy.start()

    def send(self, to: NodeName, message: FileRequest, gpid: Gpid) -> None:
        assert (to, gpid) == ("a:1", Gpid(1, 0))
        self.asked.append(message)

    def chunk(self, request: FileRequest) -> FileChunk:
        piece = self.content[request.name][request.offset : request.offset + request.bytes]
        return FileChunk(request.copy, request.name, request.offset, piece)

    def answer_all(self) -> None:
        while self.asked:
            self.copy.on_chunk(self.chunk(self.asked.pop()))


def run_now(
    job: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[Exception], None]
) -> None:
    try:
        outcome = job()
    except (OSError, CopyDamaged) as error:
        failed(error)
    else:
        done(outcome)


def test_everything_arrives(tmp_path: Path) -> None:
    source = Source(tmp_path)
    assert len(source.asked) == PIECES_AHEAD_MAX
    source.answer_all()
    assert source.ended == [None]
    copied = {path.name: path.read_bytes() for path in source.folder.iterdir()}
    assert copied == {name.rpartition("/")[2]: data for name, data in CONTENT.items()}


def test_pieces_twice_or_of_another_copy_change_nothing(tmp_path: Path) -> None:
    source = Source(tmp_path)
    first = source.asked.pop(0)
    other = FileChunk(2, first.name, first.offset, bytes(first.bytes))
    source.copy.on_chunk(other)
    source.copy.on_chunk(source.chunk(first))
    source.copy.on_chunk(source.chunk(first))
    source.answer_all()
    assert source.ended == [None]


@pytest.mark.parametrize("data", [None, b"short"])
def test_a_file_that_is_gone_fails_the_copy(tmp_path: Path, data: bytes | None) -> None:
    source = Source(tmp_path)
    request = source.asked[0]
    source.copy.on_chunk(FileChunk(3, request.name, request.offset, data))
    (reason,) = source.ended
    assert reason is not None
    assert "000001.sst" in reason


def test_other_bytes_are_noticed(tmp_path: Path) -> None:
    source = Source(tmp_path)
    source.content = {**CONTENT, "checkpoint.7/CURRENT": b"y"}
    source.answer_all()
    (reason,) = source.ended
    assert reason is not None
    assert "CURRENT" in reason


@pytest.mark.parametrize("name", ["../evil/..", "a/", "x/.", "x/\0"])
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    source = Source(tmp_path, {name: b"1"})
    assert source.ended
    assert source.ended[0] is not None
    assert not source.folder.exists()


def test_what_does_not_come_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source(tmp_path)
    asked = list(source.asked)
    source.asked.clear()
    started = boottime_seconds()
    monkeypatch.setattr("pegasus_server.runtime.file_copy.boottime_seconds", lambda: started + 5)
    source.copy.tick()
    assert source.asked == asked
    monkeypatch.setattr("pegasus_server.runtime.file_copy.boottime_seconds", lambda: started + 60)
    source.copy.tick()
    assert source.ended == ["a:1 sends nothing"]
