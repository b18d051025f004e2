"""Which Python values each type takes, what they become, and the words of a refusal."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, localcontext
from uuid import UUID

import pytest

from pegasus_tab.base.errors import DataError
from pegasus_tab.tabular.schema import Column, ColumnType, Kind
from pegasus_tab.tabular.value import coerce, coerce_column

NOON = datetime.fromisoformat("2024-01-01T12:00:00.250000")
MONEY = ColumnType(Kind.DECIMAL, 5, 2)
COUNTS = ColumnType(Kind.MAP, value=ColumnType(Kind.INT))
SOME_UUID = UUID("12345678-1234-5678-1234-567812345678")


class Index:
    """An integer of another library, as NumPy's are."""

    def __index__(self) -> int:
        return 7


def scalar(name: str) -> ColumnType:
    return ColumnType(Kind[name])


@pytest.mark.parametrize(
    ("type_", "given", "kept"),
    [
        (scalar("BOOLEAN"), True, True),
        (scalar("BOOLEAN"), " Yes ", True),
        (scalar("BOOLEAN"), "off", False),
        (scalar("INT"), 2**31 - 1, 2**31 - 1),
        (scalar("INT"), " -12 ", -12),
        (scalar("INT"), 3.0, 3),
        (scalar("INT"), Index(), 7),
        (scalar("BIGINT"), -(2**63), -(2**63)),
        (scalar("BIGINT"), Decimal("1E+3"), 1000),
        (scalar("DOUBLE"), 3, 3.0),
        (scalar("DOUBLE"), Decimal("0.5"), 0.5),
        (scalar("DOUBLE"), "-Infinity", float("-inf")),
        (scalar("DOUBLE"), "1e3", 1000.0),
        (MONEY, 1, Decimal("1.00")),
        (MONEY, "1.005", Decimal("1.01")),
        (MONEY, Decimal("-1.005"), Decimal("-1.01")),
        (MONEY, 0.1, Decimal("0.10")),
        (MONEY, Decimal("-0.001"), Decimal("0.00")),
        (scalar("TEXT"), "caf\u00e9\x00", "caf\u00e9\x00"),
        (scalar("BLOB"), bytearray(b"\x00\xff"), b"\x00\xff"),
        (scalar("BLOB"), memoryview(b"ab"), b"ab"),
        (scalar("BLOB"), "caf\u00e9", b"caf\xc3\xa9"),
        (scalar("BLOB"), "\\x00FF", b"\x00\xff"),
        (scalar("TIMESTAMP"), NOON, NOON),
        (scalar("TIMESTAMP"), NOON.replace(tzinfo=UTC), NOON),
        (scalar("TIMESTAMP"), NOON.replace(tzinfo=timezone(timedelta(hours=2))), NOON - timedelta(hours=2)),
        (scalar("TIMESTAMP"), "2024-01-01 12:00:00.25", NOON),
        (scalar("TIMESTAMP"), "2024-01-01 14:00:00.25+02", NOON),
        (scalar("TIMESTAMP"), "2024-01-01T12:00:00.250Z", NOON),
        (scalar("TIMESTAMP"), "2024-01-01", datetime.fromisoformat("2024-01-01")),
        (scalar("TIMESTAMP"), date(2024, 1, 1), datetime.fromisoformat("2024-01-01")),
        (scalar("DATE"), "2024-02-29", date(2024, 2, 29)),
        (scalar("DATE"), datetime.fromisoformat("2024-02-29"), date(2024, 2, 29)),
        (scalar("UUID"), str(SOME_UUID), SOME_UUID),
        (scalar("UUID"), SOME_UUID, SOME_UUID),
        (COUNTS, {"a": "1"}, {"a": 1}),
        (COUNTS, '{"a": 1, "b": 2}', {"a": 1, "b": 2}),
        (scalar("INT"), None, None),
    ],
)  # fmt: skip
def test_accepted(type_: ColumnType, given: object, kept: object) -> None:
    value = coerce(type_, given)
    assert value == kept
    assert type(value) is type(kept)
    assert str(value) == str(kept)


@pytest.mark.parametrize(
    ("type_", "given", "sqlstate"),
    [
        (scalar("BOOLEAN"), 1, "42804"),
        (scalar("BOOLEAN"), "maybe", "22P02"),
        (scalar("INT"), 2**31, "22003"),
        (scalar("INT"), True, "42804"),
        (scalar("INT"), 2.5, "22023"),
        (scalar("INT"), float("nan"), "22023"),
        (scalar("INT"), "1_000", "22P02"),
        (scalar("INT"), "9" * 5000, "22P02"),
        (scalar("INT"), "\u0663", "22P02"),
        (scalar("INT"), b"1", "42804"),
        (scalar("BIGINT"), 2**63, "22003"),
        (scalar("DOUBLE"), 10**400, "22003"),
        (scalar("DOUBLE"), "1.5x", "22P02"),
        (scalar("DOUBLE"), False, "42804"),
        (scalar("DOUBLE"), [], "42804"),
        (MONEY, "1000", "22003"),
        (MONEY, "999.995", "22003"),
        (MONEY, Decimal("NaN"), "22003"),
        (MONEY, float("inf"), "22003"),
        (MONEY, "1e9999", "22003"),
        (MONEY, True, "42804"),
        (scalar("TEXT"), "\ud800", "22021"),
        (scalar("TEXT"), b"bytes", "42804"),
        (scalar("TEXT"), 5, "42804"),
        (scalar("BLOB"), "\\x0", "22P02"),
        (scalar("BLOB"), "\ud800", "22021"),
        (scalar("BLOB"), 5, "42804"),
        (scalar("TIMESTAMP"), "2024-13-01", "22007"),
        (scalar("TIMESTAMP"), 1700000000, "42804"),
        (scalar("TIMESTAMP"), datetime.max.replace(tzinfo=timezone(-timedelta(hours=1))), "22008"),
        (scalar("DATE"), "yesterday", "22007"),
        (scalar("DATE"), NOON, "22023"),
        (scalar("UUID"), "not-a-uuid", "22P02"),
        (scalar("UUID"), b"0123456789abcdef", "42804"),
        (COUNTS, {"a": None}, "22004"),
        (COUNTS, {1: 1}, "42804"),
        (COUNTS, {"a": "x"}, "22P02"),
        (COUNTS, "[1]", "42804"),
        (COUNTS, "{", "22P02"),
        (COUNTS, "[" * 100_000, "22P02"),
    ],
)  # fmt: skip
def test_refused(type_: ColumnType, given: object, sqlstate: str) -> None:
    with pytest.raises(DataError) as refusal:
        coerce(type_, given)
    assert refusal.value.sqlstate == sqlstate
    assert len(refusal.value.message) < 300


def test_the_column_is_named() -> None:
    with pytest.raises(DataError, match=r'^column "age": 3000000000 is out of range for type INT$'):
        coerce_column(Column(0, "age", ColumnType(Kind.INT)), 3_000_000_000)


def test_the_callers_decimal_context_changes_nothing() -> None:
    digits = "12345678901234567890123456789012345678"
    with localcontext() as context:
        context.prec = 3
        assert str(coerce(ColumnType(Kind.DECIMAL, 38, 0), digits)) == digits


def test_a_subclass_of_datetime_becomes_a_plain_one() -> None:
    class Stamp(datetime):
        pass

    assert type(coerce(scalar("TIMESTAMP"), Stamp(2024, 1, 1))) is datetime
