"""Arrays from outside, checked and brought into a column's storage type.

The columnar twin of value.py: the same values are accepted, and a value is never changed in
silence. What would be (a number to TEXT, a fraction to INT) is refused with the column's name.
"""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from pegasus_tab.base.errors import DataError, IntegrityError
from pegasus_tab.tabular.arrow_fields import TIME_RANGES
from pegasus_tab.tabular.arrow_types import UUID_STORAGE, storage_type, without_extension
from pegasus_tab.tabular.key_encoding import null_in_key
from pegasus_tab.tabular.row_encoding import null_in_column
from pegasus_tab.tabular.schema import Column, Kind


def _is_text(type_: pa.DataType) -> bool:
    return bool(pt.is_string(type_) or pt.is_large_string(type_) or pt.is_string_view(type_))


def _is_bytes(type_: pa.DataType) -> bool:
    return bool(
        pt.is_binary(type_)
        or pt.is_large_binary(type_)
        or pt.is_binary_view(type_)
        or pt.is_fixed_size_binary(type_)
    )


def _is_number(type_: pa.DataType) -> bool:
    return bool(pt.is_integer(type_) or pt.is_floating(type_) or pt.is_decimal(type_))


_ACCEPTED: dict[Kind, Callable[[pa.DataType], bool]] = {
    Kind.BOOLEAN: pt.is_boolean,
    Kind.INT: _is_number,
    Kind.BIGINT: _is_number,
    Kind.DOUBLE: _is_number,
    Kind.DECIMAL: lambda type_: pt.is_integer(type_) or pt.is_decimal(type_),
    Kind.TEXT: _is_text,
    Kind.BLOB: lambda type_: _is_bytes(type_) or _is_text(type_),
    Kind.TIMESTAMP: lambda type_: pt.is_timestamp(type_) or pt.is_date(type_),
    Kind.DATE: pt.is_date,
    Kind.UUID: lambda type_: type_ == UUID_STORAGE,
    Kind.MAP: pt.is_map,
}


def column_array(column: Column, array: pa.Array, *, in_key: bool = False) -> pa.Array:
    """Return an array in the storage type of a column (of its cells, for the values of a MAP).

    Raises:
        IntegrityError: NULL in a key or NOT NULL column.
        DataError: a type or value that does not fit; the message names the column.
    """
    array = without_extension(array)
    if pt.is_dictionary(array.type):
        array = array.dictionary_decode()
    if array.null_count and column.not_null:
        raise _null(column, in_key=in_key)
    check_type(column, array.type)
    if column.type.kind is Kind.MAP:
        return array  # its keys and cells are checked by themselves, see arrow_encode.py
    stored = _cast(column, array)
    _check_range(column, stored)
    if column.type.kind is Kind.TEXT:
        _check_text(column, stored)
    return stored


def check_type(column: Column, type_: pa.DataType) -> None:
    """Check that a column accepts arrays of a type.

    Raises:
        DataError: it does not (SQLSTATE 42804).
    """
    if not (pt.is_null(type_) or _ACCEPTED[column.type.kind](type_)):
        raise DataError(
            f'column "{column.name}": Arrow type {type_} does not fit type {column.type}',
            sqlstate="42804",
            hint=f"Cast the column to {storage_type(column.type)} first.",
        )


def _cast(column: Column, array: pa.Array) -> pa.Array:
    wanted = storage_type(column.type)
    if array.type == wanted:
        return array
    try:
        if column.type.kind is Kind.DECIMAL and pt.is_decimal(array.type):
            array = pc.round(array, column.type.scale, round_mode="half_towards_infinity")
        if column.type.kind is Kind.TIMESTAMP and getattr(array.type, "tz", None) is not None:
            array = array.cast(pa.timestamp(array.type.unit, "UTC")).cast(
                pa.timestamp(array.type.unit)
            )
        return array.cast(wanted)
    except pa.ArrowInvalid as error:
        raise _does_not_fit(column, str(error)) from None


def _check_range(column: Column, array: pa.Array) -> None:
    """Refuse what Python's datetime cannot show: rows must stay readable by every driver."""
    bounds = TIME_RANGES.get(column.type.kind)
    if bounds is None or array.null_count == len(array):
        return
    found = pc.min_max(array.view(pa.int64() if column.type.kind is Kind.TIMESTAMP else pa.int32()))
    if found["min"].as_py() < bounds[0] or found["max"].as_py() > bounds[1]:
        raise _does_not_fit(column, "a value lies outside the years 1 to 9999", "22008")


def _check_text(column: Column, array: pa.Array) -> None:
    try:
        array.validate(full=True)
    except pa.ArrowInvalid as error:
        raise _does_not_fit(column, str(error), "22021") from None


def _null(column: Column, *, in_key: bool) -> IntegrityError:
    return null_in_key(column) if in_key else null_in_column(column)


def _does_not_fit(column: Column, what: str, sqlstate: str = "22003") -> DataError:
    message = f'column "{column.name}": a value does not fit type {column.type}: {what}'
    return DataError(message, sqlstate=sqlstate)
