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
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import TypeAlias

from pegasus_tab.base.errors import DataError
from pegasus_tab.tabular.number_value import decimal_coercion, double, integer_coercion
from pegasus_tab.tabular.refusal import bad_text, shown, wrong_type
from pegasus_tab.tabular.schema import Column, ColumnType, Kind
from pegasus_tab.tabular.text_value import blob, boolean, text_value, uuid
from pegasus_tab.tabular.time_value import date_value, timestamp

Coercion: TypeAlias = Callable[[object], object]


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
            return integer_coercion(type_)
        case Kind.DECIMAL:
            return decimal_coercion(type_)
        case Kind.MAP:
            return _map_coercion(type_)
        case kind:
            return _SIMPLE_COERCIONS[kind]


def _map_coercion(type_: ColumnType) -> Coercion:
    assert type_.value is not None
    assert type_.value.kind is not Kind.MAP
    coerce_cell = coercion(type_.value)

    def mapping(value: object) -> dict[str, object]:
        if isinstance(value, str):
            value = _map_text(type_, value)
        if not isinstance(value, Mapping):
            raise wrong_type(type_, value, hint="Pass a dict, or text holding a JSON object.")
        return {text_value(key): cell(key, item) for key, item in value.items()}

    def cell(key: object, item: object) -> object:
        if item is None:
            message = f"key {shown(key)} of a {type_} has the value NULL"
            raise DataError(message, sqlstate="22004", hint="Leave the key out instead.")
        try:
            return coerce_cell(item)
        except DataError as error:
            message = f"key {shown(key)}: {error.message}"
            raise DataError(message, sqlstate=error.sqlstate, hint=error.hint) from None

    return mapping


def _map_text(type_: ColumnType, text: str) -> object:
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        raise bad_text(type_, text) from None


_SIMPLE_COERCIONS: dict[Kind, Coercion] = {
    Kind.BOOLEAN: boolean,
    Kind.DOUBLE: double,
    Kind.TEXT: text_value,
    Kind.BLOB: blob,
    Kind.TIMESTAMP: timestamp,
    Kind.DATE: date_value,
    Kind.UUID: uuid,
}
