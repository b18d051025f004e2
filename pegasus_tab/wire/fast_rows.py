"""Rows as two parallel lists instead of message objects: MULTI_GET, MULTI_PUT, GET_SCANNER, SCAN.

As in ``fast_point``: readers know the one shape everybody writes and leave the rest, such as rows
with their expiry, to the plain codec.
"""

import struct
from collections.abc import Sequence
from typing import Final

from pegasus_tab.base.ids import Gpid
from pegasus_tab.wire.binary import ITEMS_MAX
from pegasus_tab.wire.codes import MULTI_GET, SCAN
from pegasus_tab.wire.envelope import Stretch, decode_arguments, decode_result
from pegasus_tab.wire.messages_read import KeyValue, MultiGetResponse
from pegasus_tab.wire.messages_scan import ScanResponse
from pegasus_tab.wire.messages_write import MultiPutRequest
from pegasus_tab.wire.reply_tail import TAIL_BYTES_MAX, is_replica_tail, replica_tail
from pegasus_tab.wire.response_frame import encode_response

Rows = tuple[list[bytes], list[bytes]]
"""Keys and values, same length."""

_KEY: Final = b"\x0c\0\1"
_VALUE: Final = b"\x0c\0\2"
_STOP: Final = b"\0"

_BLOB_HEAD: Final = struct.Struct(">3sI")
_BLOB_HEAD_PARTS: Final = struct.Struct(">BHI")
_ARGUMENT_HASH_KEY: Final = struct.Struct(">6sI")
_ROWS_HEAD: Final = struct.Struct(">4sI")
_EXPIRE_TAIL: Final = struct.Struct(">3siH")
_STATUS: Final = struct.Struct(">6si")
_CONTEXT: Final = struct.Struct(">3sq")

_ROWS: Final = b"\x0f\0\2\x0c"
_STATUS_HEAD: Final = b"\x0c\0\0\x08\0\1"
_CONTEXT_HEAD: Final = b"\x0a\0\3"


def _add_rows(parts: list[bytes], keys: Sequence[bytes], values: Sequence[bytes]) -> None:
    """Append a list<key_value> field 2 without expiries."""
    parts.append(_ROWS_HEAD.pack(_ROWS, len(keys)))
    extend = parts.extend
    pack = _BLOB_HEAD.pack
    for key, value in zip(keys, values, strict=True):
        extend((pack(_KEY, len(key)), key, pack(_VALUE, len(value)), value, _STOP))


def _read_rows(body: bytes, at: int, end: int) -> tuple[Rows, int] | None:
    """Read what ``_add_rows`` wrote; None when it is anything else."""
    if at + 8 > end:
        return None
    head, count = _ROWS_HEAD.unpack_from(body, at)
    if head != _ROWS or count > ITEMS_MAX:
        return None
    at += 8
    keys: list[bytes] = []
    values: list[bytes] = []
    unpack = _BLOB_HEAD_PARTS.unpack_from
    for _ in range(count):
        if at + 15 > end:
            return None
        kind, field, length = unpack(body, at)
        key_end = at + 7 + length
        if kind != 12 or field != 1 or key_end + 8 > end:
            return None
        kind, field, length = unpack(body, key_end)
        value_end = key_end + 7 + length
        if kind != 12 or field != 2 or value_end >= end or body[value_end] != 0:
            return None
        keys.append(body[at + 7 : key_end])
        values.append(body[key_end + 7 : value_end])
        at = value_end + 1
    return (keys, values), at


def _read_status_rows(frame: Stretch) -> tuple[int, Rows, int] | None:
    """Read the status and the rows a result begins with; None when it begins otherwise."""
    body, at, end = frame.body, frame.offset, frame.end
    if at + 10 > end:
        return None
    head, status = _STATUS.unpack_from(body, at)
    found = _read_rows(body, at + 10, end) if head == _STATUS_HEAD else None
    return None if found is None else (status, *found)


def _ends_with_replica(frame: Stretch, at: int, first_id: int) -> bool:
    end = frame.end
    return at < end <= at + TAIL_BYTES_MAX and is_replica_tail(first_id, frame.body[at:end])


def multi_put_arguments(
    hash_key: bytes,
    sort_keys: Sequence[bytes],
    values: Sequence[bytes],
    expire_ts_seconds: int = 0,
) -> bytes:
    """Make the args struct of MULTI_PUT.

    Args:
        hash_key: of all rows.
        sort_keys: one per row.
        values: one per row.
        expire_ts_seconds: absolute, seconds since 2016, 0 for never.

    Returns:
        The args struct.
    """
    parts = [_ARGUMENT_HASH_KEY.pack(_KEY + _KEY, len(hash_key)), hash_key]
    _add_rows(parts, sort_keys, values)
    parts.append(_EXPIRE_TAIL.pack(b"\x08\0\3", expire_ts_seconds, 0))
    return b"".join(parts)


def decode_multi_put(frame: Stretch) -> tuple[bytes, list[bytes], list[bytes], int]:
    """Read the arguments of MULTI_PUT.

    Args:
        frame: the request.

    Returns:
        (hash key, sort keys, values, absolute expiry in seconds since 2016 or 0).

    Raises:
        RemoteProtocolError: the arguments are not one multi_put_request.
    """
    body, at, end = frame.body, frame.offset, frame.end
    if at + 10 <= end:
        head, length = _ARGUMENT_HASH_KEY.unpack_from(body, at)
        hash_key_end = at + 10 + length
        if head == _KEY + _KEY and hash_key_end <= end:
            found = _read_rows(body, hash_key_end, end)
            if found is not None and found[1] + 9 == end:
                head, expire, stops = _EXPIRE_TAIL.unpack_from(body, found[1])
                if head == b"\x08\0\3" and stops == 0:
                    return body[at + 10 : hash_key_end], *found[0], expire
    request = decode_arguments(frame, MultiPutRequest)
    return request.hash_key, *_split(request.kvs), request.expire_ts_seconds


def multi_get_response(
    seqid: int,
    status: int,
    sort_keys: Sequence[bytes],
    values: Sequence[bytes],
    gpid: Gpid,
    server: str,
) -> bytes:
    """Make a whole reply frame to MULTI_GET.

    Args:
        seqid: the request's.
        status: a Status; INCOMPLETE goes together with rows.
        sort_keys: one per row, in the reply's order.
        values: one per row, empty with no_value.
        gpid: the replica's partition.
        server: its server as "host:port".

    Returns:
        The frame.
    """
    parts = [_STATUS.pack(_STATUS_HEAD, status)]
    _add_rows(parts, sort_keys, values)
    parts.append(replica_tail(3, gpid, server))
    return encode_response(MULTI_GET, seqid, b"".join(parts))


def decode_multi_get_result(frame: Stretch) -> tuple[int, list[bytes], list[bytes]]:
    """Read the reply to MULTI_GET.

    Args:
        frame: a reply with ERR_OK.

    Returns:
        (status, sort keys, values).

    Raises:
        RemoteProtocolError: the result is not a multi_get_response.
    """
    found = _read_status_rows(frame)
    if found is not None:
        status, rows, at = found
        if _ends_with_replica(frame, at, 3):
            return status, *rows
    response = decode_result(frame, MultiGetResponse)
    return response.error, *_split(response.kvs)


def scan_response(
    seqid: int,
    status: int,
    keys: Sequence[bytes],
    values: Sequence[bytes],
    context_id: int,
    gpid: Gpid,
    server: str,
    name: bytes = SCAN,
) -> bytes:
    """Make a whole reply frame to SCAN or GET_SCANNER, one without expiries or a count.

    Args:
        seqid: the request's.
        status: a Status.
        keys: whole encoded keys, one per row.
        values: one per row, empty with no_value.
        context_id: where the scan goes on, -1 at its end.
        gpid: the replica's partition.
        server: its server as "host:port".
        name: the request's RPC name.

    Returns:
        The frame.
    """
    parts = [_STATUS.pack(_STATUS_HEAD, status)]
    _add_rows(parts, keys, values)
    parts.append(_CONTEXT.pack(_CONTEXT_HEAD, context_id))
    parts.append(replica_tail(4, gpid, server))
    return encode_response(name, seqid, b"".join(parts))


def decode_scan_result(frame: Stretch) -> tuple[int, list[bytes], list[bytes], int]:
    """Read the reply to SCAN or GET_SCANNER when neither expiries nor a count were asked for.

    Args:
        frame: a reply with ERR_OK.

    Returns:
        (status, encoded keys, values, context id).

    Raises:
        RemoteProtocolError: the result is not a scan_response.
    """
    found = _read_status_rows(frame)
    if found is not None and found[2] + 11 < frame.end:
        status, rows, at = found
        head, context_id = _CONTEXT.unpack_from(frame.body, at)
        if head == _CONTEXT_HEAD and _ends_with_replica(frame, at + 11, 4):
            return status, *rows, context_id
    response = decode_result(frame, ScanResponse)
    return response.error, *_split(response.kvs), response.context_id


def _split(kvs: Sequence[KeyValue]) -> Rows:
    return [kv.key for kv in kvs], [kv.value for kv in kvs]
