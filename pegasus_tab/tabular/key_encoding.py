"""Order-preserving key bytes: comparing encoded keys byte by byte compares the values.

One element per column, self-delimiting, so that no encoded key is a prefix of another with the
same columns (DESIGN.md 2):

=========  =======================================================================================
BOOLEAN    1 byte, 0 or 1
INT, DATE  4 bytes big-endian, sign bit flipped (DATE: days since 1970-01-01)
BIGINT,    8 bytes big-endian, sign bit flipped (TIMESTAMP: microseconds since 1970-01-01 UTC)
TIMESTAMP
DOUBLE     8 bytes big-endian IEEE 754; the sign bit flipped when clear, all bits when set.
           -0.0 is stored as 0.0; every NaN is one NaN that sorts after infinity, as in PostgreSQL
DECIMAL    the unscaled integer in 16 bytes big-endian, sign bit flipped
UUID       16 bytes
TEXT, BLOB bytes (TEXT: UTF-8), 00 written as 00 FF, ended by 00 00
=========  =======================================================================================

A descending column has every bit of its element inverted. A raw element (the last TEXT or BLOB
column of a hash key) is the bytes alone and runs to the end, so that plain key-value clients see
the same key. MAP has no order and cannot be in a key; NULL neither.
"""

import struct
from collections.abc import Sequence

from pegasus_tab.base.errors import IntegrityError, InternalError
from pegasus_tab.tabular.key_element import KeyElement, element_decoder, element_encoder
from pegasus_tab.tabular.schema import Column
from pegasus_tab.tabular.value import coerce_column


class KeyEncoding:
    """Encodes and decodes the columns of one key; compiled once per schema.

    Invariants: only the last element may be raw; a raw element is never descending.
    """

    def __init__(self, elements: Sequence[KeyElement]) -> None:
        assert not any(element.raw for element in elements[:-1])
        assert not any(element.raw and element.descending for element in elements)
        self.elements = tuple(elements)
        self._encoders = tuple(element_encoder(element) for element in elements)
        self._decoders = tuple(element_decoder(element) for element in elements)

    def encode(self, values: Sequence[object]) -> bytes:
        """Encode values in element order; fewer values than elements give the key's prefix.

        Args:
            values: in the form of value.py; other accepted forms work too, only slower.

        Raises:
            IntegrityError: a value is None (SQLSTATE 23502).
            DataError: a value does not fit its column.
        """
        try:
            if len(values) == 1:
                return self._encoders[0](values[0])
            return b"".join(
                [encode(value) for encode, value in zip(self._encoders, values, strict=False)]
            )
        except (TypeError, AttributeError, ValueError, OverflowError, struct.error):
            return b"".join(
                [self.encode_element(place, value) for place, value in enumerate(values)]
            )

    def encode_element(self, place: int, value: object) -> bytes:
        """Encode the one element at ``place``; raises as ``encode``."""
        try:
            return self._encoders[place](value)
        except (TypeError, AttributeError, ValueError, OverflowError, struct.error):
            if value is None:
                raise null_in_key(self.elements[place].column) from None
            return self._encoders[place](coerce_column(self.elements[place].column, value))

    def decode(self, data: bytes, offset: int = 0) -> tuple[list[object], int]:
        """Decode every element from ``offset`` on.

        Returns:
            The values in element order, and the offset behind the last element.

        Raises:
            InternalError: the bytes are no key of these columns.
        """
        values = []
        try:
            for decode in self._decoders:
                value, offset = decode(data, offset)
                values.append(value)
        except (ValueError, OverflowError, ArithmeticError, struct.error) as error:
            raise self._damaged(data, len(values)) from error
        return values, offset

    def _damaged(self, data: bytes, index: int) -> InternalError:
        column = self.elements[index].column
        return InternalError(
            f'key bytes {data[:64].hex()} are not a key of this table: column "{column.name}" '
            f"({column.type}) cannot be read",
            sqlstate="XX001",
            hint="The row was written by something other than this table's driver.",
        )


def null_in_key(column: Column) -> IntegrityError:
    """Return the error for a NULL in a key column."""
    return IntegrityError(
        f'null value in key column "{column.name}"',
        sqlstate="23502",
        hint="Key columns cannot be NULL.",
    )


def prefix_successor(prefix: bytes) -> bytes | None:
    """Return the smallest bytes above everything that begins with ``prefix``; None if there are none.

    Protocol reference 5.1, ``next(k)``.
    """
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else None
