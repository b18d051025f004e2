"""Random column types, values, schemas, rows and filters for the tabular properties."""

import math
import struct
from collections.abc import Mapping, Sequence
from decimal import Decimal

from hypothesis import strategies as st

from pegasus_tab.tabular.create import ColumnSpec, new_schema
from pegasus_tab.tabular.filter import And, Compare, Filter, In, IsNull, Like, Not, Or
from pegasus_tab.tabular.row_codec import Row, RowCodec
from pegasus_tab.tabular.schema import ColumnType, Kind, Schema

SIMPLE_TYPES = [
    ColumnType(kind)
    for kind in Kind
    if kind not in {Kind.DECIMAL, Kind.MAP}
]  # fmt: skip

# Zero bytes, the escape's second byte and characters of every UTF-8 length meet often.
TEXTS = st.text(
    st.sampled_from("\x00\x01a\x7f\u00ff%_\\\u0130\u03a3\u017f\u20ac\U0001f600"), max_size=6
)
BLOBS = st.lists(st.sampled_from([0, 1, 65, 254, 255]), max_size=6).map(bytes)


@st.composite
def decimal_types(draw: st.DrawFn) -> ColumnType:
    precision = draw(st.sampled_from([1, 2, 9, 18, 19, 38]))
    return ColumnType(Kind.DECIMAL, precision, draw(st.integers(0, precision)))


SCALAR_TYPES = st.sampled_from(SIMPLE_TYPES) | decimal_types()
MAP_TYPES = SCALAR_TYPES.map(lambda value: ColumnType(Kind.MAP, value=value))


def values(type_: ColumnType) -> st.SearchStrategy[object]:
    """Values of a type in the form of value.py, without None."""
    match type_.kind:
        case Kind.DECIMAL:
            digits = 10**type_.precision - 1
            unscaled = st.integers(-digits, digits) | st.integers(-2, 2)
            return unscaled.map(lambda number: _decimal(number, type_.scale))
        case Kind.MAP:
            assert type_.value is not None
            return st.dictionaries(TEXTS, values(type_.value), min_size=1, max_size=3)
        case kind:
            return SIMPLE_VALUES[kind]


SIMPLE_VALUES: dict[Kind, st.SearchStrategy[object]] = {
    Kind.BOOLEAN: st.booleans(),
    Kind.INT: st.integers(-(2**31), 2**31 - 1) | st.integers(-2, 2),
    Kind.BIGINT: st.integers(-(2**63), 2**63 - 1) | st.integers(-2, 2),
    Kind.DOUBLE: st.floats(),
    Kind.TEXT: TEXTS,
    Kind.BLOB: BLOBS,
    Kind.TIMESTAMP: st.datetimes(),  # shrinks towards 2000 and tries both ends of the range
    Kind.DATE: st.dates(),
    Kind.UUID: st.uuids(),
}


def _decimal(unscaled: int, scale: int) -> Decimal:
    sign, digits, _ = Decimal(unscaled).as_tuple()
    return Decimal((sign, digits, -scale))


def order(value: object) -> object:
    """What compares as SQL compares the value: NaN last and equal to itself."""
    if isinstance(value, float):
        return (True, 0.0) if math.isnan(value) else (False, value)
    return value


def same(value: object, *, in_key: bool = False) -> object:
    """What is equal exactly when two values are the same bit by bit; a key has one zero, one NaN."""
    if isinstance(value, float):
        if in_key:
            value += 0.0
        return "NaN" if math.isnan(value) else struct.pack(">d", value)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {key: same(item) for key, item in value.items()}
    return value


def same_row(schema: Schema, row: Row | None) -> list[object] | None:
    keys = {*schema.hash_key, *(part.column for part in schema.sort_key)}
    if row is None:
        return None
    return [
        same(value, in_key=column.id in keys)
        for column, value in zip(schema.columns, row, strict=True)
    ]


@st.composite
def schemas(draw: st.DrawFn, *, plain: bool | None = None) -> Schema:
    """Schemas of up to nine columns; ``plain`` forces tables without or with families."""
    wide = draw(st.booleans()) if plain is None else not plain
    hash_count, sort_count = draw(st.integers(1, 3)), draw(st.integers(0, 3))
    names = [f"k{i}" for i in range(hash_count + sort_count)]
    specs = [ColumnSpec(name, draw(SCALAR_TYPES)) for name in names]
    families: dict[str, list[str]] = {}
    for i in range(draw(st.integers(0, 5))):
        specs.append(draw(value_columns(f"c{i}", maps=wide)))
        if wide and specs[-1].type.kind is not Kind.MAP and draw(st.booleans()):
            families.setdefault(draw(st.sampled_from("fg")), []).append(f"c{i}")
    if wide and not families and all(spec.type.kind is not Kind.MAP for spec in specs):
        specs.append(ColumnSpec("m", draw(MAP_TYPES)))
    return new_schema(
        draw(st.permutations(specs)),
        names[:hash_count],
        [(name, draw(st.booleans())) for name in names[hash_count:]],
        families,
    )


@st.composite
def value_columns(draw: st.DrawFn, name: str, *, maps: bool) -> ColumnSpec:
    """Columns outside the key, with and without NOT NULL and DEFAULT."""
    type_ = draw(SCALAR_TYPES | MAP_TYPES) if maps else draw(SCALAR_TYPES)
    if type_.kind is Kind.MAP:
        return ColumnSpec(name, type_)
    default = draw(st.none() | values(type_))
    return ColumnSpec(
        name, type_, not_null=default is not None and draw(st.booleans()), default=default
    )


@st.composite
def rows(draw: st.DrawFn, schema: Schema) -> Row:
    """Rows that the schema can store: no empty hash key."""
    row = []
    for column in schema.columns:
        wanted = values(column.type)
        if schema.hash_key == (column.id,) and column.type.kind in {Kind.TEXT, Kind.BLOB}:
            wanted = wanted.filter(bool)
        row.append(draw(wanted if column.not_null else st.none() | wanted))
    return tuple(row)


def whole_key(hash_key: bytes, sort_key: bytes) -> bytes:
    """The stored key (protocol reference 5.1), written out here so that the test has its own."""
    return struct.pack(">H", len(hash_key)) + hash_key + sort_key


def stored_pairs(codec: RowCodec, table: Sequence[Row]) -> list[tuple[bytes, bytes]]:
    """(whole key, value) of the rows in storage order, a later row of the same key winning."""
    stored: dict[bytes, list[tuple[bytes, bytes]]] = {}
    for row in table:
        hash_key, sort_key = codec.key(row)
        stored[whole_key(hash_key, sort_key)] = [
            (whole_key(hash_key, key), value) for key, value in codec.encode(row)
        ]
    return sorted(pair for pairs in stored.values() for pair in pairs)


def stored_rows(codec: RowCodec, table: Sequence[Row]) -> list[Row]:
    """The rows in storage order, a later row of the same key winning."""
    stored = {whole_key(*codec.key(row)): row for row in table}
    return [stored[key] for key in sorted(stored)]


@st.composite
def filters(draw: st.DrawFn, schema: Schema, table: Sequence[Row], depth: int = 3) -> Filter:
    """Filters whose constants often occur in the table."""
    if depth and draw(st.booleans()):
        parts = st.lists(filters(schema, table, depth - 1), max_size=3).map(tuple)
        return draw(parts.map(And) | parts.map(Or) | filters(schema, table, depth - 1).map(Not))
    scalars = [
        place for place, column in enumerate(schema.columns) if column.type.kind is not Kind.MAP
    ]
    place = draw(st.sampled_from(scalars))
    column = schema.columns[place]
    seen = [row[place] for row in table if row[place] is not None]
    constants = values(column.type) | st.sampled_from(seen) if seen else values(column.type)
    leaves: list[st.SearchStrategy[Filter]] = [
        st.builds(
            Compare,
            st.just(column.id),
            st.sampled_from(["=", "<>", "<", "<=", ">", ">="]),
            constants,
        ),
        st.builds(In, st.just(column.id), st.lists(constants, max_size=3).map(tuple)),
        st.builds(IsNull, st.just(column.id), st.booleans()),
    ]
    if column.type.kind is Kind.TEXT:
        leaves.append(st.builds(Like, st.just(column.id), like_patterns(), st.booleans()))
    return draw(st.one_of(leaves))


def like_patterns() -> st.SearchStrategy[str]:
    pieces = st.sampled_from(
        ["%", "_", "a", "A", "\\%", "\\_", "\\\\", "\x00", "\u03a3", "i", "\u20ac"]
    )
    return st.lists(pieces, max_size=5).map("".join)


def by_id(schema: Schema, row: Row) -> Mapping[int, object]:
    return {column.id: value for column, value in zip(schema.columns, row, strict=True)}
