"""The columnar half says what the row half says: decoding, encoding and ALTER in between."""

from contextlib import suppress

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pegasus_tab.base.errors import InternalError
from pegasus_tab.tabular.arrow import arrow_schema, arrow_type, decode_batch, encode_batch
from pegasus_tab.tabular.row_codec import Row, RowCodec
from pegasus_tab.tabular.schema import ColumnType, Kind, Schema
from tests.property.tabular_strategies import (
    rows,
    same_row,
    schemas,
    stored_pairs,
    stored_rows,
    whole_key,
)
from tests.property.test_tabular_rows import altered

HEADER = bytes(12)


def row_of(record: dict[str, object]) -> Row:
    """A row of RecordBatch.to_pylist with MAPs as dicts."""
    return tuple(dict(value) if isinstance(value, list) else value for value in record.values())


def ids(schema: Schema) -> list[int]:
    return [column.id for column in schema.columns]


@given(schemas(), st.data())
def test_a_batch_decodes_as_its_rows_do(schema: Schema, data: st.DataObject) -> None:
    codec = RowCodec(schema)
    table = data.draw(st.lists(rows(schema), max_size=4))
    pairs = stored_pairs(codec, table)
    columns = data.draw(st.lists(st.sampled_from(ids(schema)), min_size=1, unique=True))
    header = data.draw(st.sampled_from([b"", HEADER]))
    batch = decode_batch(
        schema,
        columns,
        [key for key, _ in pairs],
        [header + value for _, value in pairs],
        header_bytes=len(header),
    )
    batch.validate(full=True)
    assert batch.schema.equals(arrow_schema(schema, columns))
    wanted = [same_row(schema, row) for row in stored_rows(codec, table)]
    assert wanted_columns(schema, columns, wanted) == decoded_columns(schema, columns, batch)


def wanted_columns(
    schema: Schema, columns: list[int], table: list[list[object] | None]
) -> list[list[object]]:
    places = [ids(schema).index(id_) for id_ in columns]
    return [[row[place] for place in places] for row in table if row is not None]


def decoded_columns(
    schema: Schema, columns: list[int], batch: pa.RecordBatch
) -> list[list[object]]:
    """The batch's rows, made comparable; columns left out read as NULL and are cut away again."""
    found = []
    for record in batch.to_pylist():
        given_values = dict(zip(columns, row_of(record), strict=True))
        row = tuple(given_values.get(id_) for id_ in ids(schema))
        found.append(same_row(schema, row))
    return wanted_columns(schema, columns, found)


@given(schemas(), st.data())
def test_a_batch_of_several_layouts_decodes_as_its_rows_do(
    schema: Schema, data: st.DataObject
) -> None:
    old_rows = data.draw(st.lists(rows(schema), max_size=3))
    changed, _ = altered(data, schema, {})
    new_rows = data.draw(st.lists(rows(changed), max_size=3))
    stored = dict(stored_pairs(RowCodec(schema), old_rows))
    stored |= dict(stored_pairs(RowCodec(changed), new_rows))
    keys = sorted(stored)
    batch = decode_batch(changed, ids(changed), keys, [stored[key] for key in keys])
    batch.validate(full=True)
    codec = RowCodec(changed)
    wanted = []
    for hash_key in dict.fromkeys(key[2 : 2 + int.from_bytes(key[:2], "big")] for key in keys):
        front = whole_key(hash_key, b"")
        pairs = [(key[len(front) :], stored[key]) for key in keys if key.startswith(front)]
        wanted += [same_row(changed, row) for row in codec.decode_rows(hash_key, pairs)]
    assert decoded_columns(changed, ids(changed), batch) == wanted


@given(schemas(), st.data())
def test_a_batch_encodes_as_its_rows_do(schema: Schema, data: st.DataObject) -> None:
    codec = RowCodec(schema)
    table = data.draw(st.lists(rows(schema), max_size=4))
    batch = pa.RecordBatch.from_arrays(
        [
            arrow_array(column.type, [row[place] for row in table])
            for place, column in enumerate(schema.columns)
        ],
        names=[column.name for column in schema.columns],
    )
    skipped = data.draw(st.integers(0, len(table)))
    found = list(zip(*encode_batch(schema, batch.slice(skipped)), strict=True))
    wanted = []
    for row in table[skipped:]:
        hash_key, _ = codec.key(row)
        wanted.append(sorted((hash_key, key, value) for key, value in codec.encode(row)))
    lengths = [len(pairs) for pairs in wanted]
    starts = [sum(lengths[:place]) for place in range(len(lengths))]
    assert len(found) == sum(lengths)
    assert [
        sorted(found[start : start + length]) for start, length in zip(starts, lengths, strict=True)
    ] == wanted


def arrow_array(type_: ColumnType, column: list[object]) -> pa.Array:
    """The column as pyarrow makes it; it cannot make a map of UUIDs, only of their storage."""
    if type_.value is None:
        return pa.array(column, arrow_type(type_))
    is_uuid = type_.value.kind is Kind.UUID
    cells = pa.binary(16) if is_uuid else arrow_type(type_.value)
    maps = [
        map_ and [(key, getattr(item, "bytes", item)) for key, item in map_.items()]  # type: ignore[attr-defined]  # dicts
        for map_ in column
    ]
    return pa.array(maps, pa.map_(pa.string(), cells))


@given(schemas(), st.data())
def test_expired_pairs_and_rows_without_main_pair_are_left_out(
    schema: Schema, data: st.DataObject
) -> None:
    codec = RowCodec(schema)
    pairs = stored_pairs(codec, data.draw(st.lists(rows(schema), min_size=1, max_size=3)))
    now = 100
    expiries = data.draw(
        st.lists(st.sampled_from([0, 99, 100, 101]), min_size=len(pairs), max_size=len(pairs))
    )
    alive = [pair for pair, expiry in zip(pairs, expiries, strict=True) if expiry in {0, 101}]
    arguments = ([key for key, _ in pairs], [value for _, value in pairs], expiries)
    found = decode_batch(schema, ids(schema), *arguments, now=now)
    wanted = decode_batch(
        schema, ids(schema), [key for key, _ in alive], [value for _, value in alive]
    )
    assert str(found.to_pylist()) == str(wanted.to_pylist())
    expiry = decode_batch(schema, [-1], *arguments, now=now).column(0).to_pylist()
    main = [
        expiry
        for (key, _), expiry in zip(pairs, expiries, strict=True)
        if expiry in {0, 101} and codec.row_key(sort_key_of(key)) == sort_key_of(key)
    ]
    assert expiry == main


def sort_key_of(key: bytes) -> bytes:
    return key[2 + int.from_bytes(key[:2], "big") :]


@given(schemas(), st.data())
def test_damaged_pairs_are_refused_by_name_or_read(schema: Schema, data: st.DataObject) -> None:
    codec = RowCodec(schema)
    pairs = stored_pairs(codec, data.draw(st.lists(rows(schema), min_size=1, max_size=3)))
    damaged = []
    for key, value in pairs:
        parts = [bytearray(key), bytearray(value)]
        for part in parts:
            if part and data.draw(st.booleans()):
                part[data.draw(st.integers(0, len(part) - 1))] = data.draw(st.integers(0, 255))
            if data.draw(st.integers(0, 3)) == 0:
                del part[data.draw(st.integers(0, len(part))) :]
        damaged.append((bytes(parts[0]), bytes(parts[1])))
    damaged.sort()
    with suppress(InternalError):
        batch = decode_batch(
            schema, ids(schema), [key for key, _ in damaged], [value for _, value in damaged]
        )
        batch.validate(full=True)


@given(schemas(), st.data())
def test_a_batch_crosses_ipc_without_its_schema(schema: Schema, data: st.DataObject) -> None:
    """RPC_TAB_SCAN sends the batch alone; the client knows the schema."""
    pairs = stored_pairs(RowCodec(schema), data.draw(st.lists(rows(schema), max_size=2)))
    columns = [*ids(schema), -1]
    batch = decode_batch(schema, columns, [key for key, _ in pairs], [value for _, value in pairs])
    read = pa.ipc.read_record_batch(batch.serialize(), arrow_schema(schema, columns))
    assert read.equals(batch) or str(read.to_pylist()) == str(batch.to_pylist())
