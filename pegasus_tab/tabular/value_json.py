"""Scalars as JSON: how defaults in a schema and constants in a filter are written.

=================  ===============================================================================
BOOLEAN, INT,      as they are
BIGINT, TEXT
DOUBLE             a number, or "NaN", "Infinity", "-Infinity"
DECIMAL, UUID,     text; TIMESTAMP and DATE in ISO 8601
TIMESTAMP, DATE
BLOB               text of hexadecimal digits
=================  ===============================================================================
"""

import json
import math

from pegasus_tab.base.errors import DataError
from pegasus_tab.tabular.schema import ColumnType, Kind
from pegasus_tab.tabular.value import coerce

_TEXT_KINDS = frozenset({Kind.DECIMAL, Kind.UUID, Kind.TIMESTAMP, Kind.DATE})


def value_to_json(type_: ColumnType, value: object) -> object:
    """Return what json.dumps takes for a scalar in the form of value.py, or None."""
    assert type_.kind is not Kind.MAP
    if value is None:
        return None
    match type_.kind:
        case Kind.BLOB:
            assert isinstance(value, bytes)
            return value.hex()
        case Kind.DOUBLE:
            assert isinstance(value, float)
            return value if math.isfinite(value) else _not_finite(value)
        case kind:
            return str(value) if kind in _TEXT_KINDS else value


def value_from_json(type_: ColumnType, value: object) -> object:
    """Return the value that ``value_to_json`` wrote.

    Raises:
        DataError: it is none of the type.
    """
    if type_.kind is Kind.BLOB and isinstance(value, str):
        value = "\\x" + value
    elif type_.kind in _TEXT_KINDS and value is not None and not isinstance(value, str):
        raise DataError(f"a JSON string is expected for type {type_}", sqlstate="22023")
    return coerce(type_, value)


def parse_json(text: str, what: str, characters_max: int) -> object:
    """Parse JSON from outside.

    Args:
        text: the text.
        what: names the text in the error ("filter").
        characters_max: longer text is refused before it is parsed.

    Raises:
        DataError: too long, too deeply nested, or no JSON.
    """
    if len(text) > characters_max:
        message = f"{what} has {len(text)} characters, limit is {characters_max}"
        raise DataError(message, sqlstate="54000")
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{what} is not JSON: {error}", sqlstate="22023") from None


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _not_finite(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"
