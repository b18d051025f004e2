"""The first 4 KiB of a segment: which log it belongs to, and its place in it. Pure.

    preamble   magic 8s | format version u32 | crc32c of these u32
    fields     segment number u64 | segment id 8s | start offset u64
               | cluster (length u16, UTF-8) | node (same) | crc32c of everything before u32

The header is written twice, at 0 and at 2048, so that one damaged sector does not make the segment
unreadable. Every future format keeps the preamble, so that an older server can refuse a newer
segment by name instead of taking it for damage.
"""

import struct
from dataclasses import dataclass

import google_crc32c

from pegasus_server.mutation_log.record import SEGMENT_ID_BYTES

HEADER_BYTES = 4096
FORMAT_VERSION = 1
NAME_BYTES_MAX = 512
"""Longest cluster or node id, in UTF-8 bytes."""

_MAGIC = b"PTABLOG\n"
_PREAMBLE = struct.Struct("<8sI")
_FIELDS = struct.Struct("<Q8sQ")
_LENGTH = struct.Struct("<H")
_CRC = struct.Struct("<I")
_COPY_BYTES = HEADER_BYTES // 2
assert (
    _PREAMBLE.size + _CRC.size + _FIELDS.size + 2 * (_LENGTH.size + NAME_BYTES_MAX) + _CRC.size
    <= _COPY_BYTES
)


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """Identity and place of a segment.

    Attributes:
        number: 1, 2, ... in the order of writing; never used twice in a log.
        segment_id: random; every block of the segment carries it.
        start_offset: bytes of the log before this segment. Minus the previous segment's own start,
            it is where the previous segment ends: what lies there beyond does not belong to the log.
        cluster: id of the cluster.
        node: id of the node.
    """

    number: int
    segment_id: bytes
    start_offset: int
    cluster: str
    node: str

    def encode(self) -> bytes:
        """Encode as HEADER_BYTES bytes.

        Raises:
            ValueError: cluster or node is longer than NAME_BYTES_MAX bytes.
        """
        assert len(self.segment_id) == SEGMENT_ID_BYTES
        copy = _with_crc(_PREAMBLE.pack(_MAGIC, FORMAT_VERSION))
        copy += _FIELDS.pack(self.number, self.segment_id, self.start_offset)
        copy = _with_crc(copy + _name(self.cluster) + _name(self.node))
        return copy.ljust(_COPY_BYTES, b"\0") * 2


@dataclass(frozen=True, slots=True)
class HeaderReading:
    """What the first bytes of a segment file say.

    Attributes:
        header: the header, when a copy is intact.
        crc: crc of that copy, which block 0 names as its predecessor.
        newer_format: format version when the file was written by a newer one, else None.
        damaged_copies: how many of the two copies are not intact.
    """

    header: SegmentHeader | None
    crc: int
    newer_format: int | None
    damaged_copies: int


def read_header(data: bytes) -> HeaderReading:
    """Read a segment's header from its first HEADER_BYTES bytes; fewer mean damage. Never raises."""
    # A segment enters the log with its whole header on disk, so a shorter file is damaged.
    if len(data) < HEADER_BYTES:
        data = b""
    copies = [data[:_COPY_BYTES], data[_COPY_BYTES:HEADER_BYTES]]
    decoded = [_decode(copy) for copy in copies]
    intact = [found for found in decoded if found is not None]
    if intact:
        header, crc = intact[0]
        return HeaderReading(header, crc, None, len(copies) - len(intact))
    formats = [version for copy in copies if (version := _format(copy)) is not None]
    newer = max(formats, default=0)
    return HeaderReading(None, 0, newer if newer > FORMAT_VERSION else None, len(copies))


def _format(copy: bytes) -> int | None:
    """Read the format version behind an intact preamble."""
    if len(copy) < _PREAMBLE.size + _CRC.size:
        return None
    magic, version = _PREAMBLE.unpack_from(copy)
    (crc,) = _CRC.unpack_from(copy, _PREAMBLE.size)
    if magic != _MAGIC or google_crc32c.value(copy[: _PREAMBLE.size]) != crc:
        return None
    return int(version)


def _decode(copy: bytes) -> tuple[SegmentHeader, int] | None:
    if len(copy) < _COPY_BYTES or _format(copy) != FORMAT_VERSION:
        return None
    offset = _PREAMBLE.size + _CRC.size
    number, segment_id, start_offset = _FIELDS.unpack_from(copy, offset)
    offset += _FIELDS.size
    names: list[bytes] = []
    for _ in ("cluster", "node"):
        (length,) = _LENGTH.unpack_from(copy, offset)
        offset += _LENGTH.size
        if length > NAME_BYTES_MAX:
            return None
        names.append(copy[offset : offset + length])
        offset += length
    (crc,) = _CRC.unpack_from(copy, offset)
    if google_crc32c.value(copy[:offset]) != crc:
        return None
    cluster, node = (name.decode(errors="replace") for name in names)
    return SegmentHeader(number, segment_id, start_offset, cluster, node), crc


def _with_crc(data: bytes) -> bytes:
    return data + _CRC.pack(google_crc32c.value(data))


def _name(text: str) -> bytes:
    encoded = text.encode()
    if len(encoded) > NAME_BYTES_MAX:
        raise ValueError(f"an id of a cluster or node has at most {NAME_BYTES_MAX} bytes: {text!r}")
    return _LENGTH.pack(len(encoded)) + encoded
