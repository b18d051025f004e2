"""Rows survive the way to key-value pairs and back, also across ALTER TABLE."""

import random
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from pegasus_tab.base.errors import InternalError
from pegasus_tab.tabular.alter import add_column, drop_column, rename_column
from pegasus_tab.tabular.row_codec import RowCodec
from pegasus_tab.tabular.schema import ColumnType, Kind, Schema
from pegasus_tab.tabular.schema_json import from_json, to_json
from pegasus_tab.tabular.schema_rules import broken_rule, key_columns
from pegasus_tab.tabular.value import coerce
from pegasus_tab.tabular.value_json import value_from_json, value_to_json
from tests.property.tabular_strategies import (
    MAP_TYPES,
    SCALAR_TYPES,
    by_id,
    rows,
    same,
    same_row,
    schemas,
    stored_pairs,
    stored_rows,
    value_columns,
    values,
)


@given(schemas(), st.data())
def test_a_row_comes_back_from_its_pairs(schema: Schema, data: st.DataObject) -> None:
    assert broken_rule(schema) is None
    row = data.draw(rows(schema))
    codec = RowCodec(schema)
    hash_key, sort_key = codec.key(row)
    pairs = codec.encode(row)
    assert pairs == sorted(pairs)
    assert pairs[0] == (sort_key, codec.encode_value(row))
    shuffled = random.Random(1).sample(pairs, len(pairs))
    assert same_row(schema, codec.decode(hash_key, shuffled)) == same_row(schema, row)
    assert codec.decode(hash_key, pairs[1:]) is None
    assert codec.encode(by_id(schema, row)) == pairs
    assert codec.coerce(row) is not None


@given(schemas(), st.data())
def test_rows_of_a_hash_key_come_back_in_either_direction(
    schema: Schema, data: st.DataObject
) -> None:
    codec = RowCodec(schema)
    one = data.draw(rows(schema))
    table = [one] + [
        tuple(
            one[place] if column.id in schema.hash_key else value
            for place, (column, value) in enumerate(zip(schema.columns, other, strict=True))
        )
        for other in data.draw(st.lists(rows(schema), max_size=3))
    ]
    hash_key, _ = codec.key(one)
    start = 2 + len(hash_key)
    pairs = [(key[start:], value) for key, value in stored_pairs(codec, table)]
    wanted = [same_row(schema, row) for row in stored_rows(codec, table)]
    assert [same_row(schema, row) for row in codec.decode_rows(hash_key, pairs)] == wanted
    assert [same_row(schema, row) for row in codec.decode_rows(hash_key, pairs[::-1])] == wanted[
        ::-1
    ]


@given(schemas(), st.data())
def test_whole_rows_cuts_between_rows(schema: Schema, data: st.DataObject) -> None:
    codec = RowCodec(schema)
    pairs = stored_pairs(codec, data.draw(st.lists(rows(schema), min_size=1, max_size=3)))
    cut = data.draw(st.integers(1, len(pairs)))
    whole = codec.whole_rows([key for key, _ in pairs[:cut]])
    starts = {place for place, (key, _) in enumerate(pairs) if is_first(codec, pairs, place)}
    if codec.plain:
        assert whole == cut
    else:
        assert whole == max(place for place in starts if place < cut)


def is_first(codec: RowCodec, pairs: list[tuple[bytes, bytes]], place: int) -> bool:
    key = pairs[place][0]
    sort_start = 2 + int.from_bytes(key[:2], "big")
    return codec.row_key(key[sort_start:]) == key[sort_start:]


@given(schemas(), st.data())
def test_rows_stay_readable_after_alter(schema: Schema, data: st.DataObject) -> None:
    row = data.draw(rows(schema))
    pairs = RowCodec(schema).encode(row)
    hash_key, _ = RowCodec(schema).key(row)
    wanted = by_id(schema, row)
    changed, wanted = altered(data, schema, dict(wanted))
    assert broken_rule(changed) is None
    assert to_json(from_json(to_json(changed))) == to_json(changed)
    found = RowCodec(changed).decode(hash_key, pairs)
    assert found is not None
    assert same_row(changed, found) == same_row(
        changed, tuple(wanted[column.id] for column in changed.columns)
    )


def altered(
    data: st.DataObject, schema: Schema, row: dict[int, object]
) -> tuple[Schema, dict[int, object]]:
    """Alter a schema a few times; return it with the old row's values under the new columns."""
    for step in range(data.draw(st.integers(1, 4))):
        droppable = [column for column in schema.columns if column.id not in key_columns(schema)]
        action = data.draw(
            st.sampled_from(["add", "drop", "rename"] if droppable else ["add", "rename"])
        )
        if action == "add":
            spec = data.draw(value_columns(f"new{step}", maps=True))
            scalar_families = [
                name
                for id_, name in schema.families.items()
                if id_
                and all(c.type.kind is not Kind.MAP for c in schema.columns if c.family == id_)
            ]
            family = None
            if spec.type.kind is not Kind.MAP and scalar_families:
                family = data.draw(st.none() | st.sampled_from(scalar_families))
            schema = add_column(schema, spec, family)
            row[schema.columns[-1].id] = schema.columns[-1].default
        elif action == "drop":
            schema = drop_column(schema, data.draw(st.sampled_from(droppable)).name)
        else:
            column = data.draw(st.sampled_from(schema.columns))
            schema = rename_column(schema, column.name, f"renamed{step}")
    return schema, row


@given(st.data())
def test_a_packed_value_cut_or_changed_is_read_or_refused(data: st.DataObject) -> None:
    """Damage gives InternalError or another legal row, never another exception."""
    schema = data.draw(schemas())
    codec = RowCodec(schema)
    row = data.draw(rows(schema))
    hash_key, _ = codec.key(row)
    damaged = []
    for sort_key, value in codec.encode(row):
        key_bytes, value_bytes = bytearray(sort_key), bytearray(value)
        for part in (key_bytes, value_bytes):
            if part and data.draw(st.booleans()):
                part[data.draw(st.integers(0, len(part) - 1))] = data.draw(st.integers(0, 255))
            if data.draw(st.integers(0, 3)) == 0:
                del part[data.draw(st.integers(0, len(part))) :]
        damaged.append((bytes(key_bytes), bytes(value_bytes)))
    with suppress(InternalError):
        list(codec.decode_rows(hash_key, damaged))


@given(SCALAR_TYPES | MAP_TYPES, st.data())
def test_a_value_in_form_is_kept(type_: ColumnType, data: st.DataObject) -> None:
    value = data.draw(values(type_))
    assert same(coerce(type_, value)) == same(value)


@given(SCALAR_TYPES, st.data())
def test_a_value_comes_back_from_its_json(type_: ColumnType, data: st.DataObject) -> None:
    value = data.draw(values(type_))
    assert same(value_from_json(type_, value_to_json(type_, value))) == same(value)


@given(schemas())
def test_a_schema_comes_back_from_its_json(schema: Schema) -> None:
    assert to_json(from_json(to_json(schema))) == to_json(schema)
