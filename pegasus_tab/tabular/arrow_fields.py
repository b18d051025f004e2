"""Fixed-width fields between NumPy and Arrow: stored little-endian, as Arrow has them."""

from datetime import date, datetime, time
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pegasus_tab.base.errors import InternalError
from pegasus_tab.tabular.arrow_bytes import Mask, bitmap, validity
from pegasus_tab.tabular.arrow_types import storage_type
from pegasus_tab.tabular.integer_form import DATE_EPOCH_ORDINAL, timestamp_microseconds
from pegasus_tab.tabular.schema import ColumnType, Kind

FIELD_DTYPES = {
    Kind.BOOLEAN: "u1",
    Kind.INT: "<i4",
    Kind.DATE: "<i4",
    Kind.BIGINT: "<i8",
    Kind.DOUBLE: "<f8",
    Kind.TIMESTAMP: "<i8",
    Kind.DECIMAL: "V16",
    Kind.UUID: "V16",
}
"""The NumPy type of a stored field; TEXT and BLOB are missing."""

TIME_RANGES = {
    Kind.TIMESTAMP: (
        timestamp_microseconds(datetime.combine(date.min, time.min)),
        timestamp_microseconds(datetime.combine(date.max, time.max)),
    ),
    Kind.DATE: (
        date.min.toordinal() - DATE_EPOCH_ORDINAL,
        date.max.toordinal() - DATE_EPOCH_ORDINAL,
    ),
}
"""Lowest and highest field of the kinds that Arrow holds further than Python's datetime can show."""


def field_array(type_: ColumnType, field: npt.NDArray[Any], valid: Mask | None = None) -> pa.Array:
    """Return stored fields as an array of the storage type.

    Args:
        type_: a type of fixed width.
        field: one element of FIELD_DTYPES a row; strides are allowed.
        valid: False where the column is NULL; None when it is nowhere.

    Raises:
        InternalError: a field is outside the type's range.
    """
    if type_.kind is Kind.BOOLEAN:
        data = bitmap(field != 0)
    else:
        data = pa.py_buffer(np.ascontiguousarray(field))
    array = pa.Array.from_buffers(storage_type(type_), len(field), [validity(valid), data])
    if not _in_range(type_.kind, field, array):
        raise InternalError(
            f"a stored value is out of range for type {type_}",
            sqlstate="XX001",
            hint="A row is damaged, or was written by something other than this table's driver.",
        )
    return array


def _in_range(kind: Kind, field: npt.NDArray[Any], array: pa.Array) -> bool:
    if kind in TIME_RANGES and len(field):
        lowest, highest = TIME_RANGES[kind]
        return bool(field.min() >= lowest and field.max() <= highest)
    if kind is Kind.DECIMAL:
        try:
            array.validate(full=True)
        except pa.ArrowInvalid:
            return False
    return True


def array_field(type_: ColumnType, array: pa.Array) -> npt.NDArray[np.generic]:
    """Return an array of the storage type as stored fields; the field of a NULL is zeros.

    The inverse of ``field_array``.
    """
    count, offset = len(array), array.offset
    _, data = array.buffers()
    if data is None or not count:
        return np.zeros(count, FIELD_DTYPES[type_.kind])
    if type_.kind is Kind.BOOLEAN:
        bits = np.frombuffer(data, np.uint8)
        field: npt.NDArray[np.generic] = np.unpackbits(
            bits, count=offset + count, bitorder="little"
        )[offset:]
    else:
        dtype = np.dtype(FIELD_DTYPES[type_.kind])
        field = np.frombuffer(data, dtype, count, offset * dtype.itemsize)
    if array.null_count:
        field = field.copy()
        field[null_mask(array)] = np.zeros((), field.dtype)
    return field


def null_mask(array: pa.Array) -> Mask:
    """Return True where the array is NULL."""
    if not array.null_count:
        return np.zeros(len(array), np.bool_)
    bits = np.frombuffer(array.buffers()[0], np.uint8)
    first = array.offset
    valid = np.unpackbits(bits, count=first + len(array), bitorder="little")[first:]
    return np.logical_not(valid)
