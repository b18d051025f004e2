"""Value bytes to Arrow columns: the columnar twin of RowLayout.decode (row_encoding.py)."""

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pegasus_tab.base.errors import InternalError
from pegasus_tab.tabular.arrow_bytes import ByteRows, Mask, cut, records, retyped
from pegasus_tab.tabular.arrow_fields import FIELD_DTYPES, field_array
from pegasus_tab.tabular.arrow_keys import checked_text
from pegasus_tab.tabular.arrow_types import constant_array
from pegasus_tab.tabular.layouts import compiled, find_layout
from pegasus_tab.tabular.row_encoding import RowLayout
from pegasus_tab.tabular.scalar_field import VARIABLE_KINDS
from pegasus_tab.tabular.schema import ColumnType, Kind, Schema

Columns = dict[int, pa.Array]
"""Column id -> array of the storage type."""


def family_columns(
    schema: Schema, family: int, values: ByteRows, wanted: Collection[int]
) -> Columns:
    """Return columns of a family of scalars from the values of its pairs.

    Args:
        schema: the table's schema.
        family: the family's id.
        values: value bytes of any number of pairs, in any mix of layouts.
        wanted: ids of living columns of the family.

    Raises:
        UnknownLayout: a row was written with a newer schema.
        InternalError: a value is damaged.
    """
    if values.shorter_than(2):
        raise _damaged("is shorter than its layout id")
    ids = records(values.buffer, values.starts, "<u2")
    if not len(ids):
        newest = [layout for layout in schema.layouts if layout.family == family][-1]
        return _layout_columns(schema, compiled(schema, newest), values, wanted)
    if np.all(ids == ids[0]):
        layout = find_layout(schema, family, int(ids[0]))
        return _layout_columns(schema, compiled(schema, layout), values, wanted)
    return _mixed_columns(schema, family, values, ids, wanted)


def _mixed_columns(
    schema: Schema,
    family: int,
    values: ByteRows,
    ids: npt.NDArray[np.void],
    wanted: Collection[int],
) -> Columns:
    """Decode the rows of each layout by themselves and put them back in order."""
    parts: list[Columns] = []
    order = []
    for id_ in np.unique(ids):
        rows = np.flatnonzero(ids == id_)
        layout = find_layout(schema, family, int(id_))
        parts.append(_layout_columns(schema, compiled(schema, layout), values.select(rows), wanted))
        order.append(rows)
    back = pa.array(np.argsort(np.concatenate(order)))
    return {
        column: pa.concat_arrays([part[column] for part in parts]).take(back) for column in wanted
    }


def _layout_columns(
    schema: Schema, layout: RowLayout, values: ByteRows, wanted: Collection[int]
) -> Columns:
    if values.shorter_than(layout.fixed_bytes):
        raise _damaged(f"is too short for layout {layout.id}")
    fields = records(values.buffer, values.starts, fields_dtype(layout))
    null_bits = fields["nulls"] if layout.null_bytes and np.any(fields["nulls"]) else None
    columns: Columns = {}
    for place in layout.fixed:
        column = layout.columns[place]
        if column.id in wanted:
            columns[column.id] = field_array(
                column.type, fields[f"c{place}"], _valid(null_bits, place)
            )
    start = values.starts + layout.fixed_bytes
    for place in layout.variable:
        column = layout.columns[place]
        end = values.starts + layout.fixed_bytes + fields[f"c{place}"]
        if np.any(end < start) or np.any(end > values.ends):
            raise _damaged(f"has bad end offsets for layout {layout.id}")
        if column.id in wanted:
            pieces = cut(values.buffer, start, end)
            columns[column.id] = variable_array(column.type, pieces, _valid(null_bits, place))
        start = end
    if np.any(start != values.ends):
        raise _damaged(f"has bytes left behind layout {layout.id}")
    for column in schema.columns:
        if column.id in wanted and column.id not in columns:
            columns[column.id] = constant_array(column, len(values))
    return columns


def fields_dtype(layout: RowLayout) -> np.dtype[np.void]:
    """Return the fixed part of the layout's values as a packed structured type.

    Its fields are ``id``, ``nulls`` and, for the column at place i of the layout, ``c<i>``: the
    stored field, or the end offset of a TEXT or BLOB column.
    """
    fields: list[tuple[str, str] | tuple[str, str, int]] = [("id", "<u2")]
    if layout.null_bytes:
        fields.append(("nulls", "u1", (layout.null_bytes,)))  # type: ignore[arg-type]  # a shape
    fields += [
        (f"c{place}", FIELD_DTYPES[layout.columns[place].type.kind]) for place in layout.fixed
    ]
    fields += [(f"c{place}", "<u4") for place in layout.variable]
    dtype = np.dtype(fields)
    assert dtype.itemsize == layout.fixed_bytes
    return dtype


def variable_array(type_: ColumnType, pieces: pa.Array, valid: Mask | None = None) -> pa.Array:
    """Return pieces of bytes as TEXT or BLOB, with nulls put in; TEXT is checked."""
    if type_.kind is Kind.TEXT:
        return checked_text(pieces, valid)
    return retyped(pieces, pa.binary(), valid)


def cell_array(type_: ColumnType, cells: ByteRows) -> pa.Array:
    """Return the values of MAP cells (map_cell.py) in the storage type.

    Raises:
        InternalError: a cell is damaged.
    """
    if type_.kind in VARIABLE_KINDS:
        return variable_array(type_, cut(cells.buffer, cells.starts, cells.ends))
    dtype = np.dtype(FIELD_DTYPES[type_.kind])
    if np.any(cells.ends - cells.starts != dtype.itemsize):
        raise _damaged(f"is no map cell of type {type_}")
    return field_array(type_, records(cells.buffer, cells.starts, dtype))


def _valid(null_bits: npt.NDArray[np.uint8] | None, place: int) -> Mask | None:
    if null_bits is None:
        return None
    valid: Mask = null_bits[:, place >> 3] & (1 << (place & 7)) == 0
    return valid


def _damaged(what: str) -> InternalError:
    return InternalError(
        f"a value of the table {what}",
        sqlstate="XX001",
        hint="A row is damaged, or was written by something other than this table's driver.",
    )
