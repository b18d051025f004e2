"""Rows to key-value pairs and back, for one schema: what the executor works with.

A row is a tuple of values in ``schema.columns`` order, each in the form of value.py; a mapping from
column id is accepted where a row goes in (a missing column gets its default). A row exists if and
only if its family 0 pair exists. Writing a whole row writes a pair for every family of scalars,
also when all its values are NULL, so that an UPSERT needs no read to overwrite an older row; cells
of a MAP are written one by one, and an empty MAP is the same as NULL.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import TypeAlias

from pegasus_tab.base.errors import DataError, InternalError
from pegasus_tab.base.limits import VALUE_BYTES_MAX
from pegasus_tab.tabular.layouts import (
    compiled,
    families_ever,
    find_layout,
    newest_layouts,
    unknown_family,
)
from pegasus_tab.tabular.map_cell import Cell
from pegasus_tab.tabular.row_encoding import LAYOUT_ID_BYTES, RowLayout, damaged_value
from pegasus_tab.tabular.row_keys import RowKeys
from pegasus_tab.tabular.scalar_field import FORMAT_ERRORS
from pegasus_tab.tabular.schema import Column, Schema
from pegasus_tab.tabular.value import coerce_column, coercion

Row: TypeAlias = tuple[object, ...]
RowInput: TypeAlias = Row | Sequence[object] | Mapping[int, object]
Pair: TypeAlias = tuple[bytes, bytes]
"""(sort key, value) of one key-value pair; the hash key is known from the context."""

_Pick: TypeAlias = Callable[[Sequence[object]], Row]


class RowCodec(RowKeys):
    """Encodes and decodes the rows of one tabular table: its keys and its values."""

    def __init__(self, schema: Schema) -> None:
        super().__init__(schema)
        places = {column.id: place for place, column in enumerate(schema.columns)}
        self._places = places
        self._hash_values = _pick([places[id_] for id_ in schema.hash_key])
        self._sort_values = _pick([places[part.column] for part in schema.sort_key])
        self._coercions = tuple(coercion(column.type) for column in schema.columns)
        self._families = {
            family: _row_packing(compiled(schema, layout), places)
            for family, layout in newest_layouts(schema).items()
        }
        self._maps = {
            column.family: (places[column.id], column, Cell(column.type.value))
            for column in schema.columns
            if column.type.value is not None
        }
        self._readers: dict[bytes, tuple[RowLayout, list[object], _Pick]] = {}
        self._layouts: dict[tuple[int, bytes], RowLayout] = {}

    def key(self, row: RowInput) -> tuple[bytes, bytes]:
        """Return (hash key, family 0 sort key) of a row; raises as RowKeys.hash_key and sort_key."""
        values = self._in_order(row)
        return (
            self.hash_key(self._hash_values(values)),
            self.sort_key(self._sort_values(values)),
        )

    # ---- encoding --------------------------------------------------------------------------------

    def coerce(self, row: RowInput) -> Row:
        """Return the row with every value in the form of value.py.

        Raises:
            DataError: a value does not fit; the message names its column.
        """
        values = self._in_order(row)
        pairs = zip(self._coercions, values, strict=True)
        try:
            return tuple([None if value is None else coerce(value) for coerce, value in pairs])
        except DataError:
            columns = zip(self.schema.columns, values, strict=True)
            return tuple([coerce_column(column, value) for column, value in columns])

    def encode_value(self, row: RowInput, family: int = 0) -> bytes:
        """Encode the value of the row's pair in a family of scalars.

        Raises:
            IntegrityError: NULL in a NOT NULL column.
            DataError: a value does not fit its column, or the pair is over 1 MiB.
        """
        layout, pick = self._families[family]
        values = pick(self._in_order(row))
        try:
            value = layout.encode(values)
        except FORMAT_ERRORS:
            value = self._encode_checked(layout, values)
        if len(value) > VALUE_BYTES_MAX:
            raise _too_long(layout.columns, len(value))
        return value

    def _encode_checked(self, layout: RowLayout, values: Row) -> bytes:
        """Encode values of any form that coerce accepts, or name the column at fault."""
        columns = [layout.columns[place] for place in layout.order]
        return layout.encode(
            [coerce_column(column, value) for column, value in zip(columns, values, strict=True)]
        )

    def encode_cell(self, column: int, value: object) -> bytes:
        """Encode the value of one cell of the MAP column with that id.

        Raises:
            DataError: the value does not fit the MAP's value type, or is over 1 MiB.
        """
        _, map_column, cell = self._maps[self._columns[column].family]
        try:
            data = cell.encode(value)
        except FORMAT_ERRORS:
            single = coerce_column(map_column, {"": value})
            assert isinstance(single, dict)
            data = cell.encode(single[""])
        if len(data) > VALUE_BYTES_MAX:
            raise _too_long((map_column,), len(data))
        return data

    def encode(self, row: RowInput) -> list[Pair]:
        """Encode a whole row.

        Returns:
            Its pairs ascending by sort key: family 0, further families and MAP cells.
        """
        values = self._in_order(row)
        sort_key = self.sort_key(self._sort_values(values))
        pairs = [
            (self.family_key(sort_key, family), self.encode_value(values, family))
            for family in self._families
        ]
        if self._maps:
            for place, column, _ in self._maps.values():
                pairs.extend(self._cells(sort_key, column, values[place]))
            pairs.sort()
        return pairs

    def _cells(self, sort_key: bytes, column: Column, value: object) -> Iterator[Pair]:
        cells = coerce_column(column, value)
        if cells is not None:
            assert isinstance(cells, dict)
            for key, item in cells.items():
                yield self.cell_key(sort_key, column.id, key), self.encode_cell(column.id, item)

    # ---- decoding --------------------------------------------------------------------------------

    def decode_plain(self, hash_key: bytes, sort_key: bytes, value: bytes) -> Row:
        """Decode a row from its family 0 pair; columns of other families are NULL.

        Raises:
            UnknownLayout: the row was written with a newer schema.
            InternalError: the bytes are damaged.
        """
        values, _ = self.hash_encoding.decode(hash_key)
        sort_values, end = self.sort_encoding.decode(sort_key)
        if end != len(sort_key):
            raise unknown_family(self.schema, sort_key[end])
        layout, constants, pick = self._readers.get(value[:2]) or self._reader(value)
        values += sort_values
        values += layout.decode(value)
        values += constants
        return pick(values)

    def _reader(self, value: bytes) -> tuple[RowLayout, list[object], _Pick]:
        """Compile how rows of the value's family 0 layout become rows of this schema."""
        packed = self._packed(0, value)
        sources = [*self.schema.hash_key, *(part.column for part in self.schema.sort_key)]
        sources += [packed.columns[place].id for place in packed.order]
        absent = [column for column in self.schema.columns if column.id not in sources]
        # A column added after the row was written has the default it was added with; one of
        # another family is NULL until that family's pair is seen.
        constants = [None if column.family else column.default for column in absent]
        sources += [column.id for column in absent]
        pick = _pick([sources.index(column.id) for column in self.schema.columns])
        self._readers[value[:2]] = reader = (packed, constants, pick)
        return reader

    def _packed(self, family: int, value: bytes) -> RowLayout:
        """Return the layout that the value names, compiled when it is first met."""
        name = value[:LAYOUT_ID_BYTES]
        if len(name) < LAYOUT_ID_BYTES:
            raise damaged_value(value)
        if (family, name) not in self._layouts:
            layout = find_layout(self.schema, family, int.from_bytes(name, "little"))
            self._layouts[family, name] = compiled(self.schema, layout)
        return self._layouts[family, name]

    def decode(self, hash_key: bytes, pairs: Iterable[Pair]) -> Row | None:
        """Decode one row from its pairs in any order.

        Args:
            hash_key: the row's hash key.
            pairs: pairs of this row alone; families left out read as NULL.

        Returns:
            The row, or None when its family 0 pair is not among them: it does not exist.

        Raises:
            UnknownLayout: the row was written with a newer schema.
            InternalError: the bytes are damaged.
        """
        length: int | None = None
        row: list[object] | None = None
        others: list[tuple[bytes, bytes]] = []
        for sort_key, value in pairs:
            if length is None:
                length = self.row_key_length(sort_key)
            if len(sort_key) == length:
                row = list(self.decode_plain(hash_key, sort_key, value))
            else:
                others.append((sort_key[length:], value))
        if row is None:
            return None
        for suffix, value in sorted(others):
            self._decode_suffixed(row, suffix, value)
        return tuple(row)

    def _decode_suffixed(self, row: list[object], suffix: bytes, value: bytes) -> None:
        """Put the columns of one pair of a further family into ``row``."""
        family = suffix[0]
        if not family:
            raise _damaged_suffix(suffix)
        if family in self._maps:
            place, _, cell = self._maps[family]
            cells = row[place]
            if not isinstance(cells, dict):
                cells = row[place] = {}
            cells[_map_key(suffix)] = cell.decode(value)
        elif family in self._families:
            if len(suffix) > 1:
                raise _damaged_suffix(suffix)
            self._decode_family(row, family, value)
        elif family not in families_ever(self.schema):
            raise unknown_family(self.schema, family)

    def _decode_family(self, row: list[object], family: int, value: bytes) -> None:
        packed = self._packed(family, value)
        for column in self._families[family][0].columns:
            row[self._places[column.id]] = column.default
        for place, item in zip(packed.order, packed.decode(value), strict=True):
            target = self._places.get(packed.columns[place].id)
            if target is not None:
                row[target] = item

    def decode_rows(self, hash_key: bytes, pairs: Iterable[Pair]) -> Iterator[Row]:
        """Decode the rows of one hash key from pairs in sort key order, ascending or descending.

        Rows without a family 0 pair are skipped: they do not exist. Raises as ``decode``.
        """
        if self.plain:
            for sort_key, value in pairs:
                yield self.decode_plain(hash_key, sort_key, value)
            return
        for group in self._grouped(pairs):
            row = self.decode(hash_key, group)
            if row is not None:
                yield row

    def _grouped(self, pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
        group: list[Pair] = []
        row_key = b""
        for pair in pairs:
            # No encoded sort key is a prefix of another, so a common prefix means the same row.
            if group and pair[0].startswith(row_key):
                group.append(pair)
                continue
            if group:
                yield group
            row_key = self.row_key(pair[0])
            group = [pair]
        if group:
            yield group

    # ---- parts -----------------------------------------------------------------------------------

    def _in_order(self, row: RowInput) -> Sequence[object]:
        if type(row) is tuple:  # the common case, before the slow test for a Mapping
            assert len(row) == len(self.schema.columns)
            return row
        if not isinstance(row, Mapping):
            assert len(row) == len(self.schema.columns)
            return row
        return [row.get(column.id, column.default) for column in self.schema.columns]


def _row_packing(layout: RowLayout, places: Mapping[int, int]) -> tuple[RowLayout, _Pick]:
    """Return a layout and what picks its values out of a row in packing order."""
    return layout, _pick([places[layout.columns[place].id] for place in layout.order])


def _pick(indexes: Sequence[int]) -> _Pick:
    """Return the function that picks these places of a sequence as a tuple."""
    match indexes:
        case []:
            return lambda _: ()
        case [index]:
            return lambda values: (values[index],)
        case _:
            return itemgetter(*indexes)


def _map_key(suffix: bytes) -> str:
    try:
        return suffix[1:].decode()
    except UnicodeDecodeError:
        raise _damaged_suffix(suffix) from None


def _damaged_suffix(suffix: bytes) -> InternalError:
    return InternalError(
        f"sort key suffix {suffix[:64].hex()} names no cell of this table",
        sqlstate="XX001",
        hint="The cell is damaged, or was written by something other than this table's driver.",
    )


def _too_long(columns: Sequence[Column], length: int) -> DataError:
    names = ", ".join(f'"{column.name}"' for column in columns)
    return DataError(
        f"columns ({names}) take {length} bytes, limit of one value is {VALUE_BYTES_MAX}",
        sqlstate="54000",
        hint="Store less in the row's TEXT and BLOB columns.",
    )
