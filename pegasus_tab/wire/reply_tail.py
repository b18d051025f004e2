"""The constant end of data replies: which replica answered, in fields that never change between replies.

Writing, it is made once per partition. Reading, replies of one partition all end alike, so one
careful look serves for all of them; that keeps fast readers as strict as the plain codec.
"""

from functools import lru_cache
from typing import Final

from pegasus_tab.base.ids import Gpid
from pegasus_tab.wire.binary import I32, I32_CODE, STRING, STRING_CODE
from pegasus_tab.wire.errors import RemoteProtocolError

TAIL_BYTES_MAX: Final = 256
"""Longer ends are left to the plain codec, so that the memory of ends seen stays small."""

_TAILS_KEPT: Final = 4096
_STOPS: Final = b"\0\0"


def _i32_head(field_id: int) -> bytes:
    return bytes((I32_CODE, 0, field_id))


@lru_cache(maxsize=_TAILS_KEPT)
def replica_tail(first_id: int, gpid: Gpid, server: str) -> bytes:
    """Make the fields app_id, partition_index and server and the STOPs of struct and result.

    Args:
        first_id: field id of app_id, 3 in reads and 4 in scans; partition_index follows it and
            server is field 6 in both.
        gpid: the replica's partition.
        server: its server as "host:port".

    Returns:
        The bytes.
    """
    app_id, index = gpid
    fields = _i32_head(first_id) + I32.write(app_id) + _i32_head(first_id + 1) + I32.write(index)
    return fields + server_tail(6, server)


@lru_cache(maxsize=_TAILS_KEPT)
def server_tail(field_id: int, server: str) -> bytes:
    """Make the last field, server, and the STOPs of struct and result."""
    return bytes((STRING_CODE, 0, field_id)) + STRING.write(server) + _STOPS


@lru_cache(maxsize=_TAILS_KEPT)
def is_replica_tail(first_id: int, tail: bytes) -> bool:
    """Tell whether ``replica_tail`` would make these bytes for some partition and server."""
    heads = tail[:3], tail[7:10]
    return heads == (_i32_head(first_id), _i32_head(first_id + 1)) and is_server_tail(6, tail[14:])


@lru_cache(maxsize=_TAILS_KEPT)
def is_server_tail(field_id: int, tail: bytes) -> bool:
    """Tell whether ``server_tail`` would make these bytes for some server."""
    return server_of(field_id, tail) is not None


@lru_cache(maxsize=_TAILS_KEPT)
def server_of(field_id: int, tail: bytes) -> str | None:
    """Return the server for which ``server_tail`` would make these bytes, None if there is none."""
    if tail[:3] != bytes((STRING_CODE, 0, field_id)):
        return None
    try:
        server, stop = STRING.read(tail, 3, len(tail))
    except RemoteProtocolError:
        return None  # not ours to complain about: the plain codec reads it next
    return server if tail[stop:] == _STOPS else None
