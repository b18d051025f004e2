"""The key of a row as bytes: two bytes of hash key length, hash key, sort key (protocol reference 5.1).

Rows of one hash key are contiguous and ordered by their sort key. They are not ordered by hash
key, because its length comes first.
"""

from typing import Final

from pegasus_tab.base.errors import DataError
from pegasus_tab.wire.errors import RemoteProtocolError

HASH_KEY_LENGTH_MAX: Final = 0xFFFE
KEYS_END: Final = b"\xff\xff"
"""Above every row: the hash key length 0xFFFF is reserved, so no row starts with it."""


def encode_key(hash_key: bytes, sort_key: bytes) -> bytes:
    """Join hash key and sort key.

    Args:
        hash_key: 0 to 65534 bytes.
        sort_key: any bytes.

    Returns:
        The encoded key.

    Raises:
        DataError: the hash key is too long to have its length written down.
    """
    length = len(hash_key)
    if length > HASH_KEY_LENGTH_MAX:
        raise DataError(
            f"hash key of {length} bytes is too long",
            sqlstate="22001",
            hint=f"the format ends at {HASH_KEY_LENGTH_MAX} bytes; use a shorter hash key",
        )
    return length.to_bytes(2, "big") + hash_key + sort_key


def decode_key(key: bytes) -> tuple[bytes, bytes]:
    """Split an encoded key.

    Args:
        key: as made by ``encode_key``.

    Returns:
        (hash key, sort key).

    Raises:
        RemoteProtocolError: the bytes are too short for the length they begin with.
    """
    end = 2 + int.from_bytes(key[:2], "big")
    if len(key) < end or end > 2 + HASH_KEY_LENGTH_MAX:
        raise RemoteProtocolError(
            f"not a row key: {len(key)} bytes, the first of them {key[:8].hex()}",
            hint="a key is two bytes of hash key length, the hash key, then the sort key",
        )
    return key[2:end], key[end:]


def next_key(prefix: bytes) -> bytes:
    """Find the end of all keys that begin with a prefix.

    Args:
        prefix: an encoded key, or the beginning of one.

    Returns:
        The smallest key above every key with this prefix, to be used as an exclusive bound;
        ``KEYS_END`` for a prefix of nothing but FF bytes, or of nothing.
    """
    stem = prefix.rstrip(b"\xff")
    if not stem:
        return KEYS_END
    return stem[:-1] + bytes((stem[-1] + 1,))


def hash_key_range(hash_key: bytes) -> tuple[bytes, bytes]:
    """Bound the rows of one hash key.

    Args:
        hash_key: 0 to 65534 bytes.

    Returns:
        (first possible key, inclusive; end, exclusive).

    Raises:
        DataError: the hash key is too long.
    """
    lower = encode_key(hash_key, b"")
    return lower, next_key(lower)
