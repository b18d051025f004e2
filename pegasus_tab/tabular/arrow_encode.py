"""Record batches to key-value pairs, without a loop over cells: the write path of bulk loads.

Keys and values are put together column by column: the fixed-width fields of all rows as one
structured array, TEXT and BLOB as Arrow arrays, and one kernel joins each row's pieces.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pegasus_tab.base.errors import DataError
from pegasus_tab.base.limits import HASH_KEY_BYTES_MAX, SORT_KEY_BYTES_MAX, VALUE_BYTES_MAX
from pegasus_tab.tabular.arrow_bytes import Offsets
from pegasus_tab.tabular.arrow_encoded import EncodedArrays, as_lists
from pegasus_tab.tabular.arrow_fields import array_field, null_mask
from pegasus_tab.tabular.arrow_input import column_array
from pegasus_tab.tabular.arrow_key_encode import joined, key_array
from pegasus_tab.tabular.arrow_types import constant_array, storage_type, without_extension
from pegasus_tab.tabular.arrow_values import fields_dtype
from pegasus_tab.tabular.errors import ImpossibleKey
from pegasus_tab.tabular.layouts import compiled, newest_layouts
from pegasus_tab.tabular.row_encoding import RowLayout
from pegasus_tab.tabular.row_keys import RowKeys
from pegasus_tab.tabular.schema import Column, ColumnType, Kind, Schema, is_raw
from pegasus_tab.tabular.schema_rules import key_columns

EncodedPairs = tuple[list[bytes], list[bytes], list[bytes]]
"""Hash keys, sort keys and values, one entry a pair."""


_SLICE_ROWS_MAX = 65_536
_SLICE_BYTES = 256 << 20
_Arrays = Mapping[int, pa.Array]


def encode_batch(schema: Schema, batch: pa.RecordBatch) -> EncodedPairs:
    """Encode every row of a record batch.

    Args:
        schema: the table's schema; RAW_SCHEMA for a raw table.
        batch: columns are matched by name; one that is missing gets the column's default.

    Returns:
        The pairs of the rows in order; the pairs of a row lie together, family 0 first, the cells
        of a MAP in its own order. The same pairs as RowCodec.encode gives.

    Raises:
        IntegrityError: NULL in a key or NOT NULL column.
        DataError: unknown column, a type or value that does not fit, a key or value over its limit.
    """
    hash_keys, sort_keys, values, _ = as_lists(encode_arrays(schema, batch))
    return hash_keys, sort_keys, values


def encode_arrays(schema: Schema, batch: pa.RecordBatch) -> list[EncodedArrays]:
    """Encode a batch as ``encode_batch`` does, to arrays, and say which pair is whose.

    Returns:
        The pairs in one or more parts, as a large batch would not fit one; rows are numbered from
        the beginning of the batch.
    """
    _check_names(schema, batch)
    parts = []
    begun = 0
    for part in _slices(batch):
        arrays = _column_arrays(schema, part)
        try:
            encoded = _encode_raw(arrays) if is_raw(schema) else _encode(schema, arrays)
        except pa.ArrowCapacityError:
            raise DataError(
                f"a batch of {batch.num_rows} rows takes over 2 GiB",
                sqlstate="54000",
                hint="Use smaller batches.",
            ) from None
        parts.append(encoded.behind(begun))
        begun += part.num_rows
    return parts


def _one_pair_a_row(schema: Schema) -> bool:
    maps = any(column.type.kind is Kind.MAP for column in schema.columns)
    return is_raw(schema) or (len(newest_layouts(schema)) == 1 and not maps)


def _check_names(schema: Schema, batch: pa.RecordBatch) -> None:
    known = {column.name for column in schema.columns}
    for place, name in enumerate(batch.schema.names):
        if name not in known:
            raise DataError(f'the table has no column "{name}"', sqlstate="42703")
        if name in batch.schema.names[:place]:
            raise DataError(f'column "{name}" is twice in the batch', sqlstate="42701")


def _slices(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Cut the batch so that the joined bytes of a slice stay far below Arrow's 2 GiB."""
    rows = batch.num_rows
    step = min(_SLICE_ROWS_MAX, max(1, rows * _SLICE_BYTES // max(1, batch.nbytes)))
    for start in range(0, rows, step):
        yield batch.slice(start, step)


def _column_arrays(schema: Schema, batch: pa.RecordBatch) -> dict[int, pa.Array]:
    in_key = key_columns(schema)
    arrays = {}
    for column in schema.columns:
        place = batch.schema.get_field_index(column.name)
        array = constant_array(column, batch.num_rows) if place < 0 else batch.column(place)
        arrays[column.id] = column_array(column, array, in_key=column.id in in_key)
    return arrays


def _encode_raw(arrays: _Arrays) -> EncodedArrays:
    hash_key, sort_key, value = (arrays[id_] for id_ in sorted(arrays))
    _check_length(hash_key, HASH_KEY_BYTES_MAX, '"hash_key"')
    _check_length(sort_key, SORT_KEY_BYTES_MAX, '"sort_key"')
    _check_length(value, VALUE_BYTES_MAX, '"value"')
    return EncodedArrays(hash_key, sort_key, value)


def _encode(schema: Schema, arrays: _Arrays) -> EncodedArrays:
    keys = RowKeys(schema)
    hash_key = key_array(keys.hash_encoding, arrays)
    if pc.min(pc.binary_length(hash_key)).as_py() == 0:
        raise ImpossibleKey(f"hash key {_names(keys.hash_columns)} is empty", sqlstate="22023")
    _check_length(hash_key, HASH_KEY_BYTES_MAX, _names(keys.hash_columns))
    sort_key = _sort_key(keys, arrays, len(hash_key))
    if _one_pair_a_row(schema):
        value = _family_values(compiled(schema, newest_layouts(schema)[0]), arrays)
        return EncodedArrays(hash_key, sort_key, value)
    return _encode_wide(schema, arrays, hash_key, sort_key)


def _sort_key(keys: RowKeys, arrays: _Arrays, count: int) -> pa.Array:
    if not keys.sort_columns:
        return pa.repeat(pa.scalar(b""), count)
    sort_key = key_array(keys.sort_encoding, arrays)
    _check_length(sort_key, SORT_KEY_BYTES_MAX, _names(keys.sort_columns))
    return sort_key


def _family_values(layout: RowLayout, arrays: _Arrays) -> pa.Array:
    """Return the value bytes of every row's pair in a family, as a binary array."""
    columns = layout.columns
    count = len(next(iter(arrays.values())))
    fields = np.zeros(count, fields_dtype(layout))
    fields["id"] = layout.id
    for place, column in enumerate(columns):
        if arrays[column.id].null_count:
            nulls = null_mask(arrays[column.id])
            fields["nulls"][:, place >> 3] |= nulls.astype(np.uint8) << np.uint8(place & 7)
    for place in layout.fixed:
        column = columns[place]
        fields[f"c{place}"] = array_field(column.type, arrays[column.id])
    ends: npt.NDArray[np.int64] = np.zeros(count, np.int64)
    pieces = []
    for place in layout.variable:
        array = arrays[columns[place].id]
        ends = ends + pc.fill_null(pc.binary_length(array), 0).to_numpy(zero_copy_only=False)
        fields[f"c{place}"] = ends
        pieces.append(array)
    values = joined([fields, *pieces])
    _check_length(values, VALUE_BYTES_MAX, _names(columns))
    return values


def _encode_wide(
    schema: Schema, arrays: _Arrays, hash_key: pa.Array, sort_key: pa.Array
) -> EncodedArrays:
    """Encode every family by itself, then bring the pairs of each row together."""
    every_row = np.arange(len(hash_key))
    rows: list[Offsets] = []
    sort_keys: list[pa.Array] = []
    values: list[pa.Array] = []
    for family, layout in newest_layouts(schema).items():
        suffix = bytes([family]) if family else b""
        rows.append(every_row)
        sort_keys.append(joined([sort_key, suffix]))
        values.append(_family_values(compiled(schema, layout), arrays))
    for column in schema.columns:
        if column.type.kind is Kind.MAP:
            owners, map_keys, cells = _map_cells(column, arrays[column.id])
            cell_keys = joined([sort_key.take(pa.array(owners)), bytes([column.family]), map_keys])
            _check_length(cell_keys, SORT_KEY_BYTES_MAX, _names((column,)))
            rows.append(owners)
            sort_keys.append(cell_keys)
            values.append(cells)
    all_rows = np.concatenate(rows)
    order = np.argsort(all_rows, kind="stable")
    owners = all_rows[order]
    return EncodedArrays(
        hash_key.take(pa.array(owners)),
        pa.concat_arrays(sort_keys).take(pa.array(order)),
        pa.concat_arrays(values).take(pa.array(order)),
        owners,
    )


def _map_cells(column: Column, array: pa.Array) -> tuple[Offsets, pa.Array, pa.Array]:
    """Return the row number, map key and value bytes of every cell of a MAP column."""
    assert column.type.value is not None
    if not isinstance(array, pa.MapArray):  # all NULL
        array = array.cast(pa.map_(pa.string(), storage_type(column.type.value)))
    elif isinstance(array.type.item_type, pa.BaseExtensionType):  # nor do they take such items
        array = array.cast(pa.map_(array.type.key_type, array.type.item_type.storage_type))
    lists = array.cast(pa.list_(array.type.field(0)))  # kernels do not take the MAP type
    counts = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    owners = np.repeat(np.arange(len(array)), counts)
    # flatten() leaves out what lies under NULL maps and outside the slice; MapArray.keys does not.
    entries = lists.flatten()
    keys, items = entries.field(0), entries.field(1)
    key_column = Column(column.id, column.name, ColumnType(Kind.TEXT))
    cell_column = Column(column.id, column.name, column.type.value)
    if items.null_count:
        raise DataError(
            f'column "{column.name}": a map has the value NULL',
            sqlstate="22004",
            hint="Leave the key out instead.",
        )
    cells = column_array(cell_column, items)
    return owners, column_array(key_column, keys), _cell_values(cell_column, cells)


def _cell_values(column: Column, cells: pa.Array) -> pa.Array:
    if column.type.kind in {Kind.TEXT, Kind.BLOB}:
        values = cells.cast(pa.binary())
    else:
        values = joined([array_field(column.type, without_extension(cells))])
    _check_length(values, VALUE_BYTES_MAX, _names((column,)))
    return values


def _check_length(array: pa.Array, bytes_max: int, names: str) -> None:
    longest = pc.max(pc.binary_length(array)).as_py() or 0
    if longest > bytes_max:
        raise ImpossibleKey(
            f"columns {names} take {longest} bytes in a row, limit is {bytes_max}", sqlstate="54000"
        )


def _names(columns: tuple[Column, ...]) -> str:
    return "(" + ", ".join(f'"{column.name}"' for column in columns) + ")"
