"""How servers of a cluster cut their conversation into frames. Pure.

    header   magic 4s | body length u32 | crc32c of the body u32 | crc32c of the 12 bytes before u32
    body     message code u8 | app id i32 | partition index i32 | payload

Big-endian. The header has a crc of its own, so that a length is believed only when it is surely one.
The first four bytes tell a server from a client, whose frames begin with THFT. Version 1 is part of
the magic; a later one gets another, so that servers of different versions part at the first frame.
"""

import struct
from functools import lru_cache
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
_CHECKED_BYTES: Final = _HEADER_CHECKED.size
_crc: Final = google_crc32c.value
_gpid = lru_cache(maxsize=4096)(Gpid)
"""The same few partitions are named by all frames."""
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


def encode_frame(code: int, gpid: Gpid, *payload: bytes) -> bytes:
    """Make a frame of a message that is encoded already. About 1.5 us, and 0.1 us per KiB.

    Args:
        code: see PeerFrame.
        gpid: see PeerFrame.
        payload: the message's own bytes, in pieces.

    Raises:
        PeerFrameError: the payload is too large to send.
    """
    body = b"".join((_BODY.pack(code, *gpid), *payload))
    if len(body) > PEER_FRAME_BYTES_MAX:
        raise PeerFrameError(f"a message of {len(body)} bytes is larger than a frame may be")
    checked = _HEADER_CHECKED.pack(PEER_MAGIC, len(body), _crc(body))
    return b"".join((checked, _crc(checked).to_bytes(4, "big"), body))


class PeerFrameReader:
    """Cuts a connection's bytes into frames.

    Invariant: at most one incomplete frame is kept, and none whose header did not pass its crc.
    """

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, data: bytes) -> list[PeerFrame]:
        """Take bytes in the order they came. About 2.5 us per frame.

        Returns:
            The frames that became complete.

        Raises:
            PeerFrameError: the bytes are wrong; nothing that follows can be read.
        """
        data = self._kept + data if self._kept else data
        frames: list[PeerFrame] = []
        start, size = 0, len(data)
        while size - start >= HEADER_BYTES:
            magic, length, body_crc, header_crc = _HEADER.unpack_from(data, start)
            if magic != PEER_MAGIC or _crc(data[start : start + _CHECKED_BYTES]) != header_crc:
                raise _wrong_header(magic)
            if not _BODY.size <= length <= PEER_FRAME_BYTES_MAX:
                raise PeerFrameError(f"a frame of {length} bytes is not in the bounds")
            body_start = start + HEADER_BYTES
            end = body_start + length
            if end > size:
                break
            body = data[body_start:end]
            if _crc(body) != body_crc:
                raise PeerFrameError("the checksum of a frame's body does not fit")
            code, app_id, index = _BODY.unpack_from(body)
            frames.append(PeerFrame(code, _gpid(app_id, index), body[_BODY.size :]))
            start = end
        self._kept = data[start:]
        return frames


def _wrong_header(magic: bytes) -> PeerFrameError:
    if magic != PEER_MAGIC:
        return PeerFrameError(f"a frame begins with {magic!r}, not {PEER_MAGIC!r}")
    return PeerFrameError("the checksum of a frame's header does not fit")
