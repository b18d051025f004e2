"""Expressions on single rows: NULL logic, errors with their SQLSTATE, and the corners of each type."""

# ruff: noqa: DTZ001 -- a naive timestamp is UTC in this product

from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from pegasus_tab.base.errors import DataError, NotSupportedError
from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.evaluate import RowShape, compile_expression, compile_predicate
from pegasus_tab.sql.expression import (
    Call,
    ColumnRef,
    Expression,
    Literal,
    MapItem,
    Parameter,
    TtlOf,
)
from pegasus_tab.tabular.schema import ColumnType, Kind

INT, BIGINT, DOUBLE = ColumnType(Kind.INT), ColumnType(Kind.BIGINT), ColumnType(Kind.DOUBLE)
TEXT, BOOLEAN, BLOB = ColumnType(Kind.TEXT), ColumnType(Kind.BOOLEAN), ColumnType(Kind.BLOB)
TIMESTAMP, DATE, UUID_ = ColumnType(Kind.TIMESTAMP), ColumnType(Kind.DATE), ColumnType(Kind.UUID)
MONEY = ColumnType(Kind.DECIMAL, 10, 2)

_TYPES = {
    bool: BOOLEAN,
    int: BIGINT,
    float: DOUBLE,
    str: TEXT,
    bytes: BLOB,
    Decimal: MONEY,
    datetime: TIMESTAMP,
    date: DATE,
    UUID: UUID_,
}


def literal(value: object) -> Literal:
    return Literal(value, _TYPES.get(type(value)))


def call(function: str, *arguments: object, result: ColumnType | None = None) -> Call:
    parts: list[Expression] = [
        part if isinstance(part, Expression.__args__) else literal(part) for part in arguments
    ]
    return Call(function, tuple(parts), result)


def value_of(
    expression: Expression,
    row: tuple[object, ...] = (),
    shape: RowShape = RowShape({}),  # noqa: B008 -- frozen
    parameters: tuple[object, ...] = (),
) -> object:
    return compile_expression(expression, shape)(row, Bindings(parameters, lambda: 1e9))


@pytest.mark.parametrize(
    ("left", "right", "both", "either"),
    [
        (True, None, None, True),
        (None, True, None, True),
        (False, None, False, None),
        (None, False, False, None),
        (None, None, None, None),
        (True, False, False, True),
    ],
)
def test_and_or_are_three_valued(
    left: bool | None, right: bool | None, both: bool | None, either: bool | None
) -> None:
    assert value_of(call("and", left, right)) is both
    assert value_of(call("or", left, right)) is either


def test_and_stops_at_the_first_false() -> None:
    fails = call("=", call("/", 1, 0, result=BIGINT), 1)
    assert value_of(call("and", False, fails)) is False
    with pytest.raises(DataError):
        value_of(call("and", fails, False))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (call("/", -7, 2, result=BIGINT), -3),
        (call("/", 7, -2, result=BIGINT), -3),
        (call("%", -7, 2, result=BIGINT), -1),
        (call("%", 7, -2, result=BIGINT), 1),
        (call("/", 7.0, 2, result=DOUBLE), 3.5),
        (call("+", Decimal("1.25"), 1, result=MONEY), Decimal("2.25")),
        (call("/", Decimal(1), Decimal(3), result=MONEY), Decimal("0.33")),
        (call("+", None, 1, result=BIGINT), None),
        (call("neg", 5, result=BIGINT), -5),
        (call("||", "a", 1), "a1"),
        (call("||", b"a", b"\xff"), b"a\xff"),
        (call("+", datetime(2020, 1, 1), Literal(timedelta(days=1), None), result=TIMESTAMP),
         datetime(2020, 1, 2)),
        (call("in", 2, 1, 2), True),
        (call("in", 3, 1, None), None),
        (call("in", 3, 1, 2), False),
        (call("in", None, 1, 2), None),
        (call("in", 1, Literal(1.0, DOUBLE), Literal(None, None)), True),
        (call("case", None, 1, True, 2, 3), 2),
        (call("case", False, 1, None), None),
        (call("coalesce", None, None, 4, call("/", 1, 0, result=BIGINT)), 4),
        (call("nullif", 1, 1), None),
        (call("nullif", 1, None), 1),
        (call("greatest", 1, None, 3.5), 3.5),
        (call("least", None, None), None),
        (call("concat", "a", None, True), "atrue"),
        (call("map", "a", 1, "b", None), {"a": 1, "b": None}),
        (call("is_null", None), True),
        (call("is_not_null", None), False),
        (call("substr", "hello", 0, 3), "he"),
        (call("substr", b"hello", 2), b"ello"),
        (call("left", "hello", -2), "hel"),
        (call("right", "hello", -2), "llo"),
        (call("round", 2.5), 3.0),
        (call("round", 2.675, 2), 2.68),
        (call("round", 12345, -2), 12300),
        (call("round", Decimal("2.345"), 2), Decimal("2.35")),
        (call("abs", Decimal("-1234567890123456789012345678901.2")),
         Decimal("1234567890123456789012345678901.2")),
        (call("trunc", -2.567, 1), -2.5),
        (call("extract", "dow", date(2020, 1, 5)), 0),
        (call("extract", "epoch", datetime(1970, 1, 2)), 86400.0),
        (call("date_trunc", "month", date(2020, 3, 5)), datetime(2020, 3, 1)),
        (call("upper", "stra\xdfe"), "STRA\u1e9eE"),
        (call("current_timestamp"), datetime(2001, 9, 9, 1, 46, 40)),
    ],
)  # fmt: skip
def test_value(expression: Call, expected: object) -> None:
    value = value_of(expression)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("expression", "sqlstate"),
    [
        (call("/", 1, 0, result=BIGINT), "22012"),
        (call("%", 1, 0, result=BIGINT), "22012"),
        (call("/", 1.0, 0.0, result=DOUBLE), "22012"),
        (call("/", Decimal(1), Decimal(0), result=MONEY), "22012"),
        (call("+", 2**31 - 1, 1, result=INT), "22003"),
        (call("*", 2**62, 2, result=BIGINT), "22003"),
        (call("neg", -(2**63), result=BIGINT), "22003"),
        (call("abs", -(2**63), result=BIGINT), "22003"),
        (call("*", Decimal("99999999.99"), 10, result=MONEY), "22003"),
        (call("+", "a", 1), "42883"),
        (call("=", Parameter(0), Parameter(1)), "42883"),
        (call("upper", 1), "42883"),
        (call("sqrt", -1.0), "2201F"),
        (call("ln", 0), "2201E"),
        (call("exp", 1000.0), "22003"),
        (call("like", "a", "b\\"), "22025"),
        (call("extract", "fortnight", date(2020, 1, 1)), "22023"),
        (call("date_trunc", "fortnight", date(2020, 1, 1)), "22023"),
        (call("substr", "abc", 1, -1), "22011"),
    ],
)
def test_error(expression: Call, sqlstate: str) -> None:
    with pytest.raises(DataError) as caught:
        value_of(expression, parameters=("a", 1))
    assert caught.value.sqlstate == sqlstate


@pytest.mark.parametrize(
    ("value", "target", "expected"),
    [
        (2.5, INT, 2),
        (Decimal("2.5"), INT, 3),
        (" 42 ", BIGINT, 42),
        (True, INT, 1),
        ("yes", BOOLEAN, True),
        (0, BOOLEAN, False),
        ("1e3", DOUBLE, 1000.0),
        (0.1, MONEY, Decimal("0.10")),
        (1.0, TEXT, "1.0"),
        (False, TEXT, "false"),
        (datetime(2020, 1, 1, 0, 0, 0, 500_000), TEXT, "2020-01-01 00:00:00.5"),
        (b"\xc3\xa9", TEXT, "\xe9"),
        ("\\x61ff", BLOB, b"a\xff"),
        ("2020-02-03T01:02:03+01:00", TIMESTAMP, datetime(2020, 2, 3, 0, 2, 3)),
        (date(2020, 2, 3), TIMESTAMP, datetime(2020, 2, 3)),
        ("2020-02-03", DATE, date(2020, 2, 3)),
        ("12345678-1234-5678-1234-567812345678", UUID_, UUID(int=0x12345678123456781234567812345678)),
        (None, INT, None),
    ],
)  # fmt: skip
def test_cast(value: object, target: ColumnType, expected: object) -> None:
    result = value_of(call("cast", value, result=target))
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("value", "target", "sqlstate"),
    [
        ("1_000", INT, "22P02"),
        ("1_000", DOUBLE, "22P02"),
        ("1.5", BIGINT, "22P02"),
        ("nan", BIGINT, "22P02"),
        (float("nan"), INT, "22003"),
        (1e20, BIGINT, "22003"),
        ("x", BOOLEAN, "22P02"),
        ("2020-02-30", DATE, "22007"),
        ("zz", UUID_, "22P02"),
        (b"\xff", TEXT, "22021"),
        (date(2020, 1, 1), INT, "42846"),
        (1, ColumnType(Kind.MAP, value=TEXT), "42846"),
    ],
)
def test_cast_error(value: object, target: ColumnType, sqlstate: str) -> None:
    with pytest.raises(DataError) as caught:
        value_of(call("cast", value, result=target))
    assert caught.value.sqlstate == sqlstate


def test_columns_maps_and_ttl_come_from_their_places() -> None:
    shape = RowShape({7: 0, 9: 1}, ttl={7: 2})
    attrs = ColumnType(Kind.MAP, value=TEXT)
    row = (5, {"a": "x"}, None)
    assert value_of(ColumnRef(7, INT), row, shape) == 5
    assert value_of(MapItem(9, literal("a"), TEXT), row, shape) == "x"
    assert value_of(MapItem(9, literal("b"), TEXT), row, shape) is None
    assert value_of(TtlOf(7), row, shape) is None
    assert value_of(ColumnRef(9, attrs), (1, None, None), shape) is None
    assert value_of(MapItem(9, literal("a"), TEXT), (1, None, None), shape) is None


def test_nan_equals_itself_and_lies_above_all_numbers() -> None:
    nan, infinity = literal(float("nan")), literal(float("inf"))
    assert value_of(call("=", nan, nan)) is True
    assert value_of(call(">", nan, infinity)) is True
    assert value_of(call("<", nan, infinity)) is False


def test_predicate_is_the_conjunction_of_all_and_none_for_none() -> None:
    shape = RowShape({1: 0})
    column = ColumnRef(1, BIGINT)
    bindings = Bindings((), lambda: 0.0)
    assert compile_predicate([], shape) is None
    between = compile_predicate([call(">", column, 1), call("<", column, 5)], shape)
    assert between is not None
    assert [between((number,), bindings) for number in (1, 3, 5, None)] == [
        False,
        True,
        False,
        None,
    ]


def test_an_unknown_function_is_refused_by_name() -> None:
    with pytest.raises(NotSupportedError, match="frobnicate"):
        compile_expression(call("frobnicate", 1))


def test_now_is_read_once_an_execution() -> None:
    ticks = iter([1.0, 2.0])
    bindings = Bindings((), lambda: next(ticks))
    assert bindings.now == bindings.now == datetime(1970, 1, 1, 0, 0, 1)
