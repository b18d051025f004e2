"""Literals: the value of a number as written, and the fitting of constants to column types."""

from decimal import Decimal

from pegasus_tab.base.errors import DataError
from pegasus_tab.sql.column_types import (
    BIGINT,
    BLOB,
    BOOLEAN,
    DECIMAL_PRECISION_MAX,
    DOUBLE,
    INT,
    TEXT,
)
from pegasus_tab.sql.place import Place, at
from pegasus_tab.tabular.schema import ColumnType, Kind
from pegasus_tab.tabular.value import coerce

NUMBER_CHARACTERS_MAX = 400

_INT_LIMIT = 1 << 31
_BIGINT_LIMIT = 1 << 63


def number(text: str, place: Place | None) -> int | Decimal | float:
    """Return the value of a number literal: int, Decimal, or float beyond DECIMAL's 38 digits.

    Raises:
        DataError: 22003, too many digits or out of the range of DOUBLE.
    """
    if len(text) > NUMBER_CHARACTERS_MAX:
        raise DataError("the number has too many digits", sqlstate="22003", **at(place))
    try:
        if text.isdecimal() and text.isascii():
            value: int | Decimal = int(text)
        else:
            value = Decimal(text)
    except (ArithmeticError, ValueError):
        raise DataError(f"invalid number {text!r}", sqlstate="22P02", **at(place)) from None
    if constant_type(value) is not DOUBLE:
        return value
    approximate = float(value)
    if approximate in (float("inf"), float("-inf")):
        raise DataError(f"{text} is out of range", sqlstate="22003", **at(place))
    return approximate


def constant_type(value: object) -> ColumnType | None:
    """Return the narrowest type of a literal value; None for NULL and intervals."""
    match value:
        case bool():
            return BOOLEAN
        case int():
            return _integer_type(value)
        case Decimal():
            return _decimal_type(value)
        case float():
            return DOUBLE
        case str():
            return TEXT
        case bytes():
            return BLOB
        case _:
            return None


def _integer_type(value: int) -> ColumnType:
    if -_INT_LIMIT <= value < _INT_LIMIT:
        return INT
    if -_BIGINT_LIMIT <= value < _BIGINT_LIMIT:
        return BIGINT
    digits = len(str(abs(value)))
    return DOUBLE if digits > DECIMAL_PRECISION_MAX else ColumnType(Kind.DECIMAL, digits, 0)


def _decimal_type(value: Decimal) -> ColumnType:
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)  # a literal is never NaN or infinite
    scale = max(-exponent, 0)
    precision = max(len(digits) + max(exponent, 0), scale, 1)
    if precision > DECIMAL_PRECISION_MAX:
        return DOUBLE
    return ColumnType(Kind.DECIMAL, precision, scale)


def fitted(value: object, type_: ColumnType, place: Place | None) -> object:
    """Return a literal as a value of ``type_``, for storing it.

    Raises:
        DataError: with the literal's place, as ``tabular.value.coerce`` raises it.
    """
    try:
        return coerce(type_, value)
    except DataError as error:
        if place is not None and error.position is None:
            error.position, error.length = place.position, place.length
        raise
