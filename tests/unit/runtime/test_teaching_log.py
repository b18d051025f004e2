"""The log a learner is taught from: what went in comes out, damage is noticed."""

from pathlib import Path

import google_crc32c
import pytest

from pegasus_server.runtime.teaching_log import (
    TeachingLog,
    TeachingLogDamaged,
    read_teaching_log,
)
from pegasus_tab.base.ids import Decree


def written(folder: Path) -> TeachingLog:
    log = TeachingLog(folder, Decree(5))
    log.add(Decree(5), b"five")
    log.write(log.take())
    log.add(Decree(6), b"")
    log.add(Decree(7), b"seven")
    log.write(log.take())
    return log


def test_what_went_in_comes_out(tmp_path: Path) -> None:
    log = written(tmp_path)
    assert list(read_teaching_log(log.path)) == [(5, b"five"), (6, b""), (7, b"seven")]
    source = log.source()
    content = log.path.read_bytes()
    assert (source.first, source.last) == (5, 7)
    assert source.files[0].bytes == len(content)
    assert source.files[0].crc32c == google_crc32c.value(content)


def test_the_description_covers_what_was_taken(tmp_path: Path) -> None:
    """A log grows while a learner copies; the first bytes stay what they were."""
    log = written(tmp_path)
    source = log.source()
    log.add(Decree(8), b"eight")
    log.write(log.take())
    part = tmp_path / "part"
    part.write_bytes(log.path.read_bytes()[: source.files[0].bytes])
    assert [decree for decree, _ in read_teaching_log(part)] == [5, 6, 7]


def test_a_hole_is_a_defect(tmp_path: Path) -> None:
    log = written(tmp_path)
    with pytest.raises(AssertionError, match="holes"):
        log.add(Decree(9), b"nine")


def test_every_flip_is_noticed(tmp_path: Path) -> None:
    content = written(tmp_path).path.read_bytes()
    damaged = tmp_path / "damaged"
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= 0x40
        damaged.write_bytes(flipped)
        with pytest.raises(TeachingLogDamaged):
            list(read_teaching_log(damaged))
