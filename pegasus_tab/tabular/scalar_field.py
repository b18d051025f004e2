"""Scalars as fields of a value: fixed-width ones as struct fields, TEXT and BLOB as bytes.

Shared by whole rows (row_encoding.py) and single MAP cells (map_cell.py). Little-endian, as Arrow.
"""

import struct
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias
from uuid import UUID

from pegasus_tab.tabular.integer_form import (
    DATE_EPOCH_ORDINAL,
    TIMESTAMP_EPOCH,
    decimal_of,
    timestamp_microseconds,
    timestamp_of,
    unscaled,
)
from pegasus_tab.tabular.schema import ColumnType, Kind

Conversion: TypeAlias = Callable[..., object]

VARIABLE_KINDS = frozenset({Kind.TEXT, Kind.BLOB})
STRUCT_CODES = {
    Kind.BOOLEAN: "?",
    Kind.INT: "i",
    Kind.DATE: "i",
    Kind.BIGINT: "q",
    Kind.DOUBLE: "d",
    Kind.TIMESTAMP: "q",
    Kind.DECIMAL: "16s",
    Kind.UUID: "16s",
}
NULL_FILLERS: dict[Kind, object] = {
    Kind.BOOLEAN: False,
    Kind.INT: 0,
    Kind.DATE: date(1970, 1, 1),
    Kind.BIGINT: 0,
    Kind.DOUBLE: 0.0,
    Kind.TIMESTAMP: TIMESTAMP_EPOCH,
    Kind.DECIMAL: Decimal(0),
    Kind.UUID: UUID(int=0),
    Kind.TEXT: "",
    Kind.BLOB: b"",
}
"""What stands in the place of a NULL: the value whose field is all zeros, or empty."""

FORMAT_ERRORS = (TypeError, AttributeError, ValueError, OverflowError, struct.error)
"""What a value that is not in the form of value.py makes the packing raise."""


def field_packer(type_: ColumnType) -> Conversion | None:
    """Return the conversion from a value to its field; None when they are the same.

    A packer raises where struct would let a value pass that is not in the form of value.py.
    """
    match type_.kind:
        case Kind.DECIMAL:
            return lambda value: unscaled(value, type_).to_bytes(16, "little", signed=True)
        case kind:
            return _PACKERS.get(kind)


def field_unpacker(type_: ColumnType) -> Conversion | None:
    """Return the conversion from a fixed-width field to the value; None when they are the same."""
    match type_.kind:
        case Kind.DECIMAL:
            return lambda field: decimal_of(int.from_bytes(field, "little", signed=True), type_)
        case kind:
            return _UNPACKERS.get(kind)


def _pack_bytes(value: object) -> bytes:
    if type(value) is not bytes:
        raise TypeError
    return value


def _pack_boolean(value: object) -> bool:
    if value is not True and value is not False:
        raise TypeError
    return value


def _pack_date(value: date) -> int:
    if type(value) is not date:
        raise TypeError
    return value.toordinal() - DATE_EPOCH_ORDINAL


def _pack_timestamp(value: datetime) -> int:
    return timestamp_microseconds(value)


def _unpack_date(days: int) -> date:
    return date.fromordinal(days + DATE_EPOCH_ORDINAL)


def _pack_uuid(value: UUID) -> bytes:
    return value.bytes


def _unpack_uuid(field: bytes) -> UUID:
    return UUID(bytes=field)


_PACKERS: dict[Kind, Conversion] = {
    Kind.BOOLEAN: _pack_boolean,
    Kind.DATE: _pack_date,
    Kind.TIMESTAMP: _pack_timestamp,
    Kind.UUID: _pack_uuid,
    Kind.TEXT: str.encode,
    Kind.BLOB: _pack_bytes,
}
_UNPACKERS: dict[Kind, Conversion] = {
    Kind.DATE: _unpack_date,
    Kind.TIMESTAMP: timestamp_of,
    Kind.UUID: _unpack_uuid,
}
