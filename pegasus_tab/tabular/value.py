"""Python values of each column type: what is accepted, and what it becomes.

``coerce`` follows PostgreSQL's assignment rules, with one tightening: a value is never changed in
silence except that a DECIMAL is rounded to its scale (half away from zero) and a DOUBLE to the
nearest double. The value it returns is the one and only form the rest of the layer handles:

=========  =======================================================================================
BOOLEAN    bool
INT        int, -2**31 .. 2**31 - 1
BIGINT     int, -2**63 .. 2**63 - 1
DOUBLE     float
DECIMAL    decimal.Decimal with exactly ``scale`` digits after the point
TEXT       str without lone surrogates
BLOB       bytes
TIMESTAMP  datetime.datetime without tzinfo, in UTC, microseconds
DATE       datetime.date
UUID       uuid.UUID
MAP        dict from str to the value type's form, without None
=========  =======================================================================================
"""

import json
import math
import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import lru_cache
from typing import TypeAlias
from uuid import UUID

from pegasus_tab.base.errors import DataError
from pegasus_tab.tabular.schema import Column, ColumnType, Kind

Coercion: TypeAlias = Callable[[object], object]

INT_BITS = {Kind.INT: 32, Kind.BIGINT: 64}
DECIMAL_PRECISION_MAX = 38
DECIMAL_CONTEXT = Context(prec=2 * DECIMAL_PRECISION_MAX + 4, rounding=ROUND_HALF_UP)
"""Wide enough that scaling a DECIMAL(38, s) never rounds, whatever the caller's own context is."""

_TRUE_TEXT = frozenset({"t", "tr", "tru", "true", "y", "ye", "yes", "on", "1"})
_FALSE_TEXT = frozenset({"f", "fa", "fal", "fals", "false", "n", "no", "of", "off", "0"})
_INTEGER_TEXT = re.compile(r"[+-]?[0-9]{1,100}", re.ASCII)
_NUMBER_TEXT = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?"
    r"|[+-]?(?:inf|infinity)|nan",
    re.ASCII | re.IGNORECASE,
)
_NUMBER_TEXT_CHARACTERS_MAX = 2000
_SHOWN_CHARACTERS_MAX = 60


def coerce(type_: ColumnType, value: object) -> object:
    """Return ``value`` in the form of ``type_``; None (NULL) passes.

    Raises:
        DataError: wrong type (42804), unreadable text (22P02, 22007), out of range (22003, 22008),
            text that is not Unicode (22021), a value the type cannot hold unchanged (22023).
    """
    return None if value is None else coercion(type_)(value)


def coerce_column(column: Column, value: object) -> object:
    """Return ``coerce(column.type, value)``, naming the column in the error."""
    try:
        return coerce(column.type, value)
    except DataError as error:
        raise named(error, column.name) from None


def named(error: DataError, column: str) -> DataError:
    """Return the same error with the column's name in front."""
    return DataError(
        f'column "{column}": {error.message}', sqlstate=error.sqlstate, hint=error.hint
    )


@lru_cache(maxsize=256)
def coercion(type_: ColumnType) -> Coercion:
    """Return the function that brings non-NULL values into the form of ``type_``."""
    match type_.kind:
        case Kind.INT | Kind.BIGINT:
            return _integer_coercion(type_)
        case Kind.DECIMAL:
            return _decimal_coercion(type_)
        case Kind.MAP:
            return _map_coercion(type_)
        case kind:
            return _SIMPLE_COERCIONS[kind]


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS_MAX else text[:_SHOWN_CHARACTERS_MAX] + "..."


def _wrong_type(type_: ColumnType | str, value: object, hint: str | None = None) -> DataError:
    message = f"a value of Python type {type(value).__name__} does not fit type {type_}"
    return DataError(message, sqlstate="42804", hint=hint)


def _bad_text(type_: ColumnType | str, value: str, sqlstate: str = "22P02") -> DataError:
    return DataError(f"invalid input for type {type_}: {_shown(value)}", sqlstate=sqlstate)


def _out_of_range(type_: ColumnType | str, value: object, sqlstate: str = "22003") -> DataError:
    return DataError(f"{_shown(value)} is out of range for type {type_}", sqlstate=sqlstate)


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        text = value.strip().lower()
        if text in _TRUE_TEXT:
            return True
        if text in _FALSE_TEXT:
            return False
        raise _bad_text("BOOLEAN", value)
    raise _wrong_type("BOOLEAN", value, hint="Use TRUE or FALSE.")


def _integer_coercion(type_: ColumnType) -> Coercion:
    limit = 1 << (INT_BITS[type_.kind] - 1)

    def integer(value: object) -> int:
        number = value if type(value) is int else _whole_number(type_, value)
        if -limit <= number < limit:
            return number
        raise _out_of_range(type_, value)

    return integer


def _whole_number(type_: ColumnType, value: object) -> int:
    if isinstance(value, bool):
        raise _wrong_type(type_, value, hint="Write CAST(... AS INT) to count TRUE as 1.")
    if isinstance(value, str):
        text = value.strip()
        if not _INTEGER_TEXT.fullmatch(text):
            raise _bad_text(type_, value)
        return int(text)
    if isinstance(value, float | Decimal):
        if not (math.isfinite(value) and value == int(value)):
            message = f"{_shown(value)} is not a whole number and does not fit type {type_}"
            raise DataError(message, sqlstate="22023", hint="Round it first, e.g. round(x).")
        return int(value)
    try:
        return operator.index(value)  # type: ignore[arg-type]  # refused just below
    except TypeError:
        raise _wrong_type(type_, value) from None


def _double(value: object) -> float:
    if type(value) is float:
        return value
    if isinstance(value, bool):
        raise _wrong_type("DOUBLE", value)
    if isinstance(value, str):
        return float(_number_text("DOUBLE", value))
    if not isinstance(value, float | int | Decimal):
        try:
            value = operator.index(value)  # type: ignore[arg-type]  # refused just below
        except TypeError:
            raise _wrong_type("DOUBLE", value) from None
    try:
        number = float(value)
    except OverflowError:
        raise _out_of_range("DOUBLE", value) from None
    if math.isinf(number) and isinstance(value, Decimal) and value.is_finite():
        raise _out_of_range("DOUBLE", value)
    return number


def _number_text(type_: ColumnType | str, value: str) -> str:
    text = value.strip()
    if len(text) > _NUMBER_TEXT_CHARACTERS_MAX or not _NUMBER_TEXT.fullmatch(text):
        raise _bad_text(type_, value)
    return text


def _decimal_coercion(type_: ColumnType) -> Coercion:
    quantum = Decimal(1).scaleb(-type_.scale)
    limit = Decimal(1).scaleb(type_.precision - type_.scale)

    def decimal(value: object) -> Decimal:
        number = value if type(value) is Decimal else _decimal_number(type_, value)
        # copy_abs, because abs() rounds to the digits of the caller's decimal context.
        if not number.is_finite() or number.copy_abs() >= limit:
            raise _out_of_range(type_, value)
        rounded = number.quantize(quantum, context=DECIMAL_CONTEXT)
        if rounded.copy_abs() >= limit:  # 9.99 rounds up to 10.0
            raise _out_of_range(type_, value)
        return rounded or rounded.copy_abs()  # there is one zero, without a sign

    return decimal


def _decimal_number(type_: ColumnType, value: object) -> Decimal:
    if isinstance(value, bool):
        raise _wrong_type(type_, value)
    if isinstance(value, str):
        try:
            return Decimal(_number_text(type_, value))
        except InvalidOperation:
            raise _bad_text(type_, value) from None
    if isinstance(value, float):
        return Decimal(repr(float(value)))  # 0.1 means 0.1, not its binary neighbour
    if isinstance(value, int | Decimal):
        return Decimal(value)
    try:
        return Decimal(operator.index(value))  # type: ignore[arg-type]  # refused just below
    except TypeError:
        raise _wrong_type(type_, value) from None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _wrong_type("TEXT", value, hint="Write CAST(... AS TEXT), or pass a str.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"TEXT must be valid Unicode: lone surrogate at character {error.start}",
            sqlstate="22021",
        ) from None
    return str(value)


def _blob(value: object) -> bytes:
    if isinstance(value, bytes):
        return bytes(value)
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    if not isinstance(value, str):
        raise _wrong_type("BLOB", value, hint="Pass bytes, or text ('\\x00ff' for hexadecimal).")
    if value[:2] != "\\x":
        return _text(value).encode()
    try:
        return bytes.fromhex(value[2:])
    except ValueError:
        raise _bad_text("BLOB", value) from None


def _timestamp(value: object) -> datetime:
    if isinstance(value, str):
        value = _timestamp_text(value)
    if isinstance(value, datetime):
        try:
            if value.tzinfo is not None:
                value = value.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:
            raise _out_of_range("TIMESTAMP", value, "22008") from None
        return value if type(value) is datetime else _plain_datetime(value)
    if isinstance(value, date):
        return datetime.combine(value, time.min)
    raise _wrong_type("TIMESTAMP", value, hint="Pass a datetime, or text in ISO 8601.")


def _plain_datetime(value: datetime) -> datetime:
    """Turn a subclass (pandas.Timestamp) into the class proper, so that it compares and pickles."""
    return datetime(  # noqa: DTZ001 -- naive means UTC in this layer
        value.year,
        value.month,
        value.day,
        value.hour,
        value.minute,
        value.second,
        value.microsecond,
    )


def _timestamp_text(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        error = _bad_text("TIMESTAMP", text, "22007")
        error.hint = "Write it as '2024-01-31 10:20:30.5' or '2024-01-31 10:20:30+02'."
        raise error from None


def _date(value: object) -> date:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            error = _bad_text("DATE", value, "22007")
            error.hint = "Write it as '2024-01-31'."
            raise error from None
    if isinstance(value, datetime):
        if value.tzinfo is not None or value.time() != time.min:
            message = f"{value} has a time of day and does not fit type DATE"
            raise DataError(
                message, sqlstate="22023", hint="Write CAST(... AS DATE) to cut it off."
            )
        return value.date()
    if isinstance(value, date):
        return value
    raise _wrong_type("DATE", value, hint="Pass a date, or text in ISO 8601.")


def _uuid(value: object) -> UUID:
    if isinstance(value, UUID):
        return value
    if isinstance(value, str):
        try:
            return UUID(value.strip())
        except ValueError:
            raise _bad_text("UUID", value) from None
    raise _wrong_type("UUID", value, hint="Pass a uuid.UUID or its text.")


def _map_coercion(type_: ColumnType) -> Coercion:
    assert type_.value is not None
    assert type_.value.kind is not Kind.MAP
    coerce_cell = coercion(type_.value)

    def mapping(value: object) -> dict[str, object]:
        if isinstance(value, str):
            value = _map_text(type_, value)
        if not isinstance(value, Mapping):
            raise _wrong_type(type_, value, hint="Pass a dict, or text holding a JSON object.")
        return {_text(key): cell(key, item) for key, item in value.items()}

    def cell(key: object, item: object) -> object:
        if item is None:
            message = f"key {_shown(key)} of a {type_} has the value NULL"
            raise DataError(message, sqlstate="22004", hint="Leave the key out instead.")
        try:
            return coerce_cell(item)
        except DataError as error:
            message = f"key {_shown(key)}: {error.message}"
            raise DataError(message, sqlstate=error.sqlstate, hint=error.hint) from None

    return mapping


def _map_text(type_: ColumnType, text: str) -> object:
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        raise _bad_text(type_, text) from None


_SIMPLE_COERCIONS: dict[Kind, Coercion] = {
    Kind.BOOLEAN: _boolean,
    Kind.DOUBLE: _double,
    Kind.TEXT: _text,
    Kind.BLOB: _blob,
    Kind.TIMESTAMP: _timestamp,
    Kind.DATE: _date,
    Kind.UUID: _uuid,
}
