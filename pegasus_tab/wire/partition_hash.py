"""Which partition a row belongs to: CRC-64/NVME of its hash key (protocol reference 5.3)."""

from anycrc import Model

_crc64 = Model("CRC64-NVME").calc


def partition_hash(key_bytes: bytes) -> int:
    """Hash the bytes that place a row.

    Args:
        key_bytes: the hash key or, when that is empty, the sort key.

    Returns:
        An unsigned 64-bit number; 0 for no bytes at all.
    """
    hashed: int = _crc64(key_bytes)
    return hashed


def encoded_key_hash(key: bytes) -> int:
    """Hash the row with this encoded key (two bytes of length, hash key, sort key).

    Args:
        key: as made by ``keys.encode_key``; a shorter one is hashed as far as it goes.

    Returns:
        An unsigned 64-bit number.
    """
    hash_key_end = 2 + (key[0] << 8) + key[1] if len(key) > 1 else 2
    hashed: int = _crc64(key[2:hash_key_end] if hash_key_end > 2 else key[2:])
    return hashed


def partition_index(hash_key: bytes, sort_key: bytes, count: int) -> int:
    """Place a row.

    Args:
        hash_key: may be empty; then the sort key decides.
        sort_key: may be empty.
        count: partitions of the table, a power of two, or clients disagree about the result.

    Returns:
        0 <= index < count.
    """
    return partition_hash(hash_key or sort_key) % count
