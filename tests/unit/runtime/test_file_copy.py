"""Copies from a primary over a real connection: whole and checked, resumed, or failed with a reason."""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import google_crc32c
import pytest

from pegasus_server.replication.effects import CopyFiles
from pegasus_server.replication.messages import LearnFile
from pegasus_server.runtime import file_copy
from pegasus_server.runtime.copied_files import CopiedFiles, CopyDamaged
from pegasus_server.runtime.file_copy import CopyStopped, FileCopy
from pegasus_server.runtime.file_request import StreamRequest, decode_request
from pegasus_server.runtime.file_sender import FileSender
from pegasus_server.runtime.throttle import Throttle
from pegasus_tab.base.ids import Gpid, NodeName, Signature

BIG = bytes(range(256)) * 12_000 + b"end"
CONTENT = {"checkpoint.7/000001.sst": BIG, "checkpoint.7/CURRENT": b"x", "checkpoint.7/empty": b""}


class Source:
    """A primary: it sends what is in its folder, or as much of it as a test wants.

    Attributes:
        requests: what it was asked for.
        cut_after: bytes of the first connection's answer after which that breaks; None to send all.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requests: list[StreamRequest] = []
        self.cut_after: int | None = None
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.name = NodeName(f"127.0.0.1:{self._listening.getsockname()[1]}")
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        data = b""
        while (request := decode_request(data)) is None:
            data += connection.recv(65536)
        self.requests.append(request)
        paths = {
            f"checkpoint.7/{path.name}": path for path in self.folder.iterdir() if not path.is_dir()
        }
        if self.cut_after is None:
            FileSender(run_now, Throttle(0), 1).send(
                connection, request.ranges, paths, lambda: None
            )
            return
        near, far = socket.socketpair()
        FileSender(run_apart, Throttle(0), 1).send(far, request.ranges, paths, lambda: None)
        left, self.cut_after = self.cut_after, None
        while left and (piece := near.recv(min(left, 65536))):
            connection.sendall(piece)
            left -= len(piece)
        near.close()
        connection.close()

    def close(self) -> None:
        with suppress(OSError):  # closed before, by the test
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()


def run_now(
    job: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[Exception], None]
) -> None:
    try:
        outcome = job()
    except (OSError, CopyDamaged, CopyStopped) as error:
        failed(error)
    else:
        done(outcome)


def run_apart(
    job: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[Exception], None]
) -> None:
    threading.Thread(target=run_now, args=(job, done, failed), daemon=True).start()


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Source]:
    folder = tmp_path / "source"
    folder.mkdir()
    for name, data in CONTENT.items():
        (folder / name.rpartition("/")[2]).write_bytes(data)
    source = Source(folder)
    yield source
    source.close()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_copy, "PAUSE_SECONDS", 0.0)


def described(content: dict[str, bytes]) -> tuple[LearnFile, ...]:
    return tuple(
        LearnFile(name, len(data), google_crc32c.value(data)) for name, data in content.items()
    )


def copy(source: Source, folder: Path, content: dict[str, bytes] | None = None) -> Sequence[Any]:
    """Copy; return what the copy said at its end."""
    files = described(CONTENT if content is None else content)
    effect = CopyFiles(source.name, Signature(1), 1, files)
    ended: list[str | None] = []
    copied = CopiedFiles(folder, source.name, files)
    FileCopy("c", NodeName("l:1"), Gpid(1, 0), effect, copied, ended.append).start(run_now)
    return ended


def held(folder: Path) -> dict[str, bytes]:
    return {f"checkpoint.7/{path.name}": path.read_bytes() for path in folder.iterdir()}


def test_everything_arrives(source: Source, tmp_path: Path) -> None:
    folder = tmp_path / "learned"
    assert copy(source, folder) == [None]
    assert held(folder) == CONTENT
    assert not folder.with_name("learned.json").exists()
    (request,) = source.requests
    assert (request.cluster, request.sender, request.gpid) == ("c", "l:1", (1, 0))


@pytest.mark.parametrize("cut_after", [0, 3, 8, 9, 1_500_000, len(BIG) + 8, len(BIG) + 17])
def test_a_connection_that_breaks_costs_nothing_that_came(
    source: Source, tmp_path: Path, cut_after: int
) -> None:
    folder = tmp_path / "learned"
    source.cut_after = cut_after
    assert copy(source, folder) == [None]
    assert held(folder) == CONTENT
    first, second = source.requests
    asked = [sum(each.bytes for each in request.ranges) for request in (first, second)]
    assert asked[1] == asked[0] - max(0, min(cut_after - 8, len(BIG))) - (cut_after > len(BIG) + 16)


def test_a_later_copy_of_the_same_files_goes_on(source: Source, tmp_path: Path) -> None:
    """What a life of the server that was killed left is used by the next one."""
    folder = tmp_path / "learned"
    CopiedFiles(folder, source.name, described(CONTENT)).begin()
    (folder / "000001.sst").write_bytes(BIG[:1000])
    assert copy(source, folder) == [None]
    assert held(folder) == CONTENT
    (first, *_) = source.requests[0].ranges
    assert (first.offset, first.bytes) == (1000, len(BIG) - 1000)


def test_a_copy_of_other_files_begins_anew(source: Source, tmp_path: Path) -> None:
    folder = tmp_path / "learned"
    CopiedFiles(folder, NodeName("other:1"), described(CONTENT)).begin()
    (folder / "000001.sst").write_bytes(bytes(1000))
    (folder / "leftover").touch()
    assert copy(source, folder) == [None]
    assert held(folder) == CONTENT


def test_wrong_bytes_kept_from_before_are_noticed(source: Source, tmp_path: Path) -> None:
    """They end this copy, and the next one begins with nothing."""
    folder = tmp_path / "learned"
    CopiedFiles(folder, source.name, described(CONTENT)).begin()
    (folder / "000001.sst").write_bytes(bytes(1000))
    (reason,) = copy(source, folder)
    assert "000001.sst" in reason
    assert copy(source, folder) == [None]
    assert held(folder) == CONTENT


def test_a_file_that_is_gone_fails_the_copy(source: Source, tmp_path: Path) -> None:
    (source.folder / "000001.sst").unlink()
    (reason,) = copy(source, tmp_path / "learned")
    assert "000001.sst" in reason


def test_a_file_that_is_too_short_fails_the_copy(source: Source, tmp_path: Path) -> None:
    (source.folder / "000001.sst").write_bytes(b"short")
    (reason,) = copy(source, tmp_path / "learned")
    assert "000001.sst" in reason


def test_other_bytes_are_noticed(source: Source, tmp_path: Path) -> None:
    (source.folder / "CURRENT").write_bytes(b"y")
    (reason,) = copy(source, tmp_path / "learned")
    assert "CURRENT" in reason


@pytest.mark.parametrize("name", ["../evil/..", "a/", "x/.", "x/\0"])
def test_names_that_lead_elsewhere_are_refused(source: Source, tmp_path: Path, name: str) -> None:
    with pytest.raises(CopyDamaged):
        CopiedFiles(tmp_path / "learned", source.name, described({name: b"1"}))


def test_a_source_that_is_gone_fails_the_copy(source: Source, tmp_path: Path) -> None:
    source.close()
    (reason,) = copy(source, tmp_path / "learned")
    assert "sends nothing" in reason


def test_a_cancelled_copy_says_nothing_and_keeps_what_came(source: Source, tmp_path: Path) -> None:
    folder = tmp_path / "learned"
    files = described(CONTENT)
    ended: list[str | None] = []
    copied = CopiedFiles(folder, source.name, files)
    effect = CopyFiles(source.name, Signature(1), 1, files)
    cancelled = FileCopy("c", NodeName("l:1"), Gpid(1, 0), effect, copied, ended.append)
    copied.begin()
    (folder / "000001.sst").write_bytes(BIG[:1000])
    cancelled.cancel()
    cancelled.start(run_now)
    assert ended == []
    assert (folder / "000001.sst").read_bytes() == BIG[:1000]
