"""Thrift binary primitives, and the raw payloads Pegasus puts in place of structs (protocol reference 2).

A ``FieldType`` knows how one type is written and read. Readers take the whole buffer and two
offsets, so nothing is copied but the values themselves, and they never look past ``end``, because
behind it the next frame begins. Counts and lengths are held against the bytes that are there
before anything is allocated.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar

from pegasus_tab.base.ids import Gpid
from pegasus_tab.wire.address import (
    NO_ADDRESS,
    Address,
    pack_rpc_address,
    unpack_rpc_address,
)
from pegasus_tab.wire.errors import RemoteProtocolError

ITEMS_MAX: Final = 100_000
"""Items of one list or map. A struct item can be one byte long and costs a hundred in memory, so
the length of the frame alone is no bound; the largest frame full of real rows stays below this."""

STOP: Final = 0
BOOL: Final = 2
I32_CODE: Final = 8
STRING_CODE: Final = 11
STRUCT: Final = 12
MAP_CODE: Final = 13
SET_CODE: Final = 14
LIST_CODE: Final = 15
FIXED_SIZES: Final = {BOOL: 1, 3: 1, 4: 8, 6: 2, I32_CODE: 4, 10: 8}
"""Type code -> bytes of a value: bool, byte, double, i16, i32, i64."""

_SKIP_DEPTH_MAX: Final = 16

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")


class FieldType(NamedTuple, Generic[T]):
    """How values of one type travel.

    Attributes:
        code: thrift type byte in field and list headers.
        bytes_min: the fewest bytes a value takes, >= 1; bounds the count of a list.
        write: value -> bytes. Raises struct.error or UnicodeEncodeError when it does not fit.
        read: (buffer, offset, end) -> (value, offset behind it). Raises RemoteProtocolError.
    """

    code: int
    bytes_min: int
    write: Callable[[T], bytes]
    read: Callable[[bytes, int, int], tuple[T, int]]

    def __call__(self, field_id: int) -> "FieldPlace":
        """Place this type at a field id of a struct: ``Annotated[int, I32(1)]``."""
        return FieldPlace(field_id, self)


class FieldPlace(NamedTuple):
    """A field's id in its struct, 1 to 32767, and its type."""

    id: int
    type: FieldType[Any]


def cut_short(what: str, at: int, end: int) -> RemoteProtocolError:
    """Describe a value that runs past the end of its frame."""
    return RemoteProtocolError(f"{what} at byte {at} runs past the end of its frame, byte {end}")


def _fixed(code: int, what: str, layout: str) -> FieldType[int]:
    packer = struct.Struct(layout)
    size = packer.size
    unpack_from = packer.unpack_from

    def read(data: bytes, at: int, end: int) -> tuple[int, int]:
        if at + size > end:
            raise cut_short(what, at, end)
        value: int = unpack_from(data, at)[0]
        return value, at + size

    return FieldType(code, size, packer.pack, read)


BOOLEAN: Final[FieldType[bool]] = _fixed(BOOL, "a bool", ">?")  # type: ignore[assignment]  # unpacked by "?"
I32: Final = _fixed(I32_CODE, "an i32", ">i")
I64: Final = _fixed(10, "an i64", ">q")
_U64: Final = _fixed(STRUCT, "an rpc_address", ">Q")


def _write_blob(value: bytes) -> bytes:
    return I32.write(len(value)) + value


def _read_blob(data: bytes, at: int, end: int) -> tuple[bytes, int]:
    length, start = I32.read(data, at, end)
    stop = start + length
    if length < 0 or stop > end:
        raise cut_short(f"a value of {length} bytes", at, end)
    return data[start:stop], stop


def _write_string(value: str) -> bytes:
    return _write_blob(value.encode())


def _read_string(data: bytes, at: int, end: int) -> tuple[str, int]:
    raw, stop = _read_blob(data, at, end)
    try:
        return raw.decode(), stop
    except UnicodeDecodeError as fault:
        raise RemoteProtocolError(f"the text at byte {at} is not UTF-8: {fault.reason}") from fault


BLOB: Final = FieldType(STRUCT, 4, _write_blob, _read_blob)
STRING: Final = FieldType(STRING_CODE, 4, _write_string, _read_string)
ERROR_CODE: Final = FieldType(STRUCT, 4, _write_string, _read_string)


def _write_gpid(gpid: Gpid) -> bytes:
    return struct.pack(">ii", gpid.partition_index, gpid.app_id)


def _read_gpid(data: bytes, at: int, end: int) -> tuple[Gpid, int]:
    if at + 8 > end:
        raise cut_short("a gpid", at, end)
    partition_index, app_id = struct.unpack_from(">ii", data, at)
    return Gpid(app_id, partition_index), at + 8


def _write_rpc_address(address: Address) -> bytes:
    return _U64.write(pack_rpc_address(address))


def _read_rpc_address(data: bytes, at: int, end: int) -> tuple[Address, int]:
    number, at = _U64.read(data, at, end)
    return unpack_rpc_address(number), at


def _write_host_port(address: Address) -> bytes:
    return _write_string(address.host) + struct.pack(">HB", address.port, 1 if address else 0)


def _read_host_port(data: bytes, at: int, end: int) -> tuple[Address, int]:
    host, at = _read_string(data, at, end)
    if at + 3 > end:
        raise cut_short("a host_port", at, end)
    port, kind = struct.unpack_from(">HB", data, at)
    return (Address(host, port) if kind == 1 else NO_ADDRESS), at + 3


GPID: Final = FieldType(STRUCT, 8, _write_gpid, _read_gpid)
RPC_ADDRESS: Final = FieldType(STRUCT, 8, _write_rpc_address, _read_rpc_address)
HOST_PORT: Final = FieldType(STRUCT, 7, _write_host_port, _read_host_port)


def _read_count(data: bytes, at: int, end: int, bytes_min: int) -> tuple[int, int]:
    count, start = I32.read(data, at, end)
    if not 0 <= count <= ITEMS_MAX:
        raise RemoteProtocolError(f"{count} items at byte {at}, expected 0 to {ITEMS_MAX}")
    if count * bytes_min > end - start:
        raise cut_short(f"a list of {count} items", at, end)
    return count, start


def list_of(item: FieldType[T]) -> FieldType[Sequence[T]]:
    """Make the type of a list; it is read as a tuple."""
    item_read = item.read

    def write(values: Sequence[T]) -> bytes:
        head = struct.pack(">Bi", item.code, len(values))
        return head + b"".join(map(item.write, values))

    def read(data: bytes, at: int, end: int) -> tuple[Sequence[T], int]:
        count, start = _read_count(data, at + 1, end, item.bytes_min)
        if count and data[at] != item.code:
            raise RemoteProtocolError(f"list at byte {at} of type {data[at]}, not {item.code}")
        at = start
        values = []
        for _ in range(count):
            value, at = item_read(data, at, end)
            values.append(value)
        return tuple(values), at

    return FieldType(LIST_CODE, 5, write, read)


def map_of(key: FieldType[K], value: FieldType[V]) -> FieldType[Mapping[K, V]]:
    """Make the type of a map; it is read as a dict."""
    codes = bytes((key.code, value.code))

    def write(pairs: Mapping[K, V]) -> bytes:
        head = codes + I32.write(len(pairs))
        return head + b"".join(key.write(k) + value.write(v) for k, v in pairs.items())

    def read(data: bytes, at: int, end: int) -> tuple[Mapping[K, V], int]:
        count, start = _read_count(data, at + 2, end, key.bytes_min + value.bytes_min)
        if count and data[at : at + 2] != codes:
            raise RemoteProtocolError(f"map at byte {at} of types {data[at : at + 2].hex()}")
        at = start
        pairs: dict[K, V] = {}
        for _ in range(count):
            k, at = key.read(data, at, end)
            pairs[k], at = value.read(data, at, end)
        return pairs, at

    return FieldType(MAP_CODE, 6, write, read)


def skip(code: int, data: bytes, at: int, end: int, depth: int = 0) -> int:
    """Step over a value of an ordinary type, one that a newer peer knows and we do not.

    Args:
        code: its thrift type byte.
        data: the buffer.
        at: offset of the value.
        end: where its frame ends.
        depth: how many containers it lies in.

    Returns:
        The offset behind the value.

    Raises:
        RemoteProtocolError: not a type, nested too deep, or past the end.
    """
    if depth > _SKIP_DEPTH_MAX:
        raise RemoteProtocolError(f"unknown field at byte {at} nests deeper than {_SKIP_DEPTH_MAX}")
    match code:
        case _ if code in FIXED_SIZES:
            at += FIXED_SIZES[code]
        case 11:  # STRING_CODE
            _, at = _read_blob(data, at, end)
        case 12:  # STRUCT
            at = _skip_struct(data, at, end, depth)
        case 13 | 14 | 15:  # MAP_CODE, SET_CODE, LIST_CODE
            at = _skip_items(code, data, at, end, depth)
        case _:
            raise RemoteProtocolError(f"{code} before byte {at} is not a thrift type")
    if at > end:
        raise cut_short("an unknown field", at, end)
    return at


def _skip_struct(data: bytes, at: int, end: int, depth: int) -> int:
    while at < end and data[at] != STOP:
        at = skip(data[at], data, at + 3, end, depth + 1)
    return at + 1


def _skip_items(code: int, data: bytes, at: int, end: int, depth: int) -> int:
    width = 2 if code == MAP_CODE else 1
    item_codes = data[at : at + width]
    count, at = _read_count(data, at + width, end, width)
    if width == 1 and item_codes[0] in FIXED_SIZES:
        return at + count * FIXED_SIZES[item_codes[0]]
    for _ in range(count):
        for item_code in item_codes:
            at = skip(item_code, data, at, end, depth + 1)
    return at
