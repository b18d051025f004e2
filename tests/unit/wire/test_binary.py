"""Bounds of the primitives: a count or a length is believed only as far as the bytes reach."""

import struct
import tracemalloc
from typing import Any

import pytest

from pegasus_tab.base.ids import Gpid
from pegasus_tab.wire.address import NO_ADDRESS, Address
from pegasus_tab.wire.binary import (
    BLOB,
    BOOLEAN,
    GPID,
    HOST_PORT,
    I32,
    I64,
    ITEMS_MAX,
    RPC_ADDRESS,
    STRING,
    FieldType,
    list_of,
    map_of,
    skip,
)
from pegasus_tab.wire.errors import RemoteProtocolError
from pegasus_tab.wire.messages import ClusterInfoRequest, KeyValue
from pegasus_tab.wire.thrift_struct import struct_of

I32S = list_of(I32)
ROWS = list_of(struct_of(KeyValue))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (BOOLEAN, True),
        (I32, -1),
        (I64, 1),
        (BLOB, b"ab"),
        (STRING, "ab"),
        (GPID, Gpid(2, 3)),
        (RPC_ADDRESS, Address("127.0.0.1", 34801)),
        (HOST_PORT, Address("node", 34801)),
        (I32S, (1, 2)),
        (map_of(STRING, I32), {"a": 1}),
    ],
)
def test_a_value_ends_where_its_frame_ends(kind: FieldType[Any], value: object) -> None:
    data = kind.write(value)

    assert kind.read(data, 0, len(data)) == (value, len(data))
    for end in range(len(data)):
        with pytest.raises(RemoteProtocolError, match="runs past the end"):
            kind.read(data, 0, end)


@pytest.mark.parametrize("length", [-1, 3, 2**31 - 1, -(2**31)])
def test_blob_length_is_held_against_the_bytes(length: int) -> None:
    data = struct.pack(">i", length) + b"ab"

    with pytest.raises(RemoteProtocolError, match=f"value of {length} bytes"):
        BLOB.read(data, 0, len(data))


@pytest.mark.parametrize("count", [-1, 3, 2**31 - 1])
def test_list_count_is_held_against_the_bytes(count: int) -> None:
    data = struct.pack(">Biii", 8, count, 1, 2)

    with pytest.raises(RemoteProtocolError, match=f"{count} items"):
        I32S.read(data, 0, len(data))


def test_many_tiny_items_are_refused_before_any_is_made() -> None:
    data = struct.pack(">Bi", 12, 4_000_000) + bytes(4_000_000)
    tracemalloc.start()
    with pytest.raises(RemoteProtocolError, match=f"expected 0 to {ITEMS_MAX}"):
        ROWS.read(data, 0, len(data))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 100_000


def test_list_of_another_type_is_refused() -> None:
    data = list_of(BLOB).write([b"abcd"])

    with pytest.raises(RemoteProtocolError, match="of type 12, not 8"):
        I32S.read(data, 0, len(data))


def test_map_of_other_types_is_refused() -> None:
    data = map_of(STRING, I64).write({"a": 1})

    with pytest.raises(RemoteProtocolError, match="map at byte 0 of types 0b0a"):
        map_of(STRING, I32).read(data, 0, len(data))


def test_empty_list_may_be_of_any_type() -> None:
    assert I32S.read(b"\0\0\0\0\0", 0, 5) == ((), 5)


def test_text_must_be_utf8() -> None:
    with pytest.raises(RemoteProtocolError, match="not UTF-8"):
        STRING.read(b"\0\0\0\1\xff", 0, 5)


def test_rpc_address_bytes() -> None:
    data = bytes.fromhex("7f00000187f10001")

    assert RPC_ADDRESS.write(Address("127.0.0.1", 34801)) == data
    assert RPC_ADDRESS.write(NO_ADDRESS) == bytes(8)
    assert RPC_ADDRESS.read(bytes(8), 0, 8) == (NO_ADDRESS, 8)


def test_rpc_address_of_a_group_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="type 2"):
        RPC_ADDRESS.read(bytes.fromhex("7f00000187f10002"), 0, 8)


def test_host_port_of_no_server() -> None:
    assert HOST_PORT.read(HOST_PORT.write(NO_ADDRESS), 0, 7) == (NO_ADDRESS, 7)


@pytest.mark.parametrize(
    ("kind", "smallest"),
    [
        (BOOLEAN, False),
        (I32, 0),
        (I64, 0),
        (BLOB, b""),
        (STRING, ""),
        (GPID, Gpid(0, 0)),
        (RPC_ADDRESS, NO_ADDRESS),
        (HOST_PORT, NO_ADDRESS),
        (I32S, ()),
        (map_of(STRING, I32), {}),
        (struct_of(ClusterInfoRequest), ClusterInfoRequest()),
    ],
)
def test_a_list_may_hold_the_smallest_values(kind: FieldType[Any], smallest: object) -> None:
    data = list_of(kind).write([smallest] * 3)

    assert list_of(kind).read(data, 0, len(data)) == ((smallest,) * 3, len(data))
    assert len(kind.write(smallest)) == kind.bytes_min


@pytest.mark.parametrize(
    ("code", "size"), [(2, 1), (3, 1), (4, 8), (6, 2), (8, 4), (10, 8)], ids=str
)
def test_skip_steps_over_numbers_and_lists_of_them(code: int, size: int) -> None:
    items = struct.pack(">Bi", code, 3) + bytes(3 * size)

    assert skip(code, bytes(20), 5, 20) == 5 + size
    assert skip(15, items + b"rest", 0, len(items) + 4) == len(items)
    with pytest.raises(RemoteProtocolError, match="runs past the end"):
        skip(15, items, 0, len(items) - 1)


@pytest.mark.parametrize("code", [0, 1, 5, 7, 9, 16, 255])
def test_skip_refuses_what_is_no_type(code: int) -> None:
    with pytest.raises(RemoteProtocolError, match="not a thrift type"):
        skip(code, bytes(10), 0, 10)


def test_skip_refuses_deep_nesting() -> None:
    data = b"\x0c\0\1" * 1000

    with pytest.raises(RemoteProtocolError, match="nests deeper"):
        skip(12, data, 0, len(data))


def test_skip_of_a_map_steps_over_keys_and_values() -> None:
    data = map_of(STRING, I64).write({"a": 1, "bc": 2}) + b"rest"

    assert skip(13, data, 0, len(data)) == len(data) - 4
