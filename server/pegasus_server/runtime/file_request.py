"""What a learner says on a connection for files, and what it is answered. Pure.

A connection for files is opened beside those for messages, so that a copy never stands before a
prepare, and carries one request:

    request   magic 4s | body length u32 | crc32c of the body u32 | crc32c of the 12 bytes before u32
              body: a StreamRequest in MessagePack
    answer    for each range asked for, in order: bytes that follow u64, or GONE; then the bytes

Big-endian. The learner knows size and checksum of every file beforehand (LearnFile), so the answer
bears none. The magic tells the connection from those of clients and of messages.
"""

import struct
from typing import Final

import google_crc32c
import msgspec

from pegasus_server.runtime.peer_frame import PeerFrameError
from pegasus_tab.base.ids import Gpid, NodeName
from pegasus_tab.base.limits import MIB

FILE_MAGIC: Final = b"PTF1"
REQUEST_BYTES_MAX: Final = 4 * MIB
GONE: Final = (1 << 64) - 1
"""In place of a length: there is no such file, or not so much of it."""
LENGTH: Final = struct.Struct(">Q")

_HEADER: Final = struct.Struct(">4sIII")
_CHECKED: Final = struct.Struct(">4sII")


class FileRange(msgspec.Struct, frozen=True, array_like=True):
    """A stretch of a file.

    Attributes:
        name: as in the LearnFile.
        offset: first byte wanted, >= 0.
        bytes: how many, >= 0.
    """

    name: str
    offset: int
    bytes: int


class StreamRequest(msgspec.Struct, frozen=True):
    """Learner to primary: send these.

    Attributes:
        cluster: name of the cluster.
        sender: the learner.
        receiver: the primary.
        app_id: the table.
        partition_index: the partition.
        ranges: what is wanted, in this order.
    """

    cluster: str
    sender: NodeName
    receiver: NodeName
    app_id: int
    partition_index: int
    ranges: tuple[FileRange, ...]

    @property
    def gpid(self) -> Gpid:
        """The partition."""
        return Gpid(self.app_id, self.partition_index)


_decode = msgspec.msgpack.Decoder(StreamRequest).decode
_encode = msgspec.msgpack.Encoder().encode


def encode_request(request: StreamRequest) -> bytes:
    """Make the bytes of a request."""
    body = _encode(request)
    checked = _CHECKED.pack(FILE_MAGIC, len(body), google_crc32c.value(body))
    return b"".join((checked, google_crc32c.value(checked).to_bytes(4, "big"), body))


def decode_request(data: bytes) -> StreamRequest | None:
    """Read a request from the first bytes of a connection.

    Returns:
        None as long as it is not complete.

    Raises:
        PeerFrameError: this is no request of a server of this version.
    """
    if len(data) < _HEADER.size:
        return None
    magic, length, crc, header_crc = _HEADER.unpack_from(data)
    if magic != FILE_MAGIC or google_crc32c.value(data[: _CHECKED.size]) != header_crc:
        raise PeerFrameError("the header of a request for files is damaged")
    if length > REQUEST_BYTES_MAX:
        raise PeerFrameError(f"a request for files of {length} bytes is too large")
    body = data[_HEADER.size : _HEADER.size + length]
    if len(body) < length:
        return None
    if google_crc32c.value(body) != crc:
        raise PeerFrameError("the checksum of a request for files does not fit")
    try:
        return _decode(body)
    except msgspec.DecodeError as error:
        raise PeerFrameError(f"a request for files is damaged: {error}") from error
