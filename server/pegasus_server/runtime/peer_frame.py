"""How servers of a cluster cut their conversation into frames. Pure.

    header   magic 4s | body length u32 | crc32c of the body u32 | crc32c of the 12 bytes before u32
    body     message code u8 | app id i32 | partition index i32 | payload

Big-endian. The header has a crc of its own, so that a length is believed only when it is surely one.
The first four bytes tell a server from a client, whose frames begin with THFT. Version 1 is part of
the magic; a later one gets another, so that servers of different versions part at the first frame.
"""

import struct
from typing import Final, NamedTuple

import google_crc32c

from pegasus_tab.base.ids import Gpid
from pegasus_tab.base.limits import MIB

PEER_MAGIC: Final = b"PTP1"
PEER_FRAME_BYTES_MAX: Final = 64 * MIB
"""Body of one frame (reliability reference 6)."""

_HEADER: Final = struct.Struct(">4sIII")
_HEADER_CHECKED: Final = struct.Struct(">4sII")
_BODY: Final = struct.Struct(">Bii")
HEADER_BYTES: Final = _HEADER.size
NO_PARTITION: Final = Gpid(0, 0)
"""In messages that concern no partition, or name theirs themselves."""


class PeerFrameError(Exception):
    """The bytes are no frames of a server of this version; the connection must be closed."""


class PeerFrame(NamedTuple):
    """One frame.

    Attributes:
        code: which message; see peer_messages.
        gpid: the partition it concerns, NO_PARTITION for none.
        payload: the message's own bytes.
    """

    code: int
    gpid: Gpid
    payload: bytes


def encode_frame(code: int, gpid: Gpid, payload: bytes) -> bytes:
    """Make a frame of a message that is encoded already.

    Raises:
        PeerFrameError: the payload is too large to send.
    """
    body = _BODY.pack(code, *gpid) + payload
    if len(body) > PEER_FRAME_BYTES_MAX:
        raise PeerFrameError(f"a message of {len(body)} bytes is larger than a frame may be")
    checked = _HEADER_CHECKED.pack(PEER_MAGIC, len(body), google_crc32c.value(body))
    header_crc = google_crc32c.value(checked)
    return b"".join((checked, header_crc.to_bytes(4, "big"), body))


class PeerFrameReader:
    """Cuts a connection's bytes into frames.

    Invariant: at most one incomplete frame is kept, and none whose header did not pass its crc.
    """

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, data: bytes) -> list[PeerFrame]:
        """Take bytes in the order they came.

        Returns:
            The frames that became complete.

        Raises:
            PeerFrameError: the bytes are wrong; nothing that follows can be read.
        """
        data = self._kept + data if self._kept else data
        frames: list[PeerFrame] = []
        start = 0
        while len(data) - start >= HEADER_BYTES:
            end = start + HEADER_BYTES + _body_bytes(data, start)
            if end > len(data):
                break
            frames.append(_decode_body(data, start, end))
            start = end
        self._kept = data[start:]
        return frames


def _body_bytes(data: bytes, start: int) -> int:
    """Read a frame's length, once its header is known to be one."""
    magic, length, _, header_crc = _HEADER.unpack_from(data, start)
    if magic != PEER_MAGIC:
        raise PeerFrameError(f"a frame begins with {magic!r}, not {PEER_MAGIC!r}")
    if google_crc32c.value(data[start : start + _HEADER_CHECKED.size]) != header_crc:
        raise PeerFrameError("the checksum of a frame's header does not fit")
    if not _BODY.size <= length <= PEER_FRAME_BYTES_MAX:
        raise PeerFrameError(f"a frame of {length} bytes is not in the bounds")
    return int(length)


def _decode_body(data: bytes, start: int, end: int) -> PeerFrame:
    body_start = start + HEADER_BYTES
    _, _, crc, _ = _HEADER.unpack_from(data, start)
    if google_crc32c.value(data[body_start:end]) != crc:
        raise PeerFrameError("the checksum of a frame's body does not fit")
    code, app_id, index = _BODY.unpack_from(data, body_start)
    return PeerFrame(code, Gpid(app_id, index), data[body_start + _BODY.size : end])
