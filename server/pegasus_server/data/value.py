"""The stored value: header of data version 1, then the user's data (protocol reference 5.2).

::

    u32 expiry in seconds since 2016-01-01 UTC, 0 for never | u64 timetag | user data

All times called ``now`` are seconds since 2016-01-01 UTC as well.
"""

import struct
from collections.abc import Sequence

HEADER_BYTES = 12
EXPIRE_MAX = 0xFFFF_FFFF
CLUSTER_ID = 1
"""7 bits of the timetag; tells clusters apart once data is copied between them."""

NEVER = b"\0\0\0\0"
"""How a stored value begins that never expires."""
_header = struct.Struct(">IQ").pack


def timetag(timestamp_us: int, *, deleted: bool = False) -> int:
    """Make the timetag of a write.

    Args:
        timestamp_us: of the mutation, microseconds since 1970, below 2**56.
        deleted: True for the trace of a removal.

    Returns:
        The unsigned 64-bit number; of two writes the later one has the greater.
    """
    return timestamp_us << 8 | CLUSTER_ID << 1 | deleted


def encode_value(user_data: bytes, expire: int, tag: int) -> bytes:
    """Put the header before the user's data.

    Args:
        user_data: what the client sees.
        expire: absolute, 0 for never, at most EXPIRE_MAX.
        tag: as made by ``timetag``.

    Returns:
        The stored value.
    """
    return _header(expire, tag) + user_data


def user_data(stored: bytes) -> bytes:
    """Return what the client sees of a stored value."""
    return stored[HEADER_BYTES:]


def expire_of(stored: bytes) -> int:
    """Return the absolute expiry of a stored value, 0 for never."""
    return int.from_bytes(stored[:4], "big")


def is_expired(stored: bytes, now: int) -> bool:
    """Tell whether a row is invisible at ``now``: expired iff 0 < expiry <= now (5.2)."""
    expire = stored[:4]
    return expire != NEVER and int.from_bytes(expire, "big") <= now


def live_rows(stored: Sequence[bytes], now: int) -> list[int]:
    """Choose the visible rows of many; the loop of scans, hence without a call per row.

    Args:
        stored: stored values.
        now: seconds since 2016.

    Returns:
        The indices of those that are not expired, ascending.
    """
    number = int.from_bytes
    return [
        index
        for index, value in enumerate(stored)
        if (expire := value[:4]) == NEVER or number(expire, "big") > now
    ]


def resolve_expire(expire_ts_seconds: int, now: int, default_ttl: int) -> int:
    """Decide the expiry a write stores, once, at the primary, so that replicas cannot differ.

    Args:
        expire_ts_seconds: what the client sent: absolute, 0 for never. The wire type is i32 and
            the stored one u32, so a negative number is a date past 2084, as with the ancestor.
        now: the primary's clock.
        default_ttl: of the table, seconds a row lives when its write does not say; 0 for ever.

    Returns:
        The absolute expiry, 0 for never.
    """
    if expire_ts_seconds:
        return expire_ts_seconds & EXPIRE_MAX
    return min(now + default_ttl, EXPIRE_MAX) if default_ttl else 0
