"""Which keys, values and request sizes a write may have (protocol reference 5.1, 6.6; base/limits.py).

A write outside the limits of a row is answered INVALID_ARGUMENT; a request body that is too large
as a whole gets the framework error ERR_INVALID_DATA before anything of it is decoded.
"""

from collections.abc import Sequence

from pegasus_tab.base.limits import (
    HASH_KEY_BYTES_MAX,
    SORT_KEY_BYTES_MAX,
    VALUE_BYTES_MAX,
    WRITE_REQUEST_BYTES_MAX,
)
from pegasus_tab.wire.codes import ERR_INVALID_DATA


def body_error(body_bytes: int) -> str | None:
    """Judge the size of a write request's body.

    Args:
        body_bytes: length of the whole body.

    Returns:
        The framework error to answer with, or None when the body may be decoded.
    """
    return ERR_INVALID_DATA if body_bytes > WRITE_REQUEST_BYTES_MAX else None


def is_row_key(key: bytes) -> bool:
    """Tell whether an encoded key is well formed and within the limits.

    It never is for a reserved key: those begin with FF FF, a hash key longer than any limit.
    """
    size = len(key)
    if size < 2:
        return False
    hash_key_bytes = (key[0] << 8) + key[1]
    sort_key_bytes = size - 2 - hash_key_bytes
    return hash_key_bytes <= HASH_KEY_BYTES_MAX and 0 <= sort_key_bytes <= SORT_KEY_BYTES_MAX


def are_row_keys(keys: Sequence[bytes]) -> bool:
    """Tell whether ``is_row_key`` holds for all of many keys; there must be one."""
    hash_key_bytes = [(one[0] << 8) + one[1] for one in {key[:2] for key in keys} if len(one) == 2]
    longest, shortest = max(hash_key_bytes, default=0), min(hash_key_bytes, default=0)
    sizes = list(map(len, keys))
    # Keys of a table are mostly alike, and then their extremes fit together.
    return (
        longest <= HASH_KEY_BYTES_MAX
        and 2 + longest <= min(sizes)
        and max(sizes) <= 2 + shortest + SORT_KEY_BYTES_MAX
    ) or all(map(is_row_key, keys))


def is_row(hash_key: bytes, sort_key: bytes, value: bytes = b"") -> bool:
    """Tell whether a row's parts are within the limits."""
    return (
        len(hash_key) <= HASH_KEY_BYTES_MAX
        and len(sort_key) <= SORT_KEY_BYTES_MAX
        and len(value) <= VALUE_BYTES_MAX
    )
