"""The columnar half: raw tables, refusals of batches from outside, damage, no columns at all."""

import struct
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import pyarrow as pa
import pytest

from pegasus_tab.base.errors import DataError, IntegrityError, InternalError
from pegasus_tab.tabular.alter import add_column
from pegasus_tab.tabular.arrow import arrow_schema, decode_batch, encode_batch, filter_mask
from pegasus_tab.tabular.create import ColumnSpec, new_schema
from pegasus_tab.tabular.errors import ImpossibleKey, UnknownLayout
from pegasus_tab.tabular.filter import Compare, Like
from pegasus_tab.tabular.row_codec import RowCodec
from pegasus_tab.tabular.schema import RAW_SCHEMA, ColumnType, Kind

NEW_YEAR = datetime.fromisoformat("2024-01-01")
INT, TEXT = ColumnType(Kind.INT), ColumnType(Kind.TEXT)
SCHEMA = new_schema(
    [
        ColumnSpec("id", TEXT),
        ColumnSpec("n", INT, not_null=True, default=5),
        ColumnSpec("price", ColumnType(Kind.DECIMAL, 4, 2)),
        ColumnSpec("at", ColumnType(Kind.TIMESTAMP)),
        ColumnSpec("attrs", ColumnType(Kind.MAP, value=INT)),
        ColumnSpec("tokens", ColumnType(Kind.MAP, value=ColumnType(Kind.UUID))),
    ],
    ["id"],
)


TOKEN = UUID(int=7)
TOKENS = pa.MapArray.from_arrays(
    pa.array([0, 0, 1], pa.int32()),
    pa.array(["a"]),
    pa.ExtensionArray.from_storage(pa.uuid(), pa.array([TOKEN.bytes], pa.binary(16))),
)


def batch(**columns: object) -> pa.RecordBatch:
    columns = {"id": ["u"], "n": pa.array([1], pa.int32())} | columns
    return pa.RecordBatch.from_pydict(columns)


def stored(value: dict[str, object]) -> list[dict[str, object]]:
    hash_keys, sort_keys, values = encode_batch(SCHEMA, batch(**value))
    keys = [
        struct.pack(">H", len(hash_key)) + hash_key + sort_key
        for hash_key, sort_key in zip(hash_keys, sort_keys, strict=True)
    ]
    ids = [column.id for column in SCHEMA.columns]
    found: list[dict[str, object]] = decode_batch(SCHEMA, ids, keys, values).to_pylist()
    return found


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"n": pa.array([7], pa.int64())}, {"n": 7}),
        ({"n": pa.array([7.0])}, {"n": 7}),
        ({"id": pa.array(["x"]).dictionary_encode()}, {"id": "x"}),
        ({"id": pa.array(["x"], pa.large_string())}, {"id": "x"}),
        ({"id": pa.array(["x"], pa.string_view())}, {"id": "x"}),
        ({"price": pa.array([Decimal("-1.005")])}, {"price": Decimal("-1.01")}),
        ({"at": pa.array([NEW_YEAR], pa.timestamp("s"))}, {"at": NEW_YEAR}),
        (
            {"at": pa.array([NEW_YEAR], pa.timestamp("us", "Europe/Berlin"))},
            {"at": NEW_YEAR},
        ),
        ({"price": pa.nulls(1)}, {"price": None}),
        ({"attrs": pa.nulls(1)}, {"attrs": None}),
        (
            {"attrs": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64()))},
            {"attrs": [("a", 1)]},
        ),
        ({"tokens": TOKENS.slice(1)}, {"tokens": [("a", TOKEN)]}),
        ({"tokens": pa.nulls(1)}, {"tokens": None}),
    ],
)
def test_accepted_columns(given: dict[str, object], kept: dict[str, object]) -> None:
    (row,) = stored(given)
    assert {name: row[name] for name in kept} == kept


def test_a_missing_column_gets_its_default() -> None:
    _, _, values = encode_batch(SCHEMA, pa.RecordBatch.from_pydict({"id": ["u"]}))
    assert values == [RowCodec(SCHEMA).encode_value(("u", 5, None, None, None, None))]


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"id": pa.array([None], pa.string())}, IntegrityError, 'null value in key column "id"'),
        ({"n": pa.array([None], pa.int32())}, IntegrityError, 'null value in column "n"'),
        ({"n": pa.array([2**31])}, DataError, 'column "n": a value does not fit type INT'),
        ({"n": pa.array([2.5])}, DataError, 'column "n": a value does not fit type INT'),
        ({"n": pa.array(["1"])}, DataError, 'column "n": Arrow type string does not fit'),
        ({"id": pa.array([1])}, DataError, 'column "id": Arrow type int64 does not fit'),
        ({"id": pa.array([""])}, ImpossibleKey, 'hash key \\("id"\\) is empty'),
        ({"id": pa.array(["u" * 1025])}, ImpossibleKey, "1025 bytes in a row, limit is 1024"),
        ({"price": pa.array([Decimal("100.00")])}, DataError, 'column "price"'),
        ({"price": pa.array([1.5])}, DataError, "Arrow type double does not fit type DECIMAL"),
        ({"at": pa.array([1 << 62], pa.timestamp("us"))}, DataError, "outside the years 1 to 9999"),
        ({"at": pa.array([1], pa.timestamp("ns"))}, DataError, 'column "at"'),
        ({"x": pa.array([1])}, DataError, 'the table has no column "x"'),
        (
            {"attrs": pa.array([[("a", None)]], pa.map_(pa.string(), pa.int32()))},
            DataError,
            'column "attrs": a map has the value NULL',
        ),
        (
            {"attrs": pa.array([[("a", "x")]], pa.map_(pa.string(), pa.string()))},
            DataError,
            'column "attrs": Arrow type string does not fit',
        ),
        ({"attrs": pa.array([1])}, DataError, 'column "attrs": Arrow type int64 does not fit'),
    ],
)
def test_refused_columns(given: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        encode_batch(SCHEMA, batch(**given))


def test_text_that_is_no_utf8_is_refused_both_ways() -> None:
    bad = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(struct.pack("=2i", 0, 1)), pa.py_buffer(b"\xff")]
    )
    with pytest.raises(DataError) as refusal:
        encode_batch(SCHEMA, batch(id=bad))
    assert refusal.value.sqlstate == "22021"
    with pytest.raises(InternalError, match="UTF-8"):
        decode_batch(
            SCHEMA,
            [0],
            [b"\x00\x01\xff"],
            [RowCodec(SCHEMA).encode_value(("u", 1, None, None, None, None))],
        )


def test_raw_tables() -> None:
    keys, values = [b"\x00\x00s", b"\x00\x01hs"], [bytes(12) + b"v", b"\x00\x00\x00\x07" + bytes(8)]
    found = decode_batch(RAW_SCHEMA, [1, 0, 2, -1], keys, values, header_bytes=12)
    assert found.to_pylist() == [
        {"sort_key": b"s", "hash_key": b"", "value": b"v", "_expiry_0": 0},
        {"sort_key": b"s", "hash_key": b"h", "value": b"", "_expiry_0": 7},
    ]
    assert encode_batch(RAW_SCHEMA, found.select([0, 1, 2])) == (
        [b"", b"h"],
        [b"s", b"s"],
        [b"v", b""],
    )
    with pytest.raises(InternalError, match="shorter than its hash key"):
        decode_batch(RAW_SCHEMA, [0], [b"\x00\x09x"], [b""])
    with pytest.raises(InternalError, match="shorter than its header of 12 bytes"):
        decode_batch(RAW_SCHEMA, [0], [b"\x00\x01x"], [b""], header_bytes=12)


def test_a_batch_without_columns_tells_the_number_of_rows() -> None:
    found = decode_batch(RAW_SCHEMA, [], [b"\x00\x01a", b"\x00\x01b"], [b"", b""])
    assert (found.num_rows, found.num_columns) == (2, 0)
    assert pa.ipc.read_record_batch(found.serialize(), arrow_schema(RAW_SCHEMA, [])).num_rows == 2


@pytest.mark.parametrize("column", [9, -9])
def test_unknown_columns_are_refused(column: int) -> None:
    with pytest.raises(DataError, match=f"no column with id {column}"):
        decode_batch(SCHEMA, [column], [], [])


def test_an_older_schema_is_told_to_refresh() -> None:
    newer = add_column(SCHEMA, ColumnSpec("more", INT))
    value = RowCodec(newer).encode_value(("u", 1, None, None, None, None, 2))
    with pytest.raises(UnknownLayout, match="layout 1 of family 0, which schema version 1 lacks"):
        decode_batch(SCHEMA, [1], [b"\x00\x01u"], [value])


def test_expiry_of_a_map_is_that_of_its_first_cell_to_go() -> None:
    pairs = RowCodec(SCHEMA).encode(("u", 1, None, None, {"a": 1, "b": 2, "c": 3}, None))
    keys = [b"\x00\x01u" + key for key, _ in pairs]
    found = decode_batch(SCHEMA, [-1, -2], keys, [value for _, value in pairs], [0, 0, 9, 8])
    assert found.to_pylist() == [{"_expiry_0": 0, "_expiry_1": 8}]


def test_a_pattern_too_large_for_the_regular_expressions_still_matches() -> None:
    pattern = "%" + "_" * 5000 + "%a_"
    texts = pa.array(["b" * 6000 + "ab", "b" * 6000, None])
    mask = filter_mask(Like(0, pattern), SCHEMA, {0: texts})
    assert mask.to_pylist() == [True, False, None]


def test_nan_is_the_greatest_double() -> None:
    schema = new_schema([ColumnSpec("id", INT), ColumnSpec("x", ColumnType(Kind.DOUBLE))], ["id"])
    column = pa.array([1.0, float("nan"), None])
    assert filter_mask(Compare(1, ">", 5.0), schema, {1: column}).to_pylist() == [False, True, None]
    nan = float("nan")
    assert filter_mask(Compare(1, "=", nan), schema, {1: column}).to_pylist() == [False, True, None]
