"""The log a learner is taught from: what went in comes out, damage is noticed, old segments go."""

from pathlib import Path

import google_crc32c
import pytest

from pegasus_server.runtime import private_log
from pegasus_server.runtime.private_log import (
    PrivateLog,
    PrivateLogDamaged,
    read_private_log,
    repaired,
    write,
)
from pegasus_tab.base.ids import Decree


def add(log: PrivateLog, *decrees: int) -> None:
    """Add decrees, then write."""
    for decree in decrees:
        log.add(Decree(decree), b"body %d" % decree)
    write(log.take())


def taught(log: PrivateLog, first: int) -> list[int]:
    """Read what a learner that needs ``first`` is given, checking the description."""
    found = log.source(Decree(first))
    assert found is not None
    source, paths = found
    for file, path in zip(source.files, paths, strict=True):
        content = path.read_bytes()
        assert (file.name, file.bytes) == (path.name, len(content))
        assert file.crc32c == google_crc32c.value(content)
    records = list(read_private_log(paths))
    assert all(body == b"body %d" % decree for decree, body in records)
    decrees = [int(decree) for decree, _ in records]
    assert decrees == list(range(source.first, source.last + 1))
    return decrees


@pytest.fixture
def _small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_log, "SEGMENT_BYTES", 40)


def test_what_went_in_comes_out(tmp_path: Path) -> None:
    log = PrivateLog(tmp_path, Decree(5))
    assert log.source(Decree(5)) is None
    add(log, 5)
    add(log, 6, 7)
    assert taught(log, 6) == [5, 6, 7]
    assert log.source(Decree(4)) is None
    assert log.source(Decree(8)) is None


@pytest.mark.usefixtures("_small_segments")
def test_a_learner_gets_the_segments_it_needs(tmp_path: Path) -> None:
    log = PrivateLog(tmp_path, Decree(1))
    for decree in range(1, 9):
        add(log, decree)
    assert taught(log, 1) == list(range(1, 9))
    assert taught(log, 5) == [5, 6, 7, 8]
    assert taught(log, 8) == [7, 8]


@pytest.mark.usefixtures("_small_segments")
def test_the_oldest_segments_go(tmp_path: Path) -> None:
    log = PrivateLog(tmp_path, Decree(1))
    for decree in range(1, 9):
        add(log, decree)
    assert log.shrink(1000) == []
    gone = log.shrink(100)
    assert [path.name for path in gone] == ["private.1.1", "private.3.2"]
    assert log.source(Decree(4)) is None
    assert taught(log, 5) == [5, 6, 7, 8]
    assert log.shrink(0) == [tmp_path / "private.5.3"], "the one that grows stays"


def test_a_log_that_begins_again_uses_other_files(tmp_path: Path) -> None:
    """The old ones may still be read."""
    log = PrivateLog(tmp_path, Decree(5))
    add(log, 5, 6)
    gone = log.restart(Decree(5))
    assert log.source(Decree(5)) is None
    add(log, 5)
    assert taught(log, 5) == [5]
    assert list(read_private_log(gone)) == [(5, b"body 5"), (6, b"body 6")]


@pytest.mark.usefixtures("_small_segments")
def test_a_new_life_begins_with_what_the_shared_log_gave_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(private_log, "BUFFER_BYTES_MAX", 30)
    replayed = [(Decree(decree), b"body %d" % decree) for decree in range(3, 10)]
    log = repaired(tmp_path, Decree(9), replayed)
    assert taught(log, 3) == list(range(3, 10))
    add(log, 10)
    assert taught(log, 9)[-1] == 10
    empty = repaired(tmp_path, Decree(9), [])
    assert empty.last == 9


def test_a_hole_is_a_defect(tmp_path: Path) -> None:
    log = PrivateLog(tmp_path, Decree(5))
    with pytest.raises(AssertionError, match="holes"):
        log.add(Decree(6), b"six")


def test_every_flip_is_noticed(tmp_path: Path) -> None:
    log = PrivateLog(tmp_path, Decree(5))
    add(log, 5, 6)
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    damaged = tmp_path / "damaged"
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= 0x40
        damaged.write_bytes(flipped)
        with pytest.raises(PrivateLogDamaged):
            list(read_private_log([damaged]))
