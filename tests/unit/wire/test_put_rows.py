"""Rows as columns: there and back, and what is no such rows."""

import struct

import hypothesis.strategies as st
import pytest
from hypothesis import given

from pegasus_tab.wire.errors import RemoteProtocolError
from pegasus_tab.wire.put_rows import decode_rows, encode_rows, join_columns

ROWS = st.lists(st.tuples(st.binary(max_size=5), st.binary(max_size=9)), max_size=6)


@given(ROWS)
def test_rows_come_back(rows: list[tuple[bytes, bytes]]) -> None:
    keys, values = [key for key, _ in rows], [value for _, value in rows]
    assert decode_rows(encode_rows(keys, values)) == (keys, values)


def test_columns_laid_out_already() -> None:
    key_ends, value_ends = struct.pack("<2I", 1, 3), struct.pack("<2I", 0, 2)
    assert join_columns(2, key_ends, value_ends, b"abc", b"xy") == encode_rows(
        [b"a", b"bc"], [b"", b"xy"]
    )


@given(st.binary(max_size=40))
def test_other_bytes_are_refused_or_are_rows(rows: bytes) -> None:
    try:
        keys, values = decode_rows(rows)
    except RemoteProtocolError:
        return
    assert encode_rows(keys, values) == rows


@given(ROWS.filter(bool), st.data())
def test_changed_ends_are_noticed(rows: list[tuple[bytes, bytes]], data: st.DataObject) -> None:
    encoded = bytearray(encode_rows([key for key, _ in rows], [value for _, value in rows]))
    place = data.draw(st.integers(4, 4 + 8 * len(rows) - 1))
    encoded[place] ^= data.draw(st.integers(1, 255))
    try:
        keys, values = decode_rows(bytes(encoded))
    except RemoteProtocolError:
        return
    assert encode_rows(keys, values) == encoded


@pytest.mark.parametrize(
    "rows",
    [
        b"",
        b"\1",
        struct.pack("<I", 0xFFFF_FFFF),
        struct.pack("<I", 0) + b"x",
        struct.pack("<5I", 2, 3, 1, 0, 0) + b"abc",
        struct.pack("<3I", 1, 0, 1),
    ],
)
def test_what_is_no_rows(rows: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_rows(rows)
