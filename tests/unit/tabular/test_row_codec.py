"""Golden row bytes, limits, refusals, and what a reader with an old schema is told."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import pytest

from pegasus_tab.base.errors import DataError, IntegrityError, InternalError
from pegasus_tab.tabular.alter import add_column
from pegasus_tab.tabular.create import ColumnSpec, new_schema
from pegasus_tab.tabular.errors import ImpossibleKey, UnknownLayout
from pegasus_tab.tabular.row_codec import RowCodec
from pegasus_tab.tabular.schema import ColumnType, Kind, Schema

INT, TEXT, BIGINT = ColumnType(Kind.INT), ColumnType(Kind.TEXT), ColumnType(Kind.BIGINT)
ATTRS = ColumnType(Kind.MAP, value=TEXT)


def users(
    *columns: ColumnSpec,
    sort_key: Sequence[tuple[str, bool]] = (),
    families: Mapping[str, Sequence[str]] | None = None,
) -> Schema:
    return new_schema([ColumnSpec("id", TEXT), *columns], ["id"], sort_key, families)


def test_golden_plain_row() -> None:
    codec = RowCodec(
        users(
            ColumnSpec("at", INT),
            ColumnSpec("name", TEXT),
            ColumnSpec("age", INT),
            ColumnSpec("city", TEXT),
            ColumnSpec("owes", ColumnType(Kind.DECIMAL, 5, 2)),
            sort_key=[("at", True)],
        )
    )
    row = ("u1", 1, "Ann", 30, None, Decimal("-0.01"))
    assert codec.plain
    assert codec.key(row) == (b"u1", bytes.fromhex("7ffffffe"))
    value = codec.encode_value(row)
    # Layout 0, city NULL (bit 2), age, owes, end offsets of name and city, the names' bytes.
    assert value.hex() == "0000041e000000" + 16 * "ff" + "0300000003000000" + b"Ann".hex()
    assert codec.decode_plain(b"u1", bytes.fromhex("7ffffffe"), value) == row


def test_golden_wide_row() -> None:
    codec = RowCodec(
        users(
            ColumnSpec("age", INT),
            ColumnSpec("photo", ColumnType(Kind.BLOB)),
            ColumnSpec("attrs", ATTRS),
            families={"big": ["photo"]},
        )
    )
    row = ("u1", None, b"\x00", {"color": "red", "": "x"})
    assert not codec.plain
    assert codec.encode(row) == [
        (b"", bytes.fromhex("0000 01 00000000")),
        (b"\x01", bytes.fromhex("0100 00 01000000 00")),
        (b"\x02", b"x"),
        (b"\x02color", b"red"),
    ]
    assert codec.cell_key(b"", 3, "color") == b"\x02color"
    assert codec.encode_cell(3, "red") == b"red"
    assert codec.row_range(b"") == (b"", b"")


def test_a_family_not_read_is_null_and_an_empty_map_too() -> None:
    codec = RowCodec(
        users(ColumnSpec("a", INT, default=1), ColumnSpec("attrs", ATTRS), families={"f": ["a"]})
    )
    pairs = codec.encode(("u", 5, {}))
    assert codec.decode(b"u", pairs) == ("u", 5, None)
    assert codec.decode(b"u", pairs[:1]) == ("u", None, None)
    assert codec.decode(b"u", []) is None


def test_a_mapping_takes_defaults_for_what_it_lacks() -> None:
    codec = RowCodec(users(ColumnSpec("a", INT, default=4), ColumnSpec("b", INT, default=5)))
    assert codec.encode_value({0: "u", 1: None}) == codec.encode_value(("u", None, 5))


def test_values_of_other_forms_are_brought_into_form() -> None:
    codec = RowCodec(users(ColumnSpec("a", ColumnType(Kind.DATE)), ColumnSpec("b", BIGINT)))
    assert codec.encode_value(("u", "2024-01-01", "7")) == codec.encode_value(
        codec.coerce(("u", "2024-01-01", 7.0))
    )


@pytest.mark.parametrize(
    ("row", "error", "message"),
    [
        ((None, 1, "x"), IntegrityError, 'null value in key column "id"'),
        (("u", None, "x"), IntegrityError, 'null value in column "a", which is NOT NULL'),
        (("u", 2**31, "x"), DataError, 'column "a": 2147483648 is out of range for type INT'),
        (("u", 1, b"x"), DataError, 'column "b": a value of Python type bytes'),
        (("u", 1, "\ud800"), DataError, 'column "b": TEXT must be valid Unicode'),
        (("", 1, "x"), ImpossibleKey, 'hash key column "id" cannot be empty'),
        (("u" * 1025, 1, "x"), ImpossibleKey, "takes 1025 bytes, limit is 1024"),
        (("u", 1, "x" * (1 << 20)), DataError, r"columns \(\"a\", \"b\"\) take 104\d+ bytes"),
    ],
)
def test_refused_rows(row: tuple[object, ...], error: type[Exception], message: str) -> None:
    codec = RowCodec(users(ColumnSpec("a", INT, not_null=True), ColumnSpec("b", TEXT)))
    with pytest.raises(error, match=message):
        (codec.key(row), codec.encode(row))


def test_limits_hold_at_their_edge() -> None:
    codec = RowCodec(users(ColumnSpec("s", TEXT), sort_key=[("s", False)]))
    assert len(codec.hash_key(["u" * 1024])) == 1024
    assert len(codec.sort_key(["s" * 4094])) == 4096
    with pytest.raises(ImpossibleKey, match=r'sort key \("s"\) takes 4097 bytes, limit is 4096'):
        codec.sort_key(["s" * 4095])


def test_map_refusals() -> None:
    codec = RowCodec(users(ColumnSpec("attrs", ColumnType(Kind.MAP, value=INT))))
    with pytest.raises(DataError, match='column "attrs": a map key cannot be NULL'):
        codec.cell_key(b"", 1, None)
    with pytest.raises(DataError, match='column "attrs": a value of Python type int'):
        codec.cell_key(b"", 1, 5)
    with pytest.raises(ImpossibleKey, match="sort key of 4097 bytes"):
        codec.cell_key(b"", 1, "k" * 4096)
    with pytest.raises(DataError, match=r'column "attrs": key .*out of range'):
        codec.encode_cell(1, 2**31)
    with pytest.raises(DataError, match=r'column "attrs": .*has the value NULL'):
        codec.encode(("u", {"a": None}))


def test_an_older_schema_is_told_to_refresh() -> None:
    schema = users(ColumnSpec("a", INT))
    newer = add_column(add_column(schema, ColumnSpec("b", INT)), ColumnSpec("attrs", ATTRS))
    pairs = RowCodec(newer).encode(("u", 1, 2, {"k": "v"}))
    old = RowCodec(schema)
    with pytest.raises(UnknownLayout, match="layout 1 of family 0, which schema version 1 lacks"):
        old.decode(b"u", pairs)
    with pytest.raises(UnknownLayout, match="family 1, which schema version 1 lacks"):
        list(old.decode_rows(b"u", [(pairs[1][0], b"v")]))


@pytest.mark.parametrize("value", [b"", b"\x00", b"\x00\x00\x00", bytes(11) + b"\x09\x00\x00\x00"])
def test_a_damaged_value_is_reported(value: bytes) -> None:
    codec = RowCodec(users(ColumnSpec("a", INT), ColumnSpec("b", TEXT)))
    with pytest.raises(InternalError) as report:
        codec.decode_plain(b"u", b"", value)
    assert report.value.sqlstate == "XX001"


def test_sort_range_of_a_descending_column() -> None:
    codec = RowCodec(
        users(ColumnSpec("a", INT), ColumnSpec("b", INT), sort_key=[("a", False), ("b", True)])
    )
    first, end = codec.sort_range([1], lower=(5, True), upper=(7, False)) or (b"", b"")
    inside = [b for b in range(10) if first <= codec.sort_key([1, b]) < end]
    assert inside == [5, 6]
    assert codec.sort_range([1], lower=(7, True), upper=(5, True)) is None
    assert codec.sort_range() == (b"", b"")
    assert codec.sort_range([], lower=(2**31 - 1, False)) is None
