"""The side file: read back whole, or refused by name."""

import json
from pathlib import Path

import pytest

from pegasus_server.storage.side_file import (
    ReplicaRecord,
    SideFileDamaged,
    SideFileMissing,
    SideFileTooNew,
    read_side_file,
    write_side_file,
)
from pegasus_tab.base.ids import Ballot, Decree

RECORD = ReplicaRecord(
    app_id=2, partition_index=3, ballot=Ballot(4), durable_decree=Decree(2**40 + 1)
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "side.json"
    write_side_file(path, RECORD)
    return path


def test_reads_back_what_was_written(path: Path) -> None:
    assert read_side_file(path) == RECORD


def test_a_second_write_replaces_the_first_and_leaves_no_other_file(path: Path) -> None:
    newer = ReplicaRecord(app_id=2, partition_index=3, ballot=Ballot(5), durable_decree=Decree(9))
    write_side_file(path, newer)
    assert read_side_file(path) == newer
    assert list(path.parent.iterdir()) == [path]


def test_a_missing_file_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(SideFileMissing, match="relearn"):
        read_side_file(tmp_path / "side.json")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 100,
        b"{}",
        b'{"format": 1}',
        b'{"format": 0, "crc32c": 0, "record": {}}',
        b"[1]",
    ],
)
def test_a_file_of_other_content_is_damaged(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(SideFileDamaged, match="keep the folder"):
        read_side_file(path)


def test_every_cut_is_damaged(path: Path) -> None:
    content = path.read_bytes()
    for end in range(len(content)):
        path.write_bytes(content[:end])
        with pytest.raises(SideFileDamaged):
            read_side_file(path)


def test_no_flipped_bit_gives_another_record(path: Path) -> None:
    content = path.read_bytes()
    for position in range(0, len(content) * 8, 5):
        flipped = bytearray(content)
        flipped[position // 8] ^= 1 << (position % 8)
        path.write_bytes(flipped)
        try:
            record = read_side_file(path)
        except (SideFileDamaged, SideFileTooNew):
            continue
        assert record == RECORD, position


def test_a_newer_format_is_refused_whatever_it_looks_like(path: Path) -> None:
    path.write_text(json.dumps({"format": 2, "sections": []}))
    with pytest.raises(SideFileTooNew, match="newer server"):
        read_side_file(path)
