"""Many rows as columns, so that a sender with columns at hand needs no loop over rows.

::

    u32 count | u32 end of each key | u32 end of each value | all keys | all values

Numbers are little-endian; ends count from the beginning of the keys or values, so that Arrow's
offsets of a binary array, less the first, are the ends.
"""

import struct
from collections.abc import Sequence
from io import BytesIO
from itertools import accumulate
from operator import sub

from pegasus_tab.wire.errors import RemoteProtocolError

_COUNT = struct.Struct("<I")


def encode_rows(keys: Sequence[bytes], values: Sequence[bytes]) -> bytes:
    """Join rows.

    Args:
        keys: encoded keys.
        values: one per key.

    Returns:
        The ``rows`` of a TabPutRowsRequest.
    """
    assert len(keys) == len(values)
    ends = struct.pack(
        f"<{len(keys) * 2}I", *accumulate(map(len, keys)), *accumulate(map(len, values))
    )
    return b"".join((_COUNT.pack(len(keys)), ends, *keys, *values))


def join_columns(
    count: int,
    key_ends: bytes,
    value_ends: bytes,
    keys: bytes | memoryview,
    values: bytes | memoryview,
) -> bytes:
    """Join columns that are laid out already; see the module's head for what each holds."""
    return b"".join((_COUNT.pack(count), key_ends, value_ends, keys, values))


def decode_rows(rows: bytes) -> tuple[list[bytes], list[bytes]]:
    """Take rows apart.

    Args:
        rows: as made by ``encode_rows``, from outside.

    Returns:
        Keys and values, of the same length.

    Raises:
        RemoteProtocolError: the bytes are no such rows.
    """
    size = len(rows)
    count = _COUNT.unpack_from(rows)[0] if size >= _COUNT.size else 0
    begin = _COUNT.size + 8 * count
    if size < begin:
        raise RemoteProtocolError(f"{size} bytes cannot hold {count} rows")
    if not count:
        _check(size == begin)
        return [], []
    ends = struct.unpack_from(f"<{2 * count}I", rows, _COUNT.size)
    keys_end = begin + ends[count - 1]
    keys = _cut(rows[begin:keys_end], ends[:count])
    return keys, _cut(rows[keys_end:], ends[count:])


def _cut(joined: bytes, ends: Sequence[int]) -> list[bytes]:
    # Reading on is half the price of slicing; both loops run in C.
    lengths = list(map(sub, ends, (0, *ends)))
    _check(min(lengths) >= 0 and ends[-1] == len(joined))
    return list(map(BytesIO(joined).read, lengths))


def _check(is_sound: bool) -> None:
    if not is_sound:
        raise RemoteProtocolError("the ends of the rows do not fit their bytes")
