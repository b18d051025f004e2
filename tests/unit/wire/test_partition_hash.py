"""Every row of the protocol reference's table 5.3."""

import pytest

from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.partition_hash import encoded_key_hash, partition_hash, partition_index

TABLE = [
    (b"", 0x0000000000000000, 0, 0, 0),
    (b"a", 0x8C2F8445B4CBFC3C, 0, 4, 12),
    (b"hello", 0x3377857006524257, 3, 7, 7),
    (b"pegasus", 0xCE8709CFBD3973C4, 0, 4, 4),
    (b"123456789", 0xAE8B14860A799888, 0, 0, 8),
    (b"hash_key_0", 0x984E5A07BDE9CF21, 1, 1, 1),
    (b"user_1001", 0x7AE57256BA9AA91C, 0, 4, 12),
    (b"\x00\xff", 0xA808C8933E87CDF0, 0, 0, 0),
    (b"The quick brown fox jumps over the lazy dog", 0xD76C54054954C143, 3, 3, 3),
]


@pytest.mark.parametrize(("key", "hashed", "of_4", "of_8", "of_16"), TABLE)
def test_table(key: bytes, hashed: int, of_4: int, of_8: int, of_16: int) -> None:
    assert partition_hash(key) == hashed
    assert partition_index(key, b"any", 4) == of_4 or not key
    assert [partition_index(b"", key, count) for count in (4, 8, 16)] == [of_4, of_8, of_16]


@pytest.mark.parametrize("key", [row[0] for row in TABLE])
def test_encoded_key_hashes_its_hash_key_or_else_its_sort_key(key: bytes) -> None:
    assert encoded_key_hash(encode_key(key, b"sort")) == partition_hash(key or b"sort")
    assert encoded_key_hash(encode_key(b"", key)) == partition_hash(key)


def test_long_hash_key_uses_both_length_bytes() -> None:
    hash_key = bytes(range(256)) * 3

    assert encoded_key_hash(encode_key(hash_key, b"sort")) == partition_hash(hash_key)


@pytest.mark.parametrize("key", [b"", b"\0", b"\0\5ab"])
def test_cut_key_is_hashed_as_far_as_it_goes(key: bytes) -> None:
    assert encoded_key_hash(key) == partition_hash(key[2:])
