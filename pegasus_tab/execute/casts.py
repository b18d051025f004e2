"""CAST: one function for each target type, over the Python values of every source type.

Text is read as a value given from outside is (tabular/value.py). Rounding is PostgreSQL's: a DOUBLE
goes to the nearest integer with ties to even, a DECIMAL with ties away from zero. BLOB and TEXT
convert as UTF-8.
"""

import math
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

from pegasus_tab.base.errors import DataError
from pegasus_tab.execute.operators import decimal_in_range, integer_in_range
from pegasus_tab.tabular.schema import ColumnType, Kind
from pegasus_tab.tabular.value import coercion

Cast = Callable[[Any], Any]


def cast_to(target: ColumnType) -> Cast:
    """Return the strict function that casts any value to ``target``.

    The function raises DataError: 22P02 or 22007 for text that does not read as the type, 22003 for
    a value out of range, 42846 for a pair of types without a cast.
    """
    if target.kind is Kind.TEXT:
        return cast_to_text
    if target.kind is Kind.DATE:
        return _cast_to_date
    read_text, convert = coercion(target), _CONVERSIONS[target.kind]
    return lambda value: read_text(value) if type(value) is str else convert(value, target)


def _no_cast(value: object, target: ColumnType) -> DataError:
    return DataError(f"cannot cast {type(value).__name__} to {target}", sqlstate="42846")


def _boolean(value: Any, target: ColumnType) -> bool:
    if isinstance(value, (int, float, Decimal)):
        return bool(value)
    raise _no_cast(value, target)


def _integer(value: Any, target: ColumnType) -> int:
    if isinstance(value, int):
        return integer_in_range(int(value), target.kind)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise DataError(f"{target} out of range: {value}", sqlstate="22003")
        return integer_in_range(round(value), target.kind)
    if isinstance(value, Decimal):
        return integer_in_range(int(value.to_integral_value(ROUND_HALF_UP)), target.kind)
    raise _no_cast(value, target)


def _double(value: Any, target: ColumnType) -> float:
    if isinstance(value, (int, float, Decimal)):
        return float(value)
    raise _no_cast(value, target)


def _decimal(value: Any, target: ColumnType) -> Decimal:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise DataError(f"{target} out of range: {value}", sqlstate="22003")
        value = Decimal(repr(value))
    if isinstance(value, (int, Decimal)):
        return decimal_in_range(Decimal(value), target)
    raise _no_cast(value, target)


def cast_to_text(value: Any) -> str:
    """Return the value's text, as PostgreSQL and DuckDB print it.

    Raises:
        DataError: a BLOB that is not UTF-8 (22021), or a MAP (42846).
    """
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
            raise _no_cast(value, ColumnType(Kind.TEXT))


def _blob(value: Any, target: ColumnType) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, UUID):
        return value.bytes
    raise _no_cast(value, target)


def _timestamp(value: Any, target: ColumnType) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time.min)
    raise _no_cast(value, target)


_read_timestamp = coercion(ColumnType(Kind.TIMESTAMP))


def _cast_to_date(value: Any) -> date:
    # Unlike a value given for a DATE column, a cast may cut the time of day off.
    moment = _read_timestamp(value) if type(value) is str else value
    if isinstance(moment, datetime):
        return moment.date()
    if isinstance(moment, date):
        return moment
    raise _no_cast(value, ColumnType(Kind.DATE))


def _uuid(value: Any, target: ColumnType) -> UUID:
    if isinstance(value, UUID):
        return value
    if isinstance(value, bytes) and len(value) == 16:
        return UUID(bytes=value)
    raise _no_cast(value, target)


def _map(value: Any, target: ColumnType) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise _no_cast(value, target)


_CONVERSIONS: dict[Kind, Callable[[Any, ColumnType], Any]] = {
    Kind.BOOLEAN: _boolean,
    Kind.INT: _integer,
    Kind.BIGINT: _integer,
    Kind.DOUBLE: _double,
    Kind.DECIMAL: _decimal,
    Kind.BLOB: _blob,
    Kind.TIMESTAMP: _timestamp,
    Kind.UUID: _uuid,
    Kind.MAP: _map,
}
