"""Coercion of numbers: INT, BIGINT, DOUBLE and DECIMAL (the rules are in value.py)."""

import math
import operator
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation

from pegasus_tab.base.errors import DataError
from pegasus_tab.tabular.refusal import bad_text, out_of_range, shown, wrong_type
from pegasus_tab.tabular.schema import ColumnType, Kind

INT_BITS = {Kind.INT: 32, Kind.BIGINT: 64}
DECIMAL_PRECISION_MAX = 38
DECIMAL_CONTEXT = Context(prec=2 * DECIMAL_PRECISION_MAX + 4, rounding=ROUND_HALF_UP)
"""Wide enough that scaling a DECIMAL(38, s) never rounds, whatever the caller's own context is."""

_INTEGER_TEXT = re.compile(r"[+-]?[0-9]{1,100}", re.ASCII)
_NUMBER_TEXT = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?"
    r"|[+-]?(?:inf|infinity)|nan",
    re.ASCII | re.IGNORECASE,
)
_NUMBER_TEXT_CHARACTERS_MAX = 2000


def integer_coercion(type_: ColumnType) -> Callable[[object], object]:
    """Return the coercion to INT or BIGINT: whole numbers of any Python type, or their text."""
    limit = 1 << (INT_BITS[type_.kind] - 1)

    def integer(value: object) -> int:
        number = value if type(value) is int else _whole_number(type_, value)
        if -limit <= number < limit:
            return number
        raise out_of_range(type_, value)

    return integer


def _whole_number(type_: ColumnType, value: object) -> int:
    if isinstance(value, bool):
        raise wrong_type(type_, value, hint="Write CAST(... AS INT) to count TRUE as 1.")
    if isinstance(value, str):
        text = value.strip()
        if not _INTEGER_TEXT.fullmatch(text):
            raise bad_text(type_, value)
        return int(text)
    if isinstance(value, float | Decimal):
        if not (math.isfinite(value) and value == int(value)):
            message = f"{shown(value)} is not a whole number and does not fit type {type_}"
            raise DataError(message, sqlstate="22023", hint="Round it first, e.g. round(x).")
        return int(value)
    try:
        return operator.index(value)  # type: ignore[arg-type]  # refused just below
    except TypeError:
        raise wrong_type(type_, value) from None


def double(value: object) -> float:
    """Coerce to DOUBLE: any number, rounded to the nearest double, or its text."""
    if type(value) is float:
        return value
    if isinstance(value, bool):
        raise wrong_type("DOUBLE", value)
    if isinstance(value, str):
        return float(_number_text("DOUBLE", value))
    if not isinstance(value, float | int | Decimal):
        try:
            value = operator.index(value)  # type: ignore[arg-type]  # refused just below
        except TypeError:
            raise wrong_type("DOUBLE", value) from None
    try:
        number = float(value)
    except OverflowError:
        raise out_of_range("DOUBLE", value) from None
    if math.isinf(number) and isinstance(value, Decimal) and value.is_finite():
        raise out_of_range("DOUBLE", value)
    return number


def _number_text(type_: ColumnType | str, value: str) -> str:
    text = value.strip()
    if len(text) > _NUMBER_TEXT_CHARACTERS_MAX or not _NUMBER_TEXT.fullmatch(text):
        raise bad_text(type_, value)
    return text


def decimal_coercion(type_: ColumnType) -> Callable[[object], object]:
    """Return the coercion to a DECIMAL: any finite number, rounded to the scale, or its text."""
    quantum = Decimal(1).scaleb(-type_.scale)
    limit = Decimal(1).scaleb(type_.precision - type_.scale)

    def decimal(value: object) -> Decimal:
        number = value if type(value) is Decimal else _decimal_number(type_, value)
        # copy_abs, because abs() rounds to the digits of the caller's decimal context.
        if not number.is_finite() or number.copy_abs() >= limit:
            raise out_of_range(type_, value)
        rounded = number.quantize(quantum, context=DECIMAL_CONTEXT)
        if rounded.copy_abs() >= limit:  # 9.99 rounds up to 10.0
            raise out_of_range(type_, value)
        return rounded or rounded.copy_abs()  # there is one zero, without a sign

    return decimal


def _decimal_number(type_: ColumnType, value: object) -> Decimal:
    if isinstance(value, bool):
        raise wrong_type(type_, value)
    if isinstance(value, str):
        try:
            return Decimal(_number_text(type_, value))
        except InvalidOperation:
            raise bad_text(type_, value) from None
    if isinstance(value, float):
        return Decimal(repr(float(value)))  # 0.1 means 0.1, not its binary neighbour
    if isinstance(value, int | Decimal):
        return Decimal(value)
    try:
        return Decimal(operator.index(value))  # type: ignore[arg-type]  # refused just below
    except TypeError:
        raise wrong_type(type_, value) from None
