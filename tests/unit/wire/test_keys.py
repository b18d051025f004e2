"""Encoded keys at their edges; the general laws are in tests/property/test_wire_keys.py."""

import pytest

from pegasus_tab.base.errors import DataError
from pegasus_tab.wire.errors import RemoteProtocolError
from pegasus_tab.wire.keys import KEYS_END, decode_key, encode_key, hash_key_range, next_key


def test_layout() -> None:
    assert encode_key(b"hash", b"sort") == b"\0\x04hashsort"
    assert encode_key(b"", b"") == b"\0\0"


def test_longest_hash_key() -> None:
    assert decode_key(encode_key(b"h" * 65534, b"s")) == (b"h" * 65534, b"s")


def test_hash_key_too_long() -> None:
    with pytest.raises(DataError, match="65535 bytes is too long") as caught:
        encode_key(b"h" * 65535, b"")
    assert caught.value.hint is not None


@pytest.mark.parametrize("key", [b"", b"\0", b"\0\x03ab", b"\xff\xff" + b"h" * 65535])
def test_not_a_key(key: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match=f"not a row key: {len(key)} bytes"):
        decode_key(key)


@pytest.mark.parametrize(
    ("prefix", "end"),
    [
        (b"\0\x01a", b"\0\x01b"),
        (b"\0\x01\xff", b"\0\x02"),
        (b"\0\x01a\xff\xff", b"\0\x01b"),
        (b"\0\xff\xff", b"\x01"),
        (b"\xff", KEYS_END),
        (b"", KEYS_END),
    ],
)
def test_next_key(prefix: bytes, end: bytes) -> None:
    assert next_key(prefix) == end


def test_hash_key_range() -> None:
    assert hash_key_range(b"user") == (b"\0\x04user", b"\0\x04uses")
    assert hash_key_range(b"") == (b"\0\0", b"\0\x01")
