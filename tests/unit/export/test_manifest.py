"""What an archive says of itself survives the way to a file and back; anything else is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegasus_tab.export.errors import DamagedExport
from pegasus_tab.export.layout import Archive, archive_of, table_folder
from pegasus_tab.export.manifest import (
    Description,
    PartFile,
    PartitionEntry,
    PartitionManifest,
    RootManifest,
    Success,
    decode_description,
    decode_partition,
    decode_root,
    decode_success,
    encode,
    encode_partition,
)

FILE = PartFile("partition=00001/part-00000.parquet", 3, 99, "ab" * 32, "0000", "0001")
PARTITION = PartitionManifest(1, 7, 1_700_000_000, 4, "4-partition-1-1", (FILE, FILE))
DESCRIPTION = Description("t", 3, 2, "export", "parquet", "{}", 1, "CREATE TABLE t", 5, "0.1", {})
ENTRY = PartitionEntry(0, 7, 1_700_000_000, 3, 99, 1, "cd" * 32)
ROOT = RootManifest("t", "id", "export", 1, False, "ef" * 32, (ENTRY, replace(ENTRY, partition=1)))
SUCCESS = Success("t", "id", "export", 2, 6, 198, "01" * 32, 1_700_000_001).sealed()

RECORDS: list[tuple[bytes, Callable[[bytes, str], object], object]] = [
    (encode(DESCRIPTION), decode_description, DESCRIPTION),
    (encode_partition(PARTITION), decode_partition, PARTITION),
    (encode(ROOT), decode_root, ROOT),
    (encode(SUCCESS), decode_success, SUCCESS),
]


@pytest.mark.parametrize(("content", "decode", "record"), RECORDS)
def test_records_come_back(
    content: bytes, decode: Callable[[bytes, str], object], record: object
) -> None:
    assert decode(content, "name") == record


def test_totals() -> None:
    assert (PARTITION.rows, PARTITION.bytes) == (6, 198)
    assert (ROOT.rows, ROOT.bytes, ROOT.files) == (6, 198, 2)


@pytest.mark.parametrize(("content", "decode", "_record"), RECORDS)
@given(data=st.data())
def test_damage_is_named_or_harmless(
    content: bytes, decode: Callable[[bytes, str], object], _record: object, data: st.DataObject
) -> None:
    """Cut, flipped or foreign bytes raise DamagedExport with the name, and nothing else."""
    place = data.draw(st.integers(0, len(content) - 1))
    match data.draw(st.sampled_from(["cut", "flip", "foreign"])):
        case "cut":
            damaged = content[:place]
        case "flip":
            damaged = content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :]
        case _:
            damaged = data.draw(st.binary(max_size=40))
    caught: list[DamagedExport] = []
    try:
        decode(damaged, "the/name")
    except DamagedExport as error:
        caught.append(error)
    assert all(error.name == "the/name" for error in caught)


@pytest.mark.parametrize("key", ["rows", "finished", "manifest_sha256", "seal", "table"])
def test_no_field_of_the_marker_can_be_changed(key: str) -> None:
    fields: dict[str, Any] = json.loads(encode(SUCCESS))
    fields[key] = fields[key] + 1 if isinstance(fields[key], int) else fields[key] + "x"
    with pytest.raises(DamagedExport, match="seal"):
        decode_success(json.dumps(fields).encode(), "_SUCCESS")


def test_a_newer_format_is_refused() -> None:
    newer = json.loads(encode(DESCRIPTION)) | {"format_version": 2}
    with pytest.raises(DamagedExport, match="format version 2"):
        decode_description(json.dumps(newer).encode(), "archive.json")


@given(st.text(min_size=1, max_size=20))
def test_any_table_name_makes_one_folder(table: str) -> None:
    archive = Archive(table, "export", "20260101T000000Z-1")
    assert "/" not in table_folder(table)
    assert archive_of(table_folder(table), archive.folder.rsplit("/", 1)[1]) == archive
    for name in (archive.success, archive.manifest, archive.part(3, 0, "parquet")):
        assert name.startswith(archive.folder + "/")
        assert archive.temporary("a", name).startswith(archive.temporaries + "/a/")


def test_a_strange_folder_is_no_archive() -> None:
    assert archive_of("t", "year=2024") is None
