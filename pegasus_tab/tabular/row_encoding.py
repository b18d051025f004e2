"""Value bytes of one family of a row, packed by a layout (DESIGN.md 2).

======================  ==========================================================================
u16                     layout id
null bitmap             one bit per column of the layout, bit 0 of byte 0 first; 1 means NULL
fixed-width columns     little-endian as in Arrow, at fixed offsets, in layout order; a NULL is zeros:
                        BOOLEAN 1 byte, INT and DATE (days) 4, BIGINT, DOUBLE and TIMESTAMP (us) 8,
                        DECIMAL 16 (two's complement of the unscaled integer), UUID 16
u32 per variable        end offsets of the TEXT and BLOB columns in layout order, counted from the
column                  first variable byte; a NULL is empty
bytes                   the variable columns' bytes
======================  ==========================================================================

All integers are little-endian. Fixed offsets let a batch of rows become Arrow columns without a
loop over cells (arrow_rows.py).
"""

import struct
from collections.abc import Callable, Sequence
from itertools import accumulate

from pegasus_tab.base.errors import IntegrityError, InternalError
from pegasus_tab.tabular.scalar_field import (
    NULL_FILLERS,
    STRUCT_CODES,
    VARIABLE_KINDS,
    Conversion,
    field_packer,
    field_unpacker,
)
from pegasus_tab.tabular.schema import Column, ColumnType, Kind, Layout

LAYOUT_ID_BYTES = 2


class RowLayout:
    """One layout, compiled: packs the layout's columns to bytes and back.

    Attributes:
        id: the layout's id.
        columns: its columns in layout order.
        fixed: places in ``columns`` of the fixed-width columns.
        variable: places of the TEXT and BLOB columns.
        order: ``fixed + variable``: the order in which values are packed and unpacked.
        null_bytes: length of the null bitmap.
        fixed_bytes: offset of the first variable byte; a value without variable columns is exactly
            that long.
    """

    def __init__(self, layout: Layout, columns: Sequence[Column]) -> None:
        """Compile.

        Args:
            layout: the layout.
            columns: the columns its ids name, in the same order (dropped ones included).
        """
        assert tuple(column.id for column in columns) == layout.columns
        self.id = layout.id
        self.columns = tuple(columns)
        places = range(len(columns))
        self.fixed = tuple(i for i in places if columns[i].type.kind not in VARIABLE_KINDS)
        self.variable = tuple(i for i in places if columns[i].type.kind in VARIABLE_KINDS)
        self.order = self.fixed + self.variable
        self.null_bytes = (len(columns) + 7) // 8
        codes = "".join(STRUCT_CODES[columns[i].type.kind] for i in self.fixed)
        self._struct = struct.Struct(f"<H{self.null_bytes}s{codes}{len(self.variable)}I")
        self.fixed_bytes = self._struct.size
        self._fixed_count = len(self.fixed)
        self._no_nulls = bytes(self.null_bytes)
        self._null_masks = tuple(1 << place for place in self.order)
        types = [columns[place].type for place in self.order]
        self._fillers = tuple(NULL_FILLERS[type_.kind] for type_ in types)
        self._packers = _conversions(types, field_packer)
        self._unpackers = _conversions(types[: self._fixed_count], field_unpacker)
        self._texts = tuple(columns[place].type.kind is Kind.TEXT for place in self.variable)

    def encode(self, values: Sequence[object]) -> bytes:
        """Pack values given in ``order``, each in the form of value.py or None.

        Raises:
            IntegrityError: None in a NOT NULL column (SQLSTATE 23502).
            one of scalar_field.FORMAT_ERRORS: a value is not in that form.
        """
        nulls = self._no_nulls
        if None in values:
            nulls = self._null_bitmap(values)
            fields = [
                filler if value is None else value
                for value, filler in zip(values, self._fillers, strict=True)
            ]
        else:
            fields = list(values)
        for slot, pack in self._packers:
            fields[slot] = pack(fields[slot])
        if not self.variable:
            return self._struct.pack(self.id, nulls, *fields)
        count = self._fixed_count
        variable: list[bytes] = fields[count:]  # type: ignore[assignment]  # packed just above
        ends = accumulate(map(len, variable))
        return self._struct.pack(self.id, nulls, *fields[:count], *ends) + b"".join(variable)

    def _null_bitmap(self, values: Sequence[object]) -> bytes:
        nulls = 0
        for slot, value in enumerate(values):
            if value is None:
                column = self.columns[self.order[slot]]
                if column.not_null:
                    raise null_in_column(column)
                nulls |= self._null_masks[slot]
        return nulls.to_bytes(self.null_bytes, "little")

    def decode(self, data: bytes) -> list[object]:
        """Unpack the value bytes.

        Returns:
            Values in ``order``.

        Raises:
            InternalError: the bytes are damaged.
        """
        try:
            _, nulls, *values = self._struct.unpack_from(data)
            for slot, unpack in self._unpackers:
                values[slot] = unpack(values[slot])
            self._cut_variable(data, values)
        except (ValueError, OverflowError, struct.error) as error:
            raise damaged_value(data) from error
        if nulls != self._no_nulls:
            self._set_nulls(int.from_bytes(nulls, "little"), values)
        return values

    def _cut_variable(self, data: bytes, values: list[object]) -> None:
        """Replace the end offsets at the end of ``values`` by the bytes they delimit."""
        start = self.fixed_bytes
        slot = self._fixed_count
        for is_text in self._texts:
            end: int = self.fixed_bytes + values[slot]  # type: ignore[operator]  # an unpacked u32
            if end < start:
                raise ValueError("end offsets fall")
            values[slot] = data[start:end].decode() if is_text else data[start:end]
            start = end
            slot += 1
        if start != len(data):
            raise ValueError("length")

    def _set_nulls(self, nulls: int, values: list[object]) -> None:
        for slot, mask in enumerate(self._null_masks):
            if nulls & mask:
                values[slot] = None


def _conversions(
    types: Sequence[ColumnType], conversion: Callable[[ColumnType], Conversion | None]
) -> tuple[tuple[int, Conversion], ...]:
    """Return (slot, conversion) for the types that need one."""
    found = ((slot, conversion(type_)) for slot, type_ in enumerate(types))
    return tuple((slot, convert) for slot, convert in found if convert is not None)


def damaged_value(data: bytes) -> InternalError:
    """Return the error for value bytes that cannot be read."""
    return InternalError(
        f"value of {len(data)} bytes beginning with {data[:16].hex()} is not a row of this table",
        sqlstate="XX001",
        hint="The row is damaged, or was written by something other than this table's driver.",
    )


def null_in_column(column: Column) -> IntegrityError:
    """Return the error for a NULL in a NOT NULL column."""
    return IntegrityError(
        f'null value in column "{column.name}", which is NOT NULL',
        sqlstate="23502",
        hint="Give the column a value, or a DEFAULT.",
    )
