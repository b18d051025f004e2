"""Arrow columns to key bytes: the columnar twin of KeyEncoding.encode (key_encoding.py)."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pegasus_tab.tabular.arrow_fields import array_field
from pegasus_tab.tabular.key_element import FIXED_KEY_BYTES, KeyElement
from pegasus_tab.tabular.key_encoding import KeyEncoding
from pegasus_tab.tabular.schema import ColumnType, Kind

_SIGN_32 = np.uint32(1 << 31)
_SIGN_64 = np.uint64(1 << 63)
_NAN_BITS = np.uint64(0x7FF8_0000_0000_0000)

_Piece: TypeAlias = pa.Array | npt.NDArray[np.generic] | bytes


def key_array(encoding: KeyEncoding, arrays: Mapping[int, pa.Array]) -> pa.Array:
    """Return the encoded key of every row as a binary array.

    Args:
        encoding: the key's columns.
        arrays: column id -> array of the storage type without nulls.
    """
    pieces: list[_Piece] = []
    for element in encoding.elements:
        pieces += _element_pieces(element, arrays[element.column.id])
    return joined(pieces)


def joined(pieces: Sequence[_Piece]) -> pa.Array:
    """Return the bytes of each row's pieces after each other, as a binary array.

    Args:
        pieces: fixed-width records as a NumPy array, TEXT or BLOB as an Arrow array (NULL is
            empty), or bytes that are the same in every row.
    """
    arrays = [_binary(piece) for piece in pieces]
    if len(arrays) == 1 and not arrays[0].null_count:
        return arrays[0]
    return pc.binary_join_element_wise(
        *arrays, pa.scalar(b""), null_handling="replace", null_replacement=b""
    )


def _binary(piece: _Piece) -> pa.Array | pa.Scalar:
    if isinstance(piece, bytes):
        return pa.scalar(piece, pa.binary())
    if not isinstance(piece, np.ndarray):
        return piece.cast(pa.binary())
    rows = np.ascontiguousarray(piece)
    offsets = np.arange(len(rows) + 1, dtype=np.int64) * rows.dtype.itemsize
    return pa.Array.from_buffers(
        pa.binary(),
        len(rows),
        [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(rows.view(np.uint8))],
    )


def _element_pieces(element: KeyElement, array: pa.Array) -> list[_Piece]:
    if element.column.type.kind in FIXED_KEY_BYTES:
        field = _fixed_element(element.column.type, array)
        if not element.descending:
            return [field]
        width = field.dtype.itemsize
        return [np.invert(np.ascontiguousarray(field).view(np.uint8)).view(f"V{width}")]
    array = array.cast(pa.binary())
    if element.raw:
        return [array]
    if _has_zero_bytes(array):
        array = pc.replace_substring(array, pattern=b"\x00", replacement=b"\x00\xff")
    if element.descending:
        return [_inverted(array), b"\xff\xff"]
    return [array, b"\x00\x00"]


def _fixed_element(type_: ColumnType, array: pa.Array) -> npt.NDArray[np.generic]:
    """Return the ascending elements of a column of fixed width."""
    field = array_field(type_, array)
    match type_.kind:
        case Kind.INT | Kind.DATE:
            return (field.view(np.uint32) ^ _SIGN_32).astype(">u4")
        case Kind.BIGINT | Kind.TIMESTAMP:
            return (field.view(np.uint64) ^ _SIGN_64).astype(">u8")
        case Kind.DOUBLE:
            return _double_elements(field)
        case Kind.DECIMAL:
            digits = field.view(np.uint8).reshape(-1, 16)[:, ::-1].copy()
            digits[:, 0] ^= 0x80
            return digits.reshape(-1).view("V16")
        case _:
            return field  # BOOLEAN and UUID are in order as they are


def _double_elements(field: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    numbers = field.astype(np.float64) + 0.0  # -0.0 + 0.0 is 0.0
    bits = numbers.view(np.uint64)
    bits = np.where(np.isnan(numbers), _NAN_BITS, bits)
    return np.where(bits & _SIGN_64, ~bits, bits | _SIGN_64).astype(">u8")


def _has_zero_bytes(array: pa.Array) -> bool:
    _, offsets, data = array.buffers()
    if data is None or not len(array):
        return False
    bounds = np.frombuffer(offsets, np.int32)
    first, last = bounds[array.offset], bounds[array.offset + len(array)]
    return bool(np.any(np.frombuffer(data, np.uint8)[first:last] == 0))


def _inverted(array: pa.Array) -> pa.Array:
    validity, offsets, data = array.buffers()
    if data is None:
        return array
    inverted = pa.py_buffer(np.invert(np.frombuffer(data, np.uint8)))
    return pa.Array.from_buffers(
        pa.binary(), len(array), [validity, offsets, inverted], offset=array.offset
    )
