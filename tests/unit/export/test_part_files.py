"""Part files: split by size, described truly, readable, and told to readers as they are sorted."""

import hashlib
import io
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pegasus_tab.base.errors import NotSupportedError
from pegasus_tab.export import parquet
from pegasus_tab.export.errors import DamagedExport
from pegasus_tab.export.filesystem import Target, open_target
from pegasus_tab.export.layout import Archive
from pegasus_tab.export.metered_stream import MeteredStream
from pegasus_tab.export.part_files import PartFiles, PartitionAttempt, PartStyle
from pegasus_tab.export.part_formats import PART_TYPES
from pegasus_tab.export.table_format import file_schema, sorted_by
from pegasus_tab.tabular.create import ColumnSpec, new_schema
from pegasus_tab.tabular.schema import ColumnType, Kind, Schema

ARCHIVE = Archive("t", "export", "1")


def table_schema(hash_kind: Kind) -> Schema:
    specs = [
        ColumnSpec("h", ColumnType(hash_kind)),
        ColumnSpec("s", ColumnType(Kind.TEXT)),
        ColumnSpec("v", ColumnType(Kind.UUID)),
        ColumnSpec("m", ColumnType(Kind.MAP, value=ColumnType(Kind.INT))),
    ]
    return new_schema(specs, ["h"], [("s", True)])


def batch(schema: pa.Schema, start: int, rows: int) -> pa.RecordBatch:
    ids = range(start, start + rows)
    columns: dict[str, Any] = {
        "h": list(ids),
        "s": [f"s{i}" for i in ids],
        "v": [bytes(16) for _ in ids],
        "m": [[("k", i)] for i in ids],
    }
    return pa.RecordBatch.from_pydict(columns, schema=schema)


def attempt(target: Target) -> PartitionAttempt:
    return PartitionAttempt(target, ARCHIVE, 1, "attempt")


@pytest.mark.parametrize("file_format", ["parquet", "arrow"])
def test_files_are_what_their_entries_say(
    tmp_path: Path, file_format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS_MAX", 500)
    target = open_target(str(tmp_path))
    schema = file_schema(table_schema(Kind.BIGINT), {"table": "t"})
    files = PartFiles(attempt(target), PartStyle(schema, file_format), file_bytes_max=2000)
    for start in range(0, 3000, 100):
        files.add(batch(schema, start, 100), b"%d" % start, b"%d" % (start + 99))
    entries = files.finish()
    assert len(entries) > 1
    total = 0
    for entry in entries:
        content = target.read(ARCHIVE.temporary("attempt", f"{ARCHIVE.folder}/{entry.path}"))
        assert (entry.bytes, entry.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        source = io.BytesIO(content)
        found = (
            pq.read_table(source)
            if file_format == "parquet"
            else pa.ipc.open_file(source).read_all()
        )
        assert found.num_rows == entry.rows
        assert bytes.fromhex(entry.first_key) == b"%d" % total
        assert found["h"][0].as_py() == total
        total += entry.rows
        assert bytes.fromhex(entry.last_key) == b"%d" % (total - 1)
    assert files.written == sum(entry.bytes for entry in entries)


def test_no_rows_make_one_empty_file(tmp_path: Path) -> None:
    target = open_target(str(tmp_path))
    schema = file_schema(table_schema(Kind.BIGINT), {})
    (entry,) = PartFiles(attempt(target), PartStyle(schema, "parquet")).finish()
    assert (entry.rows, entry.first_key, entry.last_key) == (0, "", "")


def test_a_filesystem_that_loses_the_end_is_found_out(tmp_path: Path) -> None:
    target = open_target(str(tmp_path))
    schema = file_schema(table_schema(Kind.BIGINT), {})
    files = PartFiles(attempt(target), PartStyle(schema, "parquet"))
    files.add(batch(schema, 0, 10), b"a", b"b")
    sizes = cast("Any", target)
    sizes.size = lambda _name: 17
    with pytest.raises(DamagedExport, match="it has 17"):
        files.finish()


def test_the_footer_tells_order_and_keys(tmp_path: Path) -> None:
    table = table_schema(Kind.BIGINT)
    schema = file_schema(table, {"table": "t"})
    path = tmp_path / "file"
    with MeteredStream(path.open("wb")) as stream:
        part = PART_TYPES["parquet"](stream, schema, sorted_by(table))
        part.write(batch(schema, 0, 10))
        part.close()
    metadata = pq.read_metadata(path)
    group = metadata.row_group(0)
    assert [(c.column_index, c.descending) for c in group.sorting_columns] == [
        (0, False),
        (1, True),
    ]
    assert group.column(0).compression == "ZSTD"
    read = pq.read_schema(path)
    assert read.metadata[b"wc.table"] == b"t"
    assert read.field("h").metadata[b"wc.key"] == b"hash:0"
    assert read.field("s").metadata[b"wc.key"] == b"sort:0:desc"
    assert read.field("v").type == pa.uuid()


def test_no_order_is_promised_for_keys_of_any_length() -> None:
    assert sorted_by(table_schema(Kind.BIGINT)) == [("h", "ascending"), ("s", "descending")]
    assert sorted_by(table_schema(Kind.TEXT)) == []


def test_csv() -> None:
    schema = pa.schema(
        [("a", pa.int64()), ("b", pa.string()), ("c", pa.binary()), ("d", pa.decimal128(5, 2)),
         ("u", pa.uuid())]
    )  # fmt: skip
    rows = pa.table(
        {
            "a": [1, None],
            "b": ['x "y"', ""],
            "c": [b"\x00\xff", None],
            "d": ["1.50", None],
            "u": [bytes(16), None],
        },
    )
    cast_rows = pa.RecordBatch.from_arrays(
        [
            column.combine_chunks().cast(field.type)
            if field.name != "u"
            else pa.ExtensionArray.from_storage(
                pa.uuid(), column.combine_chunks().cast(pa.binary(16))
            )
            for column, field in zip(rows.columns, schema, strict=True)
        ],
        schema=schema,
    )
    buffer = io.BytesIO()
    part = PART_TYPES["csv"](MeteredStream(buffer), schema, ())
    part.write(cast_rows)
    part.close()
    assert buffer.getvalue().decode().splitlines() == [
        '"a","b","c","d","u"',
        '1,"x ""y""","\\x00ff","1.50","00000000-0000-0000-0000-000000000000"',
        ',"",,,',
    ]


def test_csv_refuses_maps() -> None:
    schema = file_schema(table_schema(Kind.BIGINT), {})
    with pytest.raises(NotSupportedError, match='MAP column "m"'):
        PART_TYPES["csv"](MeteredStream(io.BytesIO()), schema, ())
