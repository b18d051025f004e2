"""Columns of text made columns of the table's types, the values that are none of it set aside.

Arrow's own kernels read what is written plainly. Where one value is not, the whole column of the
batch goes through ``coerce``, which decides: text means here what it means to INSERT.
"""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from pegasus_tab.base.errors import DataError
from pegasus_tab.tabular.arrow_types import storage_type
from pegasus_tab.tabular.schema import Column, ColumnType, Kind
from pegasus_tab.tabular.value import coerce_column

Faults = dict[int, DataError]
"""Row of the batch -> what is wrong with it."""

_PLAIN: Final = {
    Kind.BOOLEAN: r"^(true|false|t|f|1|0)$",
    Kind.INT: r"^-?[0-9]{1,18}$",
    Kind.BIGINT: r"^-?[0-9]{1,18}$",
    Kind.DOUBLE: r"^-?[0-9]{1,15}(\.[0-9]{0,15})?$",
    Kind.DECIMAL: r"^-?[0-9]{1,18}(\.[0-9]{1,18})?$",
    Kind.TIMESTAMP: r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?)?$",
    Kind.DATE: r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
}
"""What Arrow reads as ``coerce`` does; for the rest their readings differ."""


def typed_column(column: Column, array: pa.Array, faults: Faults) -> pa.Array:
    """Return a column of text in the column's type.

    Args:
        column: the table's.
        array: binary, UTF-8 text.
        faults: takes the rows whose value does not fit; they are NULL in the result.

    Returns:
        An array of the Arrow type that the encoder takes for the column.
    """
    kind = column.type.kind
    try:
        text = array.cast(pa.string())
        if kind is Kind.TEXT:
            return text
        if kind in _PLAIN and pc.all(pc.match_substring_regex(text, _PLAIN[kind])).as_py() in {
            True,
            None,  # all NULL
        }:
            return _plain(column.type, text)
    except pa.ArrowInvalid:
        pass  # some value is not even text, or out of range: find out which
    return _coerced(column, array, faults)


def _plain(type_: ColumnType, text: pa.Array) -> pa.Array:
    if type_.kind is Kind.BOOLEAN:
        return pc.if_else(pc.is_null(text), None, pc.is_in(text, pa.array(["true", "t", "1"])))
    return text.cast(storage_type(type_))


def _coerced(column: Column, array: pa.Array, faults: Faults) -> pa.Array:
    values: list[object] = []
    for row, data in enumerate(array.to_pylist()):
        value = None
        if data is not None:
            try:
                value = coerce_column(column, data.decode())
            except UnicodeDecodeError as error:
                faults[row] = DataError(
                    f'column "{column.name}": not UTF-8 text at byte {error.start}',
                    sqlstate="22021",
                )
            except DataError as error:
                faults[row] = error
        values.append(value)
    return _array(column.type, values)


def _array(type_: ColumnType, values: list[object]) -> pa.Array:
    if type_.kind is Kind.UUID:
        stored = [None if value is None else value.bytes for value in values]  # type: ignore[attr-defined]  # UUIDs
        return pa.array(stored, storage_type(type_))
    if type_.value is not None:
        return _map_array(type_.value, values)
    return pa.array(values, storage_type(type_))


def _map_array(value_type: ColumnType, maps: list[object]) -> pa.Array:
    """Build a MAP column of its parts: pyarrow makes no map with values of an extension type."""
    offsets: list[int] = [0]
    keys: list[str] = []
    items: list[object] = []
    for one in maps:
        cells: dict[str, object] = one or {}  # type: ignore[assignment]  # a dict by value.py
        keys += cells.keys()
        items += cells.values()
        offsets.append(len(keys))
    missing = pa.array([one is None for one in maps], pa.bool_())
    return pa.MapArray.from_arrays(
        pa.array(offsets, pa.int32()),
        pa.array(keys, pa.string()),
        _array(value_type, items),
        mask=missing,
    )
