"""Operators on Python values: arithmetic with PostgreSQL's errors, comparison with SQL's NaN.

Every function here is *strict*: its caller has already turned a NULL argument into a NULL result.
Integers are checked against their type's range, division truncates toward zero, and a division by
zero is DataError 22012 (PostgreSQL 15, section 9.3).
"""

import math
import operator
from collections.abc import Callable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from pegasus_tab.base.errors import DataError
from pegasus_tab.tabular.schema import ColumnType, Kind

Binary = Callable[[Any, Any], Any]
Unary = Callable[[Any], Any]

INTEGER_RANGES = {Kind.INT: (-(2**31), 2**31 - 1), Kind.BIGINT: (-(2**63), 2**63 - 1)}

EXACT = Context(prec=80, rounding=ROUND_HALF_UP)
"""Wide enough for the exact product of two DECIMAL(38) values; the default context has 28 digits."""


def integer_in_range(value: int, kind: Kind) -> int:
    """Return ``value``; raise DataError 22003 when it does not fit the integer type ``kind``."""
    lowest, highest = INTEGER_RANGES[kind]
    if lowest <= value <= highest:
        return value
    raise DataError(f"{kind.value} out of range: {value}", sqlstate="22003")


def decimal_in_range(value: Decimal, target: ColumnType) -> Decimal:
    """Round half away from zero to the target's scale; raise DataError 22003 when it is too wide."""
    try:
        fitted = value.quantize(Decimal(1).scaleb(-target.scale), context=EXACT)
    except InvalidOperation:
        raise DataError(f"{value} does not fit {target}", sqlstate="22003") from None
    if fitted and fitted.adjusted() >= target.precision - target.scale:
        raise DataError(f"{value} does not fit {target}", sqlstate="22003")
    return fitted


def division_by_zero() -> DataError:
    """Return the error of x / 0 and x % 0."""
    return DataError("division by zero", sqlstate="22012")


# ---- arithmetic ---------------------------------------------------------------------------------


def _divide_integers(left: int, right: int) -> int:
    if not right:
        raise division_by_zero()
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _remainder_integers(left: int, right: int) -> int:
    if not right:
        raise division_by_zero()
    return left - right * _divide_integers(left, right)


def _divide_floats(left: Any, right: Any) -> float:
    if not right:
        raise division_by_zero()
    return float(left) / float(right)


def _remainder_floats(left: Any, right: Any) -> float:
    if not right:
        raise division_by_zero()
    return math.fmod(left, right)


def _divide_decimals(left: Decimal, right: Decimal) -> Decimal:
    if not right:
        raise division_by_zero()
    return EXACT.divide(left, right)


def _remainder_decimals(left: Decimal, right: Decimal) -> Decimal:
    if not right:
        raise division_by_zero()
    return EXACT.remainder(left, right)


_ON_INTEGERS: dict[str, Binary] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide_integers,
    "%": _remainder_integers,
}
_ON_FLOATS: dict[str, Binary] = {
    "+": lambda left, right: float(left) + float(right),
    "-": lambda left, right: float(left) - float(right),
    "*": lambda left, right: float(left) * float(right),
    "/": _divide_floats,
    "%": _remainder_floats,
}
_ON_DECIMALS: dict[str, Binary] = {
    "+": EXACT.add,
    "-": EXACT.subtract,
    "*": EXACT.multiply,
    "/": _divide_decimals,
    "%": _remainder_decimals,
}


def arithmetic(symbol: str, result: ColumnType | None) -> Binary:
    """Return the two-argument function for ``+ - * / %`` with a result of type ``result``.

    Without a static type (a parameter on both sides) the values themselves decide.
    """
    match result.kind if result else None:
        case Kind.INT | Kind.BIGINT as kind:
            return _integer_arithmetic(symbol, kind)
        case Kind.DOUBLE:
            return _ON_FLOATS[symbol]
        case Kind.DECIMAL:
            assert result is not None
            return _decimal_arithmetic(symbol, result)
        case Kind.TIMESTAMP:
            return _timestamp_arithmetic(symbol)
        case _:
            return _dynamic_arithmetic(symbol)


def _integer_arithmetic(symbol: str, kind: Kind) -> Binary:
    lowest, highest = INTEGER_RANGES[kind]
    apply = _ON_INTEGERS[symbol]

    def evaluate(left: int, right: int) -> int:
        value: int = apply(left, right)
        if lowest <= value <= highest:
            return value
        return integer_in_range(value, kind)

    return evaluate


def _decimal_arithmetic(symbol: str, result: ColumnType) -> Binary:
    apply = _ON_DECIMALS[symbol]
    return lambda left, right: decimal_in_range(apply(exact(left), exact(right)), result)


def _timestamp_arithmetic(symbol: str) -> Binary:
    apply = _ON_INTEGERS[symbol]

    def evaluate(left: Any, right: Any) -> Any:
        try:
            return apply(left, right)
        except OverflowError:
            raise DataError("TIMESTAMP out of range", sqlstate="22008") from None

    return evaluate


def _dynamic_arithmetic(symbol: str) -> Binary:
    on_integers = _integer_arithmetic(symbol, Kind.BIGINT)
    on_floats, on_decimals = _ON_FLOATS[symbol], _ON_DECIMALS[symbol]

    def evaluate(left: Any, right: Any) -> Any:
        kinds = {type(left), type(right)}
        if kinds == {int}:
            return on_integers(left, right)
        if kinds <= {int, Decimal}:
            return on_decimals(exact(left), exact(right))
        if kinds <= {int, float, Decimal}:
            return on_floats(left, right)
        names = " and ".join(sorted(kind.__name__ for kind in kinds))
        raise DataError(f"operator {symbol} does not apply to {names}", sqlstate="42883")

    return evaluate


def exact(value: Any) -> Decimal:
    """Return an integer, a decimal or a float as a Decimal of the same value."""
    return value if type(value) is Decimal else Decimal(value)


def negation(result: ColumnType | None) -> Unary:
    """Return unary minus for a result of type ``result``; -(smallest integer) is out of range."""
    if result is not None and result.kind in INTEGER_RANGES:
        kind = result.kind
        return lambda value: integer_in_range(-value, kind)
    return lambda value: value.copy_negate() if type(value) is Decimal else -value


def fitted(function: Callable[..., Any], result: ColumnType | None) -> Callable[..., Any]:
    """Return ``function`` with its result checked when that is an integer (abs of the smallest)."""
    if result is None or result.kind not in INTEGER_RANGES:
        return function
    kind = result.kind
    return lambda *values: integer_in_range(function(*values), kind)


# ---- comparison ---------------------------------------------------------------------------------

_COMPARISONS: dict[str, Binary] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
COMPARISON_SYMBOLS = frozenset(_COMPARISONS)

_FAMILIES: dict[type, str] = {
    bool: "BOOLEAN",
    int: "number",
    float: "number",
    Decimal: "number",
    str: "TEXT",
    bytes: "BLOB",
    datetime: "TIMESTAMP",
    date: "DATE",
    UUID: "UUID",
    dict: "MAP",
}


def comparison(symbol: str, left: ColumnType | None, right: ColumnType | None) -> Binary:
    """Return the comparison ``symbol`` for operands of these static types (None: unknown)."""
    compare = _COMPARISONS[symbol]
    if left is None or right is None:
        return lambda one, other: _compare_unknown(symbol, one, other)
    if Kind.DOUBLE in (left.kind, right.kind):
        # As PostgreSQL does: both sides become DOUBLE, so 2^53 + 1 equals 2.0^53.
        return lambda one, other: compare(_rank(float(one)), _rank(float(other)))
    return compare


def _compare_unknown(symbol: str, one: Any, other: Any) -> bool:
    # Python calls 'a' = 1 merely false; SQL calls it a mistake.
    families = _FAMILIES.get(type(one)), _FAMILIES.get(type(other))
    if families[0] != families[1]:
        raise DataError(
            f"operator {symbol} does not apply to {families[0]} and {families[1]}",
            sqlstate="42883",
            hint="CAST one side to the other's type",
        )
    compare = _COMPARISONS[symbol]
    outcome: bool = compare(_rank(one), _rank(other))
    return outcome


def _rank(value: Any) -> tuple[bool, Any]:
    # NaN equals itself and lies above every number (PostgreSQL 8.1.3), where IEEE says neither.
    is_nan = value != value  # noqa: PLR0124 -- NaN is the one value unequal to itself
    return (is_nan, 0.0 if is_nan else value)
