"""Encoded keys sort as values do, round-trip, and never begin with one another."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pegasus_tab.tabular.key_element import KeyElement
from pegasus_tab.tabular.key_encoding import KeyEncoding, prefix_successor
from pegasus_tab.tabular.row_keys import RowKeys
from pegasus_tab.tabular.scalar_field import VARIABLE_KINDS
from pegasus_tab.tabular.schema import Column, ColumnType, Kind, Schema
from tests.property.tabular_strategies import SCALAR_TYPES, order, same, schemas, values


class Reversed:
    """Sorts against its value's order."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __lt__(self, other: "Reversed") -> bool:
        return bool(other.value < self.value)  # type: ignore[operator]  # values of one type

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reversed) and other.value == self.value

    def __hash__(self) -> int:
        return hash(self.value)


@st.composite
def encodings(draw: st.DrawFn) -> KeyEncoding:
    types = draw(st.lists(SCALAR_TYPES, min_size=1, max_size=3))
    elements = [
        KeyElement(Column(place, f"k{place}", type_), descending=draw(st.booleans()))
        for place, type_ in enumerate(types)
    ]
    last = elements[-1]
    if last.column.type.kind in VARIABLE_KINDS and draw(st.booleans()):
        elements[-1] = KeyElement(last.column, raw=True)
    return KeyEncoding(elements)


@st.composite
def encodings_with_keys(draw: st.DrawFn, count: int) -> tuple[KeyEncoding, list[list[object]]]:
    """Keys of one encoding that often share their first columns."""
    encoding = draw(encodings())
    pools = [
        draw(st.lists(values(element.column.type), min_size=1, max_size=3))
        for element in encoding.elements
    ]
    keys = st.tuples(*(st.sampled_from(pool) for pool in pools)).map(list)
    return encoding, draw(st.lists(keys, min_size=count, max_size=count))


def sorts_as(encoding: KeyEncoding, key: list[object]) -> list[object]:
    return [
        Reversed(order(value)) if element.descending else order(value)
        for element, value in zip(encoding.elements, key, strict=True)
    ]


@given(encodings_with_keys(2))
def test_byte_order_is_value_order(case: tuple[KeyEncoding, list[list[object]]]) -> None:
    encoding, (left, right) = case
    left_bytes, right_bytes = encoding.encode(left), encoding.encode(right)
    assert (left_bytes < right_bytes) == (sorts_as(encoding, left) < sorts_as(encoding, right))
    assert (left_bytes == right_bytes) == (sorts_as(encoding, left) == sorts_as(encoding, right))


@given(encodings_with_keys(1), st.binary(max_size=3))
def test_decode_gives_the_key_back(
    case: tuple[KeyEncoding, list[list[object]]], suffix: bytes
) -> None:
    encoding, (key,) = case
    encoded = encoding.encode(key)
    raw = encoding.elements[-1].raw
    decoded, end = encoding.decode(b"xy" + encoded + (b"" if raw else suffix), 2)
    assert end == 2 + len(encoded)
    assert [same(value, in_key=True) for value in decoded] == [
        same(value, in_key=True) for value in key
    ]


@given(encodings_with_keys(2))
def test_no_key_begins_with_another(case: tuple[KeyEncoding, list[list[object]]]) -> None:
    encoding, (left, right) = case
    left_bytes, right_bytes = encoding.encode(left), encoding.encode(right)
    if left_bytes != right_bytes and not encoding.elements[-1].raw:
        assert not right_bytes.startswith(left_bytes)


@given(st.binary(max_size=4), st.binary(max_size=6))
def test_prefix_successor_is_the_least_key_above_the_prefix(prefix: bytes, key: bytes) -> None:
    successor = prefix_successor(prefix)
    below = successor is None or key < successor
    assert (prefix <= key and below) == key.startswith(prefix)


@st.composite
def sort_ranges(draw: st.DrawFn) -> tuple[Schema, list[object], object, object, list[object]]:
    schema = draw(schemas().filter(lambda schema: bool(schema.sort_key)))
    columns = RowKeys(schema).sort_columns
    pools = [draw(st.lists(values(column.type), min_size=1, max_size=2)) for column in columns]
    place = draw(st.integers(0, len(columns) - 1))
    prefix = [draw(st.sampled_from(pool)) for pool in pools[:place]]
    bounds = st.none() | st.tuples(
        st.sampled_from(pools[place]) | values(columns[place].type), st.booleans()
    )
    row = [draw(st.sampled_from(pool)) for pool in pools]
    return schema, prefix, draw(bounds), draw(bounds), row


@given(sort_ranges(), st.binary(max_size=2))
def test_sort_range_holds_exactly_the_rows_between_the_bounds(
    case: tuple[
        Schema, list[object], tuple[object, bool] | None, tuple[object, bool] | None, list[object]
    ],
    suffix: bytes,
) -> None:
    schema, prefix, lower, upper, row = case
    keys = RowKeys(schema)
    place = len(prefix)
    wanted = [order(value) for value in row[:place]] == [order(value) for value in prefix]
    if lower is not None:
        wanted &= order(row[place]) > order(lower[0]) or (  # type: ignore[operator]  # of one type
            lower[1] and order(row[place]) == order(lower[0])
        )
    if upper is not None:
        wanted &= order(row[place]) < order(upper[0]) or (  # type: ignore[operator]  # of one type
            upper[1] and order(row[place]) == order(upper[0])
        )
    found = keys.sort_range(prefix, lower, upper)
    pair = keys.sort_key(row) + suffix  # a further family of the row is in the range too
    assert (found is not None and found[0] <= pair and (not found[1] or pair < found[1])) == wanted


@given(schemas(), st.data())
def test_row_range_holds_the_row_alone(schema: Schema, data: st.DataObject) -> None:
    keys = RowKeys(schema)
    key = st.tuples(*(values(column.type) for column in keys.sort_columns))
    mine, other = keys.sort_key(data.draw(key)), keys.sort_key(data.draw(key))
    first, end = keys.row_range(mine)
    suffix = data.draw(st.binary(max_size=2))
    assert first <= mine + suffix
    assert not end or mine + suffix < end
    if other != mine:
        assert not (first <= other and (not end or other < end))


def test_doubles_sort_with_nan_last_and_one_zero() -> None:
    encoding = KeyEncoding([KeyElement(Column(0, "d", ColumnType(Kind.DOUBLE)))])
    ordered = [float("-inf"), -1.5, -5e-324, 0.0, 5e-324, 1.5, float("inf"), float("nan")]
    encoded = [encoding.encode([value]) for value in ordered]
    assert all(left < right for left, right in pairwise(encoded))
    assert encoding.encode([-0.0]) == encoding.encode([0.0])
    assert encoding.encode([float("-nan")]) == encoded[-1]
