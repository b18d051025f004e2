"""Value bytes of one MAP cell: the value's bytes alone, without layout id and bitmap.

A MAP<TEXT,TEXT> cell is therefore the text itself, as a plain key-value client writes it.
"""

import struct

from pegasus_tab.base.errors import InternalError
from pegasus_tab.tabular.scalar_field import (
    STRUCT_CODES,
    VARIABLE_KINDS,
    field_packer,
    field_unpacker,
)
from pegasus_tab.tabular.schema import ColumnType, Kind


class Cell:
    """Encodes and decodes the cells of one MAP, compiled from the type of its values."""

    def __init__(self, type_: ColumnType) -> None:
        self.type = type_
        self._struct = (
            None if type_.kind in VARIABLE_KINDS else struct.Struct(f"<{STRUCT_CODES[type_.kind]}")
        )
        self._pack = field_packer(type_)
        self._unpack = field_unpacker(type_)

    def encode(self, value: object) -> bytes:
        """Encode a value in the form of value.py; raises one of FORMAT_ERRORS otherwise."""
        field = value if self._pack is None else self._pack(value)
        if self._struct is None:
            assert isinstance(field, bytes)
            return field
        return self._struct.pack(field)

    def decode(self, data: bytes) -> object:
        """Decode a cell.

        Raises:
            InternalError: the bytes are damaged.
        """
        try:
            if self._struct is None:
                return data.decode() if self.type.kind is Kind.TEXT else data
            (field,) = self._struct.unpack(data)
            return field if self._unpack is None else self._unpack(field)
        except (ValueError, OverflowError, struct.error) as error:
            raise InternalError(
                f"map cell of {len(data)} bytes is not a value of type {self.type}",
                sqlstate="XX001",
                hint="The cell is damaged, or was written by something other than this driver.",
            ) from error
