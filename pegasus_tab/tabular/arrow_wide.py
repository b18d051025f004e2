"""Rows of several pairs (families, MAPs) to Arrow columns.

The pairs of a row lie together, its family 0 pair first. A row is numbered by its family 0 pair;
every other pair is joined to its row by that number, and a pair whose row has none is left out.
"""

from collections.abc import Collection

import numpy as np
import pyarrow as pa

from pegasus_tab.base.errors import InternalError
from pegasus_tab.tabular.arrow_bytes import Mask, Offsets, bitmap, cut
from pegasus_tab.tabular.arrow_keys import KeyRows, checked_text
from pegasus_tab.tabular.arrow_pairs import PairRows
from pegasus_tab.tabular.arrow_types import arrow_type, with_extension
from pegasus_tab.tabular.arrow_values import Columns, cell_array, family_columns
from pegasus_tab.tabular.layouts import families_ever, unknown_family
from pegasus_tab.tabular.schema import Column, Kind, Schema
from pegasus_tab.tabular.schema_rules import key_columns

_NO_ROW = -1


class WideRows:
    """The rows of a batch of pairs, joined."""

    def __init__(self, schema: Schema, pairs: PairRows, key_rows: KeyRows) -> None:
        """Number the rows.

        Raises:
            UnknownLayout: a pair is of a family that the schema never had.
        """
        self._schema = schema
        self._pairs = pairs
        self._key_rows = key_rows
        self._suffixes = key_rows.suffixes()
        further = self._suffixes.ends > self._suffixes.starts
        self._main = np.flatnonzero(~further)
        self._families = np.zeros(len(further), np.uint8)
        data = np.frombuffer(pairs.keys.buffer, np.uint8)
        self._families[further] = data[self._suffixes.starts[further]]
        self._refuse_unknown_families(further)
        group = np.cumsum(key_rows.first_of_rows()) - 1
        row_of_group = np.full(len(group), _NO_ROW, np.int64)
        row_of_group[group[self._main]] = np.arange(len(self._main))
        self._rows = row_of_group[group]

    def _refuse_unknown_families(self, further: Mask) -> None:
        known = families_ever(self._schema)
        for family in np.unique(self._families[further]):
            if not family:
                raise InternalError("a key of the table has the family id 0", sqlstate="XX001")
            if int(family) not in known:
                raise unknown_family(self._schema, int(family))

    def columns(self, wanted: Collection[int]) -> Columns:
        """Return the wanted columns; ids as in ``decode_batch``."""
        arrays: Columns = {}
        in_key = key_columns(self._schema)
        by_family: dict[int, list[Column]] = {}
        for column in self._schema.columns:
            if column.id in wanted and column.id in in_key:
                arrays[column.id] = self._key_rows.column(column.id, self._main)
            elif column.id in wanted:
                by_family.setdefault(column.family, []).append(column)
        for family, columns in by_family.items():
            if columns[0].type.kind is Kind.MAP:
                arrays[columns[0].id] = self._map_column(columns[0])
            else:
                arrays |= self._scalar_columns(family, [column.id for column in columns])
        for id_ in wanted:
            if id_ < 0:
                arrays[id_] = self._expiries(-1 - id_)
        return arrays

    def _pairs_of(self, family: int) -> tuple[Offsets, Offsets]:
        """Return the numbers of a family's pairs that have a row, and those rows' numbers."""
        if not family:
            return self._main, np.arange(len(self._main))
        found = np.flatnonzero((self._families == family) & (self._rows != _NO_ROW))
        return found, self._rows[found]

    def _places(self, rows: Offsets) -> pa.Array:
        """Return, for each row of the batch, where in a family's arrays it is; NULL without a pair."""
        places = np.full(len(self._main), _NO_ROW, np.int64)
        places[rows] = np.arange(len(rows))
        return pa.array(places, mask=places == _NO_ROW)

    def _scalar_columns(self, family: int, wanted: Collection[int]) -> Columns:
        found, rows = self._pairs_of(family)
        if family and np.any(self._suffixes.ends[found] - self._suffixes.starts[found] != 1):
            raise InternalError(
                f"a pair of family {family} has bytes behind its family id", sqlstate="XX001"
            )
        arrays = family_columns(self._schema, family, self._pairs.values.select(found), wanted)
        if len(found) == len(self._main):
            return arrays
        places = self._places(rows)
        return {id_: array.take(places) for id_, array in arrays.items()}

    def _map_column(self, column: Column) -> pa.Array:
        assert column.type.value is not None
        found, rows = self._pairs_of(column.family)
        suffixes = self._suffixes.select(found).skip(1)
        keys = checked_text(cut(suffixes.buffer, suffixes.starts, suffixes.ends))
        cells = cell_array(column.type.value, self._pairs.values.select(found))
        counts = np.bincount(rows, minlength=len(self._main))
        offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
        entries = pa.StructArray.from_arrays(
            [keys, with_extension(column.type.value, cells)],
            fields=[arrow_type(column.type).key_field, arrow_type(column.type).item_field],
        )
        return pa.Array.from_buffers(
            arrow_type(column.type),
            len(self._main),
            [bitmap(counts > 0), pa.py_buffer(offsets)],
            children=[entries],
        )

    def _expiries(self, family: int) -> pa.Array:
        """Return the expiry of each row's pair in a family; for a MAP that of the cell to go first."""
        found, rows = self._pairs_of(family)
        earliest = np.full(len(self._main), np.iinfo(np.uint32).max, np.uint32)
        stored = self._pairs.expiries[found]
        np.minimum.at(earliest, rows, np.where(stored == 0, np.iinfo(np.uint32).max, stored))
        earliest[earliest == np.iinfo(np.uint32).max] = 0
        missing = np.ones(len(self._main), np.bool_)
        missing[rows] = False
        return pa.array(earliest, mask=missing)
