"""What a replica teaches from: checkpoints and its log, kept as long as somebody reads them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pegasus_server.replication.effects import DescribeSources, StartCheckpoint
from pegasus_server.replication.inputs import SourcesDescribed
from pegasus_server.runtime import teacher_files
from pegasus_server.runtime.clock import boottime_seconds
from pegasus_server.runtime.private_log import read_private_log
from pegasus_server.runtime.teacher_files import TeacherFiles
from pegasus_server.storage.rocks import RocksEngine
from pegasus_tab.base.ids import Decree, Signature
from tests.fakes.hosted_server import GPID, MEMORY, PRIMARY, HostedServer, run_now


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HostedServer]:
    server = HostedServer(tmp_path / "data")
    server.invite(5)
    server.teach(20)
    yield server
    server.stop()


@pytest.fixture
def teacher(server: HostedServer) -> TeacherFiles:
    return server.replica.learning.teacher


def described(
    server: HostedServer, first: int, monkeypatch: pytest.MonkeyPatch
) -> SourcesDescribed:
    """Return what the replica says there is for a learner that needs ``first``."""
    said: list[SourcesDescribed] = []
    with monkeypatch.context() as patch:
        patch.setattr(server.replica, "drive", said.append)
        effect = DescribeSources(PRIMARY, Signature(1), 1, Decree(first))
        server.replica.learning.perform(effect)
    (answer,) = said
    return answer


def folders(server: HostedServer) -> list[str]:
    """Return the checkpoints on disk."""
    return sorted(path.name for path in server.folder.replica_path(GPID).glob("checkpoint.*"))


def test_a_checkpoint_is_what_the_engine_showed(
    server: HostedServer, teacher: TeacherFiles, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server.replica.learning.perform(StartCheckpoint())
    assert folders(server) == ["checkpoint.20"]
    source = described(server, 1, monkeypatch).checkpoint
    assert source is not None
    assert source.decree == 20
    lent = teacher.lend()
    copied = tmp_path / "copied"
    copied.mkdir()
    for file in source.files:
        assert lent[file.name].stat().st_size == file.bytes
        (copied / lent[file.name].name).write_bytes(lent[file.name].read_bytes())
    teacher.give_back()
    engine = RocksEngine.open(copied, durable_decree=Decree(20), memory=MEMORY)
    assert engine.get(b"\0\1k") == b"v20"
    engine.close()


def test_damage_does_not_spread(server: HostedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replica that cannot be read to its end breaks instead of teaching."""
    server.host.flush(lambda: True, lambda: None)
    (table,) = (server.folder.replica_path(GPID) / "db").glob("*.sst")
    content = bytearray(table.read_bytes())
    content[10] ^= 1
    with table.open("r+b") as file:
        file.write(content)
    server.replica.learning.perform(StartCheckpoint())
    assert server.replica.is_failed
    assert "checksum" in server.replica.failure
    assert described(server, 1, monkeypatch).checkpoint is None


def test_the_log_holds_what_was_applied(
    server: HostedServer, teacher: TeacherFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = described(server, 15, monkeypatch).log
    assert source is not None
    assert (source.first, source.last) == (1, 20)
    lent = teacher.lend()
    paths = [lent[file.name] for file in source.files]
    assert [decree for decree, _ in read_private_log(paths)] == list(range(1, 21))
    teacher.give_back()
    assert described(server, 21, monkeypatch).log is None


def test_nothing_is_removed_under_a_reader(
    server: HostedServer, teacher: TeacherFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.replica.learning.perform(StartCheckpoint())
    described(server, 1, monkeypatch)
    lent = teacher.lend()
    teacher.end()
    teacher.begin_log(Decree(20))
    assert all(path.exists() for path in lent.values())
    assert teacher.lend() == {}, "nobody else gets them any more"
    teacher.give_back()
    assert folders(server) == ["checkpoint.20"], "one reader is left"
    teacher.give_back()
    assert not any(path.exists() for path in lent.values())


def test_a_checkpoint_nobody_asks_for_goes(
    server: HostedServer, teacher: TeacherFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.replica.learning.perform(StartCheckpoint())
    now = boottime_seconds()
    monkeypatch.setattr(teacher_files, "boottime_seconds", lambda: now + 60)
    teacher.sweep()
    assert folders(server) == ["checkpoint.20"]
    monkeypatch.setattr(teacher_files, "boottime_seconds", lambda: now + 200)
    teacher.sweep()
    assert folders(server) == []


def test_a_disk_that_keeps_not_up_costs_the_log_and_no_memory(
    server: HostedServer, teacher: TeacherFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teacher_files, "UNWRITTEN_BYTES_MAX", 1)
    late: list[tuple[Any, ...]] = []
    server.parts.run_files = lambda *job: late.append(job)
    teacher.sweep()
    assert len(late) == 1, "the first piece waits for the disk"
    teacher.note_applied(Decree(21), b"21")
    teacher.sweep()
    teacher.note_applied(Decree(22), b"22")
    server.parts.run_files = run_now
    for job in late:
        run_now(*job)
    source = described(server, 22, monkeypatch).log
    assert source is not None
    assert (source.first, source.last) == (22, 22)


def test_a_new_life_begins_with_an_empty_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shared log gives nothing back here, and segments of an earlier life prove nothing."""
    server = HostedServer(tmp_path / "data")
    server.invite(5)
    server.teach(20)
    stale = server.folder.replica_path(GPID) / "private.1.99"
    stale.write_bytes(b"stale")
    server.stop()
    server = HostedServer(tmp_path / "data")
    assert not stale.exists()
    assert described(server, 20, monkeypatch).log is None
    server.invite(6)
    server.teach(25)
    source = described(server, 22, monkeypatch).log
    assert source is not None
    assert (source.first, source.last) == (21, 25)
    server.stop()
