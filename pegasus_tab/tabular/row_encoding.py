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
from collections.abc import Sequence
from itertools import accumulate

from pegasus_tab.base.errors import IntegrityError, InternalError
from pegasus_tab.tabular.scalar_field import (
    STRUCT_CODES,
    VARIABLE_KINDS,
    exact_bytes,
    field_packer,
    field_unpacker,
)
from pegasus_tab.tabular.schema import Column, Kind, Layout

LAYOUT_ID_BYTES = 2
_ZEROS = {Kind.DOUBLE: 0.0, Kind.DECIMAL: bytes(16), Kind.UUID: bytes(16)}


class RowLayout:
    """One layout, compiled: packs the layout's columns to bytes and back.

    Invariant: ``fixed_bytes`` is the offset of the first variable byte; a value with no variable
    column is exactly that long.
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
        self.null_bytes = (len(columns) + 7) // 8
        codes = "".join(STRUCT_CODES[columns[i].type.kind] for i in self.fixed)
        self._struct = struct.Struct(f"<H{self.null_bytes}s{codes}{len(self.variable)}I")
        self.fixed_bytes = self._struct.size
        self._no_nulls = bytes(self.null_bytes)
        self._zeros = tuple(_ZEROS.get(columns[i].type.kind, 0) for i in self.fixed)
        self._packers = tuple(
            (slot, place, packer)
            for slot, place in enumerate(self.fixed)
            if (packer := field_packer(columns[place].type)) is not None
        )
        self._unpackers = tuple(
            (slot, unpacker)
            for slot, place in enumerate(self.fixed)
            if (unpacker := field_unpacker(columns[place].type)) is not None
        )
        self._texts = tuple(columns[i].type.kind is Kind.TEXT for i in self.variable)
        self.decoded_order = self.fixed + self.variable
        """Places (indexes into ``columns``) in the order in which ``decode`` returns values."""
        self._null_masks = tuple(1 << place for place in self.decoded_order)

    def encode(self, values: Sequence[object]) -> bytes:
        """Pack values given in layout order, each in the form of value.py or None.

        Raises:
            IntegrityError: None in a NOT NULL column (SQLSTATE 23502).
            one of scalar_field.FORMAT_ERRORS: a value is not in that form.
        """
        if None in values:
            nulls, fields, variable = self._with_nulls(values)
        else:
            nulls = self._no_nulls
            fields = [values[place] for place in self.fixed]
            for slot, place, pack in self._packers:
                fields[slot] = pack(values[place])
            variable = [
                values[place].encode() if text else exact_bytes(values[place])  # type: ignore[attr-defined]  # checked by FORMAT_ERRORS
                for place, text in zip(self.variable, self._texts, strict=True)
            ]
        if not variable:
            return self._struct.pack(self.id, nulls, *fields)
        head = self._struct.pack(self.id, nulls, *fields, *accumulate(map(len, variable)))
        return head + b"".join(variable)

    def _with_nulls(self, values: Sequence[object]) -> tuple[bytes, list[object], list[bytes]]:
        nulls = 0
        for place, value in enumerate(values):
            if value is None:
                if self.columns[place].not_null:
                    raise null_in_column(self.columns[place])
                nulls |= 1 << place
        fields = list(self._zeros)
        for slot, place in enumerate(self.fixed):
            if values[place] is not None:
                fields[slot] = values[place]
        for slot, place, pack in self._packers:
            if values[place] is not None:
                fields[slot] = pack(values[place])
        variable = []
        for place, text in zip(self.variable, self._texts, strict=True):
            value = values[place]
            if value is None:
                variable.append(b"")
            else:
                variable.append(value.encode() if text else exact_bytes(value))  # type: ignore[attr-defined]  # checked by FORMAT_ERRORS
        return nulls.to_bytes(self.null_bytes, "little"), fields, variable

    def decode(self, data: bytes) -> list[object]:
        """Unpack the value bytes.

        Returns:
            Values in ``decoded_order``: the fixed-width columns, then the variable ones.

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
        slot = len(self.fixed)
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
