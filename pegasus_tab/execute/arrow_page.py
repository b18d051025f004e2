"""Arrow record batches to pages of tuples and back; one conversion a column, none a cell.

Timestamps, dates, decimals and fixed-size bytes go through NumPy, which makes their Python objects
ten to thirty times faster than ``to_pylist`` does.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any
from uuid import UUID

import pyarrow as pa

from pegasus_tab.execute.result import Page, ResultColumn
from pegasus_tab.tabular.arrow import arrow_type
from pegasus_tab.tabular.arrow_types import UUID_STORAGE
from pegasus_tab.tabular.schema import ColumnType, Kind

_MICROSECONDS = pa.timestamp("us")


def rows_of(batch: pa.RecordBatch) -> Page:
    """Return the rows of a batch as tuples of the driver's Python types (value.py's forms)."""
    if not batch.num_columns:
        return [()] * batch.num_rows
    return list(zip(*[values_of(column) for column in batch.columns], strict=True))


def values_of(column: pa.Array) -> list[Any]:
    """Return a column as a list of Python values, None for NULL."""
    kind = column.type
    if isinstance(kind, pa.ExtensionType):
        return values_of(column.storage) if kind != pa.uuid() else _uuids(column.storage)
    if pa.types.is_timestamp(kind):
        return _numpy_values(column.cast(_MICROSECONDS))
    if pa.types.is_date32(kind) or pa.types.is_decimal(kind):
        return _numpy_values(column)
    if pa.types.is_fixed_size_binary(kind):
        return _uuids(column) if kind.byte_width == 16 else column.to_pylist()
    if pa.types.is_map(kind):
        return _maps(column)
    values: list[Any] = column.to_pylist()
    return values


def _numpy_values(column: pa.Array) -> list[Any]:
    values: list[Any] = column.to_numpy(zero_copy_only=False).tolist()
    return values


def _uuids(column: pa.Array) -> list[Any]:
    return [None if value is None else UUID(bytes=value) for value in _numpy_values(column)]


def _maps(column: pa.Array) -> list[Any]:
    # The items are converted as one flat column each, then cut into rows at the offsets. Of a
    # sliced array, keys and items are still whole and the offsets count from their beginning.
    keys, items = values_of(column.keys), values_of(column.items)
    ends = column.offsets.to_pylist()
    return [
        None if null else dict(zip(keys[start:end], items[start:end], strict=True))
        for null, start, end in zip(column.is_null().to_pylist(), ends[:-1], ends[1:], strict=True)
    ]


def batch_of(page: Page, columns: Sequence[ResultColumn]) -> pa.RecordBatch:
    """Return a page of tuples as a record batch; a column of unknown type is what its values are."""
    by_column = list(zip(*page, strict=True)) if page else [()] * len(columns)
    arrays = [_array(values, column) for values, column in zip(by_column, columns, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, names=[column.name for column in columns])


def _array(values: Sequence[Any], column: ResultColumn) -> pa.Array:
    return pa.array(values) if column.type is None else array_of(values, column.type)


def array_of(values: Sequence[Any], type_: ColumnType) -> pa.Array:
    """Return values (forms of value.py, None for NULL) as an array of the type's Arrow type."""
    if type_.kind is Kind.UUID:
        stored = [None if value is None else value.bytes for value in values]
        return pa.ExtensionArray.from_storage(pa.uuid(), pa.array(stored, UUID_STORAGE))
    if type_.value is not None:
        return _map_array(values, type_.value)
    return pa.array(values, arrow_type(type_))


def _map_array(maps: Sequence[Any], item_type: ColumnType) -> pa.Array:
    # Made of its parts, because pyarrow does not build a map of an extension type from dicts.
    offsets = list(accumulate((len(one or ()) for one in maps), initial=0))
    keys = pa.array([key for one in maps for key in one or ()], pa.string())
    items = array_of([item for one in maps for item in (one or {}).values()], item_type)
    missing = pa.array([one is None for one in maps], pa.bool_())
    return pa.MapArray.from_arrays(pa.array(offsets, pa.int32()), keys, items, mask=missing)
