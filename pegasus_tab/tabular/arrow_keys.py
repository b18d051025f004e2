"""Keys to Arrow columns: the columnar twin of KeyEncoding.decode (key_encoding.py)."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pegasus_tab.base.errors import InternalError
from pegasus_tab.tabular.arrow_bytes import ByteRows, Mask, Offsets, cut, records, retyped
from pegasus_tab.tabular.arrow_fields import field_array
from pegasus_tab.tabular.arrow_types import storage_type
from pegasus_tab.tabular.key_element import FIXED_KEY_BYTES, KeyElement
from pegasus_tab.tabular.row_keys import RowKeys
from pegasus_tab.tabular.schema import Kind

_SIGN_32 = np.uint32(1 << 31)
_SIGN_64 = np.uint64(1 << 63)


class KeyRows:
    """Whole keys (u16 length, hash key, sort key) of many pairs, taken apart.

    Attributes:
        keys: the keys.
        row_ends: offset behind each pair's encoded sort columns; what follows is the family suffix.
    """

    def __init__(self, keys: ByteRows, row_keys: RowKeys) -> None:
        """Find where every element of every key begins and ends.

        Raises:
            InternalError: a key is not one of this table.
        """
        self.keys = keys
        self._bounds: dict[int, tuple[KeyElement, Offsets, Offsets]] = {}
        self._escaped: dict[int, Mask] = {}
        if keys.shorter_than(2):
            raise _damaged("is shorter than its header")
        lengths = records(keys.buffer, keys.starts, ">u2").astype(np.int64)
        position = keys.starts + 2
        hash_ends = position + lengths
        if np.any(hash_ends > keys.ends):
            raise _damaged("is shorter than its hash key")
        position = self._take_apart(row_keys.hash_encoding.elements, position, hash_ends)
        if np.any(position != hash_ends):
            raise _damaged("has bytes left behind its hash columns")
        self.row_ends = self._take_apart(row_keys.sort_encoding.elements, position, keys.ends)

    def _take_apart(
        self, elements: Sequence[KeyElement], position: Offsets, limits: Offsets
    ) -> Offsets:
        for element in elements:
            width = FIXED_KEY_BYTES.get(element.column.type.kind)
            if width is not None:
                ends, following = position + width, position + width
            elif element.raw:
                ends, following = limits, limits
            else:
                ends = self._terminators(element, position, limits)
                following = ends + 2
            if np.any(following > limits):
                raise _damaged(f'ends inside column "{element.column.name}"')
            self._bounds[element.column.id] = (element, position, ends)
            position = following
        return position

    def _terminators(self, element: KeyElement, position: Offsets, limits: Offsets) -> Offsets:
        """Return where each row's escaped element ends, noting the rows that have escapes."""
        data = np.frombuffer(self._data(descending=element.descending), np.uint8)
        zeros = self._zeros_inverted if element.descending else self._zeros
        ends = position.copy()
        cursor = position.copy()
        pending = np.arange(len(position))
        escaped = np.zeros(len(position), np.bool_)
        # One turn finds the terminator of every text without a zero byte; only rows whose text
        # has zero bytes stay for another turn.
        while len(pending):
            found = np.searchsorted(zeros, cursor[pending])
            if np.any(found >= len(zeros)):
                raise _damaged(f'has no end of column "{element.column.name}"')
            zero = zeros[found]
            if np.any(zero + 2 > limits[pending]):
                raise _damaged(f'has no end of column "{element.column.name}"')
            second = data[zero + 1]
            if np.any((second != 0) & (second != 255)):
                raise _damaged(f'has a bad escape in column "{element.column.name}"')
            ends[pending] = zero
            again = second == 255
            pending = pending[again]
            cursor[pending] = zero[again] + 2
            escaped[pending] = True
        self._escaped[element.column.id] = escaped
        return ends

    def _data(self, *, descending: bool) -> bytes:
        return self._inverted if descending else self.keys.buffer

    @cached_property
    def _inverted(self) -> bytes:
        return np.invert(np.frombuffer(self.keys.buffer, np.uint8)).tobytes()

    @cached_property
    def _zeros(self) -> Offsets:
        return np.flatnonzero(np.frombuffer(self.keys.buffer, np.uint8) == 0)

    @cached_property
    def _zeros_inverted(self) -> Offsets:
        return np.flatnonzero(np.frombuffer(self.keys.buffer, np.uint8) == 255)

    def column(self, id_: int, rows: npt.NDArray[np.int64] | Mask | None = None) -> pa.Array:
        """Return a key column in its storage type.

        Args:
            id_: the column's id.
            rows: which pairs to take, ascending numbers or a mask; None for all.

        Raises:
            InternalError: a value is none of the column's type.
        """
        element, starts, ends = self._bounds[id_]
        escaped = self._escaped.get(id_)
        if rows is not None:
            starts, ends = starts[rows], ends[rows]
            escaped = None if escaped is None else escaped[rows]
        if element.column.type.kind in FIXED_KEY_BYTES:
            return _fixed_column(element, self._data(descending=element.descending), starts)
        array = cut(self._data(descending=element.descending), starts, ends)
        if escaped is not None and escaped.any():
            array = pc.replace_substring(array, pattern=b"\x00\xff", replacement=b"\x00")
        if element.column.type.kind is Kind.TEXT:
            return checked_text(array)
        return array

    def suffixes(self) -> ByteRows:
        """Return each pair's family suffix, empty for family 0."""
        return ByteRows(self.keys.buffer, self.row_ends, self.keys.ends)

    def first_of_rows(self) -> Mask:
        """Return True for each pair that belongs to another row than the pair before it."""
        rows = cut(self.keys.buffer, self.keys.starts, self.row_ends)
        first = np.ones(len(rows), np.bool_)
        if len(rows) > 1:
            differs = pc.not_equal(rows.slice(1), rows.slice(0, len(rows) - 1))
            first[1:] = differs.to_numpy(zero_copy_only=False)
        return first


def checked_text(array: pa.Array, valid: Mask | None = None) -> pa.Array:
    """Return a binary array without nulls as a string array, with nulls put in.

    Raises:
        InternalError: a value is no UTF-8.
    """
    text = retyped(array, pa.string(), valid)
    try:
        text.validate(full=True)
    except pa.ArrowInvalid as error:
        raise _damaged("or a value holds TEXT that is no UTF-8") from error
    return text


def _fixed_column(element: KeyElement, data: bytes, starts: Offsets) -> pa.Array:
    type_ = element.column.type
    match type_.kind:
        case Kind.INT | Kind.DATE:
            narrow = records(data, starts, ">u4").astype(np.uint32) ^ _SIGN_32
            return field_array(type_, narrow.view("<i4"))
        case Kind.BIGINT | Kind.TIMESTAMP:
            wide = records(data, starts, ">u8").astype(np.uint64) ^ _SIGN_64
            return field_array(type_, wide.view("<i8"))
        case Kind.DOUBLE:
            bits = records(data, starts, ">u8").astype(np.uint64)
            bits = np.where(bits & _SIGN_64, bits ^ _SIGN_64, ~bits)
            return field_array(type_, bits.view("<f8"))
        case Kind.DECIMAL:
            digits = records(data, starts, "V16").view(np.uint8).reshape(-1, 16)[:, ::-1].copy()
            digits[:, 15] ^= 0x80
            return field_array(type_, digits.reshape(-1).view("V16"))
        case Kind.UUID:
            return field_array(type_, records(data, starts, "V16"))
        case Kind.BOOLEAN:
            flags = records(data, starts, "u1")
            if np.any(flags > 1):
                raise _damaged(f'has no truth value in column "{element.column.name}"')
            return field_array(type_, flags)
        case kind:
            raise AssertionError(f"{storage_type(type_)} of {kind} has no fixed width")


def _damaged(what: str) -> InternalError:
    return InternalError(
        f"a key of the table {what}",
        sqlstate="XX001",
        hint="A row is damaged, or was written by something other than this table's driver.",
    )
