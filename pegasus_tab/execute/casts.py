r"""CAST: one function for each target type, over the Python values of every source type.

Texts are read as PostgreSQL reads them (section 8), rounding is PostgreSQL's too: a DOUBLE goes to
the nearest integer with ties to even, a DECIMAL with ties away from zero. BLOB and TEXT convert as
UTF-8, with ``\xHH`` for single bytes in the text of a BLOB.
"""

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from pegasus_tab.base.errors import DataError
from pegasus_tab.execute.operators import decimal_in_range, integer_in_range
from pegasus_tab.tabular.schema import ColumnType, Kind

Cast = Callable[[Any], Any]

_TRUE = frozenset(("t", "true", "y", "yes", "on", "1"))
_FALSE = frozenset(("f", "false", "n", "no", "off", "0"))
_BYTE_ESCAPE = re.compile(rb"\\x([0-9a-fA-F]{2})")


def cast_to(target: ColumnType) -> Cast:
    """Return the strict function that casts any value to ``target``.

    The function raises DataError: 22P02 for text that does not read as the type, 22003 for a value
    out of range, 42846 for a pair of types without a cast.
    """
    match target.kind:
        case Kind.INT | Kind.BIGINT as kind:
            return lambda value: integer_in_range(_integer(value, target), kind)
        case Kind.DECIMAL:
            return lambda value: decimal_in_range(_decimal(value, target), target)
        case _:
            convert = _CONVERSIONS[target.kind]
            return lambda value: convert(value, target)


def _no_cast(value: object, target: ColumnType) -> DataError:
    return DataError(f"cannot cast {type(value).__name__} to {target}", sqlstate="42846")


def _unreadable(text: object, target: ColumnType) -> DataError:
    return DataError(f"invalid text for {target}: {text!r}", sqlstate="22P02")


def _boolean(value: Any, target: ColumnType) -> bool:
    match value:
        case bool():
            return value
        case int() | float() | Decimal():
            return value != 0
        case str():
            word = value.strip().lower()
            if word in _TRUE or word in _FALSE:
                return word in _TRUE
            raise _unreadable(value, target)
        case _:
            raise _no_cast(value, target)


def _integer(value: Any, target: ColumnType) -> int:
    match value:
        case int():
            return int(value)
        case float() if math.isfinite(value):
            return round(value)
        case Decimal():
            return int(value.to_integral_value(ROUND_HALF_UP))
        case str():
            return int(_number_text(value, target).to_integral_value(ROUND_HALF_UP))
        case float():
            raise DataError(f"{target} out of range: {value}", sqlstate="22003")
        case _:
            raise _no_cast(value, target)


def _number_text(text: str, target: ColumnType) -> Decimal:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        raise _unreadable(text, target) from None
    # Python also reads 1_000, and an exponent of millions would make an integer of megabytes.
    if "_" in text or not number.is_finite() or number.adjusted() > 400:
        raise _unreadable(text, target)
    return number


def _double(value: Any, target: ColumnType) -> float:
    match value:
        case int() | float() | Decimal():
            return float(value)
        case str() if "_" not in value:
            try:
                return float(value)
            except ValueError:
                raise _unreadable(value, target) from None
        case str():
            raise _unreadable(value, target)
        case _:
            raise _no_cast(value, target)


def _decimal(value: Any, target: ColumnType) -> Decimal:
    match value:
        case Decimal():
            return value
        case int():
            return Decimal(value)
        case float() if math.isfinite(value):
            return Decimal(repr(value))
        case float():
            raise DataError(f"{target} out of range: {value}", sqlstate="22003")
        case str():
            return _number_text(value, target)
        case _:
            raise _no_cast(value, target)


def text_of(value: Any, target: ColumnType) -> str:
    """Return the value's text, as PostgreSQL and DuckDB print it."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case datetime():
            text = value.isoformat(sep=" ")
            return text.rstrip("0") if value.microsecond else text
        case bytes():
            try:
                return value.decode()
            except UnicodeDecodeError:
                raise DataError("BLOB is not UTF-8 text", sqlstate="22021") from None
        case Decimal():
            return format(value, "f")
        case int() | float() | date() | UUID():
            return str(value)
        case _:
            raise _no_cast(value, target)


def _blob(value: Any, target: ColumnType) -> bytes:
    match value:
        case bytes():
            return value
        case str():
            return _BYTE_ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()), value.encode())
        case UUID():
            return value.bytes
        case _:
            raise _no_cast(value, target)


def _timestamp(value: Any, target: ColumnType) -> datetime:
    match value:
        case datetime():
            return value
        case date():
            return datetime(value.year, value.month, value.day)  # noqa: DTZ001 -- naive is UTC here
        case str():
            try:
                moment = datetime.fromisoformat(value.strip())
            except ValueError:
                raise _unreadable(value, target) from None
            return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
        case _:
            raise _no_cast(value, target)


def _date(value: Any, target: ColumnType) -> date:
    match value:
        case datetime():
            return value.date()
        case date():
            return value
        case str():
            return _timestamp(value, target).date()
        case _:
            raise _no_cast(value, target)


def _uuid(value: Any, target: ColumnType) -> UUID:
    match value:
        case UUID():
            return value
        case str():
            try:
                return UUID(value.strip())
            except ValueError:
                raise _unreadable(value, target) from None
        case bytes() if len(value) == 16:
            return UUID(bytes=value)
        case _:
            raise _no_cast(value, target)


def _map(value: Any, target: ColumnType) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise _no_cast(value, target)


_CONVERSIONS: dict[Kind, Callable[[Any, ColumnType], Any]] = {
    Kind.BOOLEAN: _boolean,
    Kind.DOUBLE: _double,
    Kind.TEXT: text_of,
    Kind.BLOB: _blob,
    Kind.TIMESTAMP: _timestamp,
    Kind.DATE: _date,
    Kind.UUID: _uuid,
    Kind.MAP: _map,
}
