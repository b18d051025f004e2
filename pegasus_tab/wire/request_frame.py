"""Request frames, header versions 0 and 1 (protocol reference 1.1, 1.2 and 2.1)."""

import struct
from functools import lru_cache
from typing import Annotated, Final, NamedTuple

from pegasus_tab.base.ids import Gpid
from pegasus_tab.base.limits import CLIENT_FRAME_BYTES_MAX
from pegasus_tab.wire.binary import BOOLEAN, I32, I64
from pegasus_tab.wire.errors import RemoteProtocolError
from pegasus_tab.wire.frame_reader import FrameReader
from pegasus_tab.wire.thrift_struct import Struct, thrift_struct

MAGIC: Final = b"THFT"
CALL: Final = 0x80010001
ONEWAY: Final = 0x80010004
NAME_BYTES_MAX: Final = 256

_V0_BYTES: Final = 48
_V1_BYTES: Final = 16
_V1_META_BYTES_MAX: Final = 1024
_V0_PREFIX: Final = struct.pack(">4sII", MAGIC, 0, _V0_BYTES)
_V0_PARTS: Final = struct.Struct(">12s4xI4xiii4xQII")
"""The v0 header and the message begin up to the name: 12 constant bytes, crc, body length, crc,
app id, partition index, timeout, thread hash, partition hash, message kind, name length."""
_V1_HEADER: Final = struct.Struct(">4sIII")
_MESSAGE: Final = struct.Struct(">II")
_SEQID: Final = struct.Struct(">i")

_U64_MASK: Final = 2**64 - 1


class RequestFrame(NamedTuple):
    """One request.

    Attributes:
        name: RPC name, at most ``NAME_BYTES_MAX`` bytes; may be one we do not know.
        seqid: the client's number for it, echoed in the reply.
        app_id: table id; 0 or -1 in meta requests.
        partition_index: as in the header, unchecked; -1 in Java's meta requests.
        timeout_ms: as in the header. Do not act on it: several clients send 0 or garbage (1.4).
        partition_hash: unsigned, 0 when unknown. Do not trust it (1.4).
        is_backup: any replica may answer this read, even a stale one.
        version: header version, 0 or 1.
        body: the chunk of the receive buffer that holds the request.
        offset: where the args struct begins in ``body``.
        end: where it ends.
    """

    name: bytes
    seqid: int
    app_id: int
    partition_index: int
    timeout_ms: int
    partition_hash: int
    is_backup: bool
    version: int
    body: bytes
    offset: int
    end: int


@thrift_struct
class RequestMeta(Struct):
    """The v1 header's struct (protocol reference 1.2)."""

    app_id: Annotated[int, I32(1)] = 0
    partition_index: Annotated[int, I32(2)] = 0
    client_timeout: Annotated[int, I32(3)] = 0
    partition_hash: Annotated[int, I64(4)] = 0
    is_backup_request: Annotated[bool, BOOLEAN(5)] = False


class RequestReader(FrameReader[RequestFrame]):
    """The server's side of a connection: bytes in, requests out. See FrameReader."""

    def __init__(self, limit: int = CLIENT_FRAME_BYTES_MAX) -> None:
        super().__init__(limit)

    def _cut(self, chunk: bytes, frames: list[RequestFrame]) -> tuple[int, int]:
        at = 0
        size = len(chunk)
        body_max = self.limit - _V0_BYTES
        # The first half of this loop is the server's hot path. Whatever is not a plain, whole v0
        # request that obeys every limit goes to the second half, which also words complaints.
        while at < size:
            if size - at >= _V0_PARTS.size:
                prefix, length, app, index, timeout, hashed, kind, name_length = (
                    _V0_PARTS.unpack_from(chunk, at)
                )
                end = at + _V0_BYTES + length
                offset = at + 60 + name_length
                if (
                    prefix == _V0_PREFIX
                    and offset <= end <= size
                    and kind == CALL
                    and name_length <= NAME_BYTES_MAX
                    and length <= body_max
                ):
                    name = chunk[at + 56 : offset - 4]
                    seqid = _SEQID.unpack_from(chunk, offset - 4)[0]
                    fields = (
                        name,
                        seqid,
                        app,
                        index,
                        timeout,
                        hashed,
                        False,
                        0,
                        chunk,
                        offset,
                        end,
                    )
                    frames.append(tuple.__new__(RequestFrame, fields))
                    at = end
                    continue
            frame_length = self._frame_length(chunk, at)
            if at + frame_length > size:
                return at, frame_length
            frames.append(_parse(chunk, at, at + frame_length))
            at += frame_length
        return at, 0

    def _frame_length(self, chunk: bytes, at: int) -> int:
        """Return the length of the frame that begins here, or of its header until that is there."""
        magic = chunk[at : at + 4]
        if not MAGIC.startswith(magic):
            raise RemoteProtocolError(
                f"a frame begins with {magic!r}, expected {MAGIC!r}",
                hint="this port speaks the Pegasus client protocol",
            )
        left = len(chunk) - at
        if left < _V1_BYTES:
            return left + 1
        _, version, length, body_length = _V1_HEADER.unpack_from(chunk, at)
        if version == 0:
            return self._check_length(_v0_length(chunk, at, length))
        if version != 1:
            raise RemoteProtocolError(f"request header version {version}, expected 0 or 1")
        if length > _V1_META_BYTES_MAX:
            raise RemoteProtocolError(f"request meta of {length} bytes is too long")
        return self._check_length(_V1_BYTES + length + body_length)


def _v0_length(chunk: bytes, at: int, header_length: int) -> int:
    if header_length != _V0_BYTES:
        raise RemoteProtocolError(f"request header of {header_length} bytes, expected {_V0_BYTES}")
    if len(chunk) - at < 20:
        return 20
    body_length: int = _MESSAGE.unpack_from(chunk, at + 12)[1]
    return _V0_BYTES + body_length


def _parse(chunk: bytes, at: int, end: int) -> RequestFrame:
    """Parse a whole frame of either version whose length is right."""
    if chunk[at + 7] == 0:
        _, _, app, index, timeout, hashed = struct.unpack_from(">12sIiii4xQ", chunk, at + 8)
        name, seqid, offset = _message_begin(chunk, at + _V0_BYTES, end)
        return RequestFrame(name, seqid, app, index, timeout, hashed, False, 0, chunk, offset, end)
    body_at = at + _V1_BYTES + _V1_HEADER.unpack_from(chunk, at)[2]
    meta = RequestMeta.decode(chunk, at + _V1_BYTES, body_at)
    name, seqid, offset = _message_begin(chunk, body_at, end)
    return RequestFrame(
        name,
        seqid,
        meta.app_id,
        meta.partition_index,
        meta.client_timeout,
        meta.partition_hash & _U64_MASK,
        meta.is_backup_request,
        1,
        chunk,
        offset,
        end,
    )


def _message_begin(chunk: bytes, at: int, end: int) -> tuple[bytes, int, int]:
    """Return the RPC name, the seqid and the offset of the args struct."""
    if at + 12 > end:
        raise RemoteProtocolError(f"a request body of {end - at} bytes is too short")
    kind, name_length = _MESSAGE.unpack_from(chunk, at)
    if kind not in {CALL, ONEWAY}:
        raise RemoteProtocolError(f"message kind {kind:#010x}, expected a call {CALL:#010x}")
    offset = at + 12 + name_length
    if name_length > NAME_BYTES_MAX or offset > end:
        raise RemoteProtocolError(f"an RPC name of {name_length} bytes is too long")
    return chunk[at + 8 : offset - 4], _SEQID.unpack_from(chunk, offset - 4)[0], offset


@lru_cache(maxsize=256)
def _v0_packer(name_length: int) -> struct.Struct:
    return struct.Struct(f">12sIIIiiiIQII{name_length}si")


def encode_request(
    name: bytes, seqid: int, gpid: Gpid, partition_hash: int, timeout_ms: int, args: bytes
) -> bytes:
    """Write a request frame with a v0 header.

    Args:
        name: RPC name.
        seqid: signed 32 bits, unique among the connection's open requests.
        gpid: the partition asked; 0.0 for a meta server.
        partition_hash: unsigned 64 bits, 0 when unknown.
        timeout_ms: how long the client waits, 0 when it does not say.
        args: the whole args struct, as made by ``arguments``.

    Returns:
        The frame.
    """
    app_id, index = gpid
    length = len(name)
    return (
        _v0_packer(length).pack(
            _V0_PREFIX,
            0,
            12 + length + len(args),
            0,
            app_id,
            index,
            timeout_ms,
            (app_id * 7919 + index) & 0xFFFFFFFF,
            partition_hash,
            CALL,
            length,
            name,
            seqid,
        )
        + args
    )


def encode_request_v1(
    name: bytes,
    seqid: int,
    gpid: Gpid,
    partition_hash: int,
    timeout_ms: int,
    args: bytes,
    *,
    is_backup: bool = False,
) -> bytes:
    """Write a request frame with a v1 header, as Java does; arguments as for ``encode_request``.

    Args:
        name: RPC name.
        seqid: signed 32 bits.
        gpid: the partition asked; -1.-1 for a meta server.
        partition_hash: unsigned 64 bits.
        timeout_ms: how long the client waits.
        args: the whole args struct.
        is_backup: any replica may answer this read, even a stale one.

    Returns:
        The frame.
    """
    signed_hash = partition_hash - 2**64 if partition_hash >= 2**63 else partition_hash
    meta = RequestMeta(*gpid, timeout_ms, signed_hash, is_backup).encode()
    body = _MESSAGE.pack(CALL, len(name)) + name + _SEQID.pack(seqid) + args
    return _V1_HEADER.pack(MAGIC, 1, len(meta), len(body)) + meta + body
