"""Golden key bytes (DESIGN.md 2: they are stored, so they may never change) and refusals."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from pegasus_tab.base.errors import DataError, IntegrityError, InternalError
from pegasus_tab.tabular.key_element import KeyElement
from pegasus_tab.tabular.key_encoding import KeyEncoding, prefix_successor
from pegasus_tab.tabular.schema import Column, ColumnType, Kind


def one(type_: ColumnType, *, descending: bool = False, raw: bool = False) -> KeyEncoding:
    return KeyEncoding([KeyElement(Column(0, "k", type_), descending, raw)])


@pytest.mark.parametrize(
    ("type_", "value", "encoded"),
    [
        (ColumnType(Kind.BOOLEAN), False, "00"),
        (ColumnType(Kind.BOOLEAN), True, "01"),
        (ColumnType(Kind.INT), 0, "80000000"),
        (ColumnType(Kind.INT), -1, "7fffffff"),
        (ColumnType(Kind.BIGINT), 1, "8000000000000001"),
        (ColumnType(Kind.DATE), date(1970, 1, 2), "80000001"),
        (
            ColumnType(Kind.TIMESTAMP),
            datetime.fromisoformat("1970-01-01T00:00:00.000001"),
            "8000000000000001",
        ),
        (ColumnType(Kind.DOUBLE), 1.0, "bff0000000000000"),
        (ColumnType(Kind.DOUBLE), -1.0, "400fffffffffffff"),
        (ColumnType(Kind.DOUBLE), float("nan"), "fff8000000000000"),
        (ColumnType(Kind.DECIMAL, 4, 2), Decimal("-0.01"), "7f" + 15 * "ff"),
        (ColumnType(Kind.DECIMAL, 4, 2), Decimal("1.50"), "80" + 14 * "00" + "96"),
        (ColumnType(Kind.UUID), UUID(int=1), 15 * "00" + "01"),
        (ColumnType(Kind.TEXT), "a\x00b", "6100ff620000"),
        (ColumnType(Kind.TEXT), "", "0000"),
        (ColumnType(Kind.BLOB), b"\xff\x00", "ff00ff0000"),
    ],
)
def test_golden_bytes(type_: ColumnType, value: object, encoded: str) -> None:
    assert one(type_).encode([value]).hex() == encoded
    inverted = bytes(255 - byte for byte in bytes.fromhex(encoded))
    assert one(type_, descending=True).encode([value]) == inverted


def test_a_raw_element_is_the_bytes_alone() -> None:
    assert one(ColumnType(Kind.TEXT), raw=True).encode(["user\x001"]) == b"user\x001"


def test_null_is_refused_by_column() -> None:
    with pytest.raises(IntegrityError, match='null value in key column "k"') as refusal:
        one(ColumnType(Kind.INT)).encode([None])
    assert refusal.value.sqlstate == "23502"


@pytest.mark.parametrize(
    ("type_", "given", "same_as"),
    [
        (ColumnType(Kind.INT), "12", 12),
        (ColumnType(Kind.DATE), "2024-01-01", date(2024, 1, 1)),
        (ColumnType(Kind.DECIMAL, 4, 2), 1.005, Decimal("1.01")),
        (ColumnType(Kind.UUID), str(UUID(int=1)), UUID(int=1)),
        (ColumnType(Kind.BLOB), bytearray(b"ab"), b"ab"),
        (ColumnType(Kind.BOOLEAN), "true", True),
    ],
)
def test_other_forms_are_brought_into_form(
    type_: ColumnType, given: object, same_as: object
) -> None:
    assert one(type_).encode([given]) == one(type_).encode([same_as])


@pytest.mark.parametrize(
    ("type_", "given"),
    [
        (ColumnType(Kind.INT), 2**31),
        (ColumnType(Kind.INT), True),
        (ColumnType(Kind.DATE), datetime.fromisoformat("2024-01-01T12:00")),
        (ColumnType(Kind.DECIMAL, 4, 2), Decimal(100)),
        (ColumnType(Kind.TEXT), "\ud800"),
        (ColumnType(Kind.BOOLEAN), 1),
    ],
)
def test_what_does_not_fit_is_refused_by_column(type_: ColumnType, given: object) -> None:
    with pytest.raises(DataError, match=r'^column "k": '):
        one(type_).encode([given])


def test_a_map_is_refused() -> None:
    with pytest.raises(DataError, match="MAP cannot be part of a key"):
        one(ColumnType(Kind.MAP, value=ColumnType(Kind.INT)))


@pytest.mark.parametrize(
    ("type_", "damaged"),
    [
        (ColumnType(Kind.INT), "800000"),
        (ColumnType(Kind.BOOLEAN), "02"),
        (ColumnType(Kind.TEXT), "61"),
        (ColumnType(Kind.TEXT), "6100"),
        (ColumnType(Kind.TEXT), "610001"),
        (ColumnType(Kind.TEXT), "ff0000"),
        (ColumnType(Kind.DATE), "ffffffff"),
        (ColumnType(Kind.TIMESTAMP), "ffffffffffffffff"),
        (ColumnType(Kind.DECIMAL, 1, 0), "80" + 14 * "00" + "0a"),
    ],
)
def test_damaged_bytes_are_reported(type_: ColumnType, damaged: str) -> None:
    with pytest.raises(InternalError, match='column "k"') as report:
        one(type_).decode(bytes.fromhex(damaged))
    assert report.value.sqlstate == "XX001"


@pytest.mark.parametrize(
    ("prefix", "successor"), [(b"a", b"b"), (b"a\xff\xff", b"b"), (b"\xff", None), (b"", None)]
)
def test_prefix_successor(prefix: bytes, successor: bytes | None) -> None:
    assert prefix_successor(prefix) == successor
