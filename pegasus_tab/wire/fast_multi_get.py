"""MULTI_GET's request, twelve fields long, in a few steps instead of twelve; equal to the plain codec."""

import struct
from typing import Final

from pegasus_tab.wire.binary import ITEMS_MAX
from pegasus_tab.wire.envelope import Stretch, decode_arguments
from pegasus_tab.wire.messages_read import MultiGetRequest

_BEGIN: Final = struct.Struct(">6sI")
_SORT_KEYS: Final = struct.Struct(">4sI")
_LIMITS: Final = struct.Struct(">3si3si3sB3sI")
_STOP_KEY: Final = struct.Struct(">3sI")
_FLAGS: Final = struct.Struct(">3sB3sB3si3sI")
_END: Final = struct.Struct(">3sBH")
_LENGTH: Final = struct.Struct(">I")

_BEGIN_HEAD: Final = b"\x0c\0\1\x0c\0\1"
_SORT_KEYS_HEAD: Final = b"\x0f\0\2\x0c"
_LIMITS_HEADS: Final = (b"\x08\0\3", b"\x08\0\4", b"\2\0\5", b"\x0c\0\6")
_STOP_KEY_HEAD: Final = b"\x0c\0\7"
_FLAGS_HEADS: Final = (b"\2\0\x08", b"\2\0\x09", b"\x08\0\x0a", b"\x0c\0\x0b")
_END_HEAD: Final = b"\2\0\x0c"


def multi_get_arguments(request: MultiGetRequest) -> bytes:
    """Make the args struct of MULTI_GET.

    Args:
        request: what to read.

    Returns:
        The args struct, the same bytes as ``arguments(request.encode())``.
    """
    count, size, no_value, start = _LIMITS_HEADS
    start_inclusive, stop_inclusive, filter_type, pattern = _FLAGS_HEADS
    sort_keys = request.sort_keys
    parts = [
        _BEGIN.pack(_BEGIN_HEAD, len(request.hash_key)),
        request.hash_key,
        _SORT_KEYS.pack(_SORT_KEYS_HEAD, len(sort_keys)),
    ]
    for sort_key in sort_keys:
        parts += (_LENGTH.pack(len(sort_key)), sort_key)
    parts += (
        _LIMITS.pack(
            count,
            request.max_kv_count,
            size,
            request.max_kv_size,
            no_value,
            request.no_value,
            start,
            len(request.start_sortkey),
        ),
        request.start_sortkey,
        _STOP_KEY.pack(_STOP_KEY_HEAD, len(request.stop_sortkey)),
        request.stop_sortkey,
        _FLAGS.pack(
            start_inclusive,
            request.start_inclusive,
            stop_inclusive,
            request.stop_inclusive,
            filter_type,
            request.sort_key_filter_type,
            pattern,
            len(request.sort_key_filter_pattern),
        ),
        request.sort_key_filter_pattern,
        _END.pack(_END_HEAD, request.reverse, 0),
    )
    return b"".join(parts)


def decode_multi_get(frame: Stretch) -> MultiGetRequest:
    """Read the arguments of MULTI_GET.

    Args:
        frame: the request.

    Returns:
        What to read.

    Raises:
        RemoteProtocolError: the arguments are not one multi_get_request.
    """
    request = _decode_whole(frame)
    return decode_arguments(frame, MultiGetRequest) if request is None else request


def _decode_whole(frame: Stretch) -> MultiGetRequest | None:
    """Read a request with all fields in order, as Java, Go and we write it; None for any other."""
    body, at, end = frame.body, frame.offset, frame.end
    if at + 10 > end:
        return None
    head, length = _BEGIN.unpack_from(body, at)
    hash_key_end = at + 10 + length
    found = _decode_sort_keys(body, hash_key_end, end) if head == _BEGIN_HEAD else None
    if found is None or found[1] + _LIMITS.size > end:
        return None
    sort_keys, limits_at = found
    h3, count, h4, size, h5, no_value, h6, length = _LIMITS.unpack_from(body, limits_at)
    start_end = limits_at + _LIMITS.size + length
    if (h3, h4, h5, h6) != _LIMITS_HEADS or start_end + 7 > end:
        return None
    head, length = _STOP_KEY.unpack_from(body, start_end)
    stop_end = start_end + 7 + length
    if head != _STOP_KEY_HEAD or stop_end + _FLAGS.size > end:
        return None
    h8, start_in, h9, stop_in, h10, filter_type, h11, length = _FLAGS.unpack_from(body, stop_end)
    pattern_end = stop_end + _FLAGS.size + length
    if (h8, h9, h10, h11) != _FLAGS_HEADS or pattern_end + _END.size != end:
        return None
    head, reverse, stops = _END.unpack_from(body, pattern_end)
    if head != _END_HEAD or stops != 0:
        return None
    return MultiGetRequest(
        body[at + 10 : hash_key_end],
        sort_keys,
        count,
        size,
        no_value != 0,
        body[limits_at + _LIMITS.size : start_end],
        body[start_end + 7 : stop_end],
        start_in != 0,
        stop_in != 0,
        filter_type,
        body[stop_end + _FLAGS.size : pattern_end],
        reverse != 0,
    )


def _decode_sort_keys(body: bytes, at: int, end: int) -> tuple[tuple[bytes, ...], int] | None:
    if at + 8 > end:
        return None
    head, count = _SORT_KEYS.unpack_from(body, at)
    if head != _SORT_KEYS_HEAD or count > ITEMS_MAX:
        return None
    at += 8
    sort_keys = []
    for _ in range(count):
        if at + 4 > end:
            return None
        stop = at + 4 + _LENGTH.unpack_from(body, at)[0]
        if stop > end:
            return None
        sort_keys.append(body[at + 4 : stop])
        at = stop
    return tuple(sort_keys), at
