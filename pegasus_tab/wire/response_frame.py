"""Response frames (protocol reference 1.3)."""

import struct
from functools import lru_cache
from typing import Final, NamedTuple

from pegasus_tab.base.limits import RESPONSE_FRAME_BYTES_MAX
from pegasus_tab.wire.errors import RemoteProtocolError
from pegasus_tab.wire.frame_reader import FrameReader

REPLY: Final = 0x80010002
NAME_BYTES_MAX: Final = 256

_OK_REPLY: Final = struct.pack(">6sI", b"ERR_OK", REPLY)
_OK_PARTS: Final = struct.Struct(">iI10sI")
"""A good reply up to its name: total length, error length, ERR_OK and REPLY, name length."""
_LENGTH: Final = struct.Struct(">i")
_MESSAGE: Final = struct.Struct(">II")
_BYTES_MIN: Final = 20


class ResponseFrame(NamedTuple):
    """One reply.

    Attributes:
        error: framework error name; there is a result only with ERR_OK.
        name: the request's name + ``_ACK``, as on the wire.
        seqid: the request's.
        body: the chunk of the receive buffer that holds the reply.
        offset: where the result struct begins in ``body``.
        end: where it ends; equals ``offset`` when there is none.
    """

    error: str
    name: bytes
    seqid: int
    body: bytes
    offset: int
    end: int


class ResponseReader(FrameReader[ResponseFrame]):
    """The client's side of a connection: bytes in, replies out. See FrameReader."""

    def __init__(self, limit: int = RESPONSE_FRAME_BYTES_MAX) -> None:
        super().__init__(limit)

    def _cut(self, chunk: bytes, frames: list[ResponseFrame]) -> tuple[int, int]:
        at = 0
        size = len(chunk)
        # The first half of this loop is the client's hot path; anything but a plain, whole ERR_OK
        # reply goes to the second half.
        while at < size:
            if size - at >= _OK_PARTS.size:
                length, error_length, error_and_kind, name_length = _OK_PARTS.unpack_from(chunk, at)
                end = at + length
                offset = at + 26 + name_length
                if (
                    offset <= end <= size
                    and error_length == 6
                    and error_and_kind == _OK_REPLY
                    and name_length <= NAME_BYTES_MAX
                    and length <= self.limit
                ):
                    name = chunk[at + 22 : offset - 4]
                    seqid = _LENGTH.unpack_from(chunk, offset - 4)[0]
                    fields = ("ERR_OK", name, seqid, chunk, offset, end)
                    frames.append(tuple.__new__(ResponseFrame, fields))
                    at = end
                    continue
            frame_length = self._frame_length(chunk, at)
            if at + frame_length > size:
                return at, frame_length
            frames.append(_parse(chunk, at, at + frame_length))
            at += frame_length
        return at, 0

    def _frame_length(self, chunk: bytes, at: int) -> int:
        if len(chunk) - at < 4:
            return 4
        length: int = _LENGTH.unpack_from(chunk, at)[0]
        if length < _BYTES_MIN:
            raise RemoteProtocolError(
                f"a reply of {length} bytes, expected at least {_BYTES_MIN}",
                hint="is this the port of a Pegasus server?",
            )
        return self._check_length(length)


def _parse(chunk: bytes, at: int, end: int) -> ResponseFrame:
    """Parse a whole reply whose length is right."""
    error_length: int = _MESSAGE.unpack_from(chunk, at)[1]
    message_at = at + 8 + error_length
    if message_at + 12 > end or error_length > NAME_BYTES_MAX:
        raise RemoteProtocolError(f"an error name of {error_length} bytes is too long")
    kind, name_length = _MESSAGE.unpack_from(chunk, message_at)
    offset = message_at + 12 + name_length
    if kind != REPLY:
        raise RemoteProtocolError(f"message kind {kind:#010x}, expected a reply {REPLY:#010x}")
    if offset > end or name_length > NAME_BYTES_MAX:
        raise RemoteProtocolError(f"an RPC name of {name_length} bytes is too long")
    return ResponseFrame(
        chunk[at + 8 : message_at].decode("ascii", "backslashreplace"),
        chunk[message_at + 8 : offset - 4],
        _LENGTH.unpack_from(chunk, offset - 4)[0],
        chunk,
        offset,
        end,
    )


@lru_cache(maxsize=256)
def response_head(name: bytes, error: str) -> bytes:
    """Make everything between the total length and the seqid."""
    error_bytes = error.encode("ascii")
    reply_name = name + b"_ACK"
    return b"".join(
        (
            _LENGTH.pack(len(error_bytes)),
            error_bytes,
            _MESSAGE.pack(REPLY, len(reply_name)),
            reply_name,
        )
    )


def encode_response(name: bytes, seqid: int, result: bytes, error: str = "ERR_OK") -> bytes:
    """Write a reply frame.

    Args:
        name: the request's name, without ``_ACK``.
        seqid: the request's.
        result: the whole result struct, as made by ``result``; not sent unless error is ERR_OK.
        error: framework error name; see ``codes.safe_error``.

    Returns:
        The frame.
    """
    head = response_head(name, error)
    if error != "ERR_OK":
        result = b""
    return b"".join((_LENGTH.pack(8 + len(head) + len(result)), head, _LENGTH.pack(seqid), result))
