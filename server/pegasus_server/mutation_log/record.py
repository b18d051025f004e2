"""Blocks and the mutations in them, as bytes (reference/reliability.md 2.5). Pure.

A block is one group write. All numbers are little-endian.

    fixed      segment id 8s | sequence u32 | crc of the previous block's head u32 | offset u64
               | synced_upto u64 | kind u32 | count u32 | body length u32 | crc32c of the body u32
    head crc   crc32c over fixed and directory, u32
    directory  count entries: app id i32 | partition index u32 | ballot u64 | decree u64
               | timestamp u64 | length u32 | crc32c of these fields and of the mutation's body u32
    body       the mutations' bodies, one after the other

Why so:
  * The random segment id and the block's own offset are under the head crc, so neither bytes of
    another segment nor a block written to the wrong place is ever taken for a block of this one.
  * The directory is under the head crc and apart from the bodies. Bodies are most of the bytes, so
    most damage leaves a readable directory, which names the partitions and decrees that are lost.
  * ``synced_upto`` says which bytes of the segment were on disk, by fdatasync, before this block
    was written. It is what tells damage from a torn tail (see ``replay``).
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

import google_crc32c

from pegasus_server.mutation_log.mutation import Mutation
from pegasus_tab.base.ids import Ballot, Decree, Gpid

_FIXED = struct.Struct("<8sIIQQIIII")
_CRC = struct.Struct("<I")
_ENTRY = struct.Struct("<iIQQQI")
_ENTRY_CRC_BYTES = 4
_DIRECTORY_ENTRY = struct.Struct("<iIQQQII")
assert _DIRECTORY_ENTRY.size == _ENTRY.size + _ENTRY_CRC_BYTES

SEGMENT_ID_BYTES = 8
BLOCK_HEAD_BYTES = _FIXED.size + _CRC.size
"""Length of fixed part and head crc; the directory follows."""
DIRECTORY_ENTRY_BYTES = _DIRECTORY_ENTRY.size
BODY_BYTES_MAX = 2**32 - 1


class BlockKind(IntEnum):
    """What the entries of a block's directory are.

    MUTATIONS: mutations, whose bodies follow. With no entry at all the block only carries its
        ``synced_upto``.
    INDEX: for every partition known to the log, the highest decree it holds (and its ballot) when
        the block was written; no bodies. Bounds what damage before it can have destroyed.
    DISCARD: for the partitions named, what was written before this block above the decree given
        is void: the owner gave it up. No bodies.
    """

    MUTATIONS = 0
    INDEX = 1
    DISCARD = 2


_KINDS = frozenset(BlockKind)

_gpid = lru_cache(maxsize=4096)(Gpid)
"""The same few ids name all mutations of a log; one object each keeps a replay small."""


class Written(NamedTuple):
    """That a mutation was written, whether or not its body can still be read."""

    gpid: Gpid
    ballot: Ballot
    decree: Decree


class BlockPlace(NamedTuple):
    """Where a block stands.

    Attributes:
        segment_id: random id of the segment, SEGMENT_ID_BYTES long.
        sequence: number of the block in its segment, from 0.
        previous_crc: head crc of the block before; crc of the segment header for block 0.
        offset: of the block's first byte in the segment.
        synced_upto: bytes of the segment known to be on disk, <= offset.
    """

    segment_id: bytes
    sequence: int
    previous_crc: int
    offset: int
    synced_upto: int


class EncodedBlock(NamedTuple):
    """A block's bytes in two parts, so that bodies are not copied once more.

    Attributes:
        head: fixed part, head crc, directory.
        body: the bodies.
        head_crc: what the next block names as ``previous_crc``.
    """

    head: bytes
    body: bytes
    head_crc: int


def encode_block(place: BlockPlace, mutations: Sequence[Mutation]) -> EncodedBlock:
    """Encode mutations, in order, as one block. About 0.5 us per mutation.

    Args:
        place: where it will be written.
        mutations: at most BODY_BYTES_MAX bytes of bodies; may be empty.
    """
    value = google_crc32c.value
    extend = google_crc32c.extend
    pack = _ENTRY.pack
    directory: list[bytes] = []
    for (app_id, partition_index), ballot, decree, timestamp_us, body in mutations:
        entry = pack(app_id, partition_index, ballot, decree, timestamp_us, len(body))
        directory.append(entry)
        directory.append(extend(value(entry), body).to_bytes(_ENTRY_CRC_BYTES, "little"))
    body = b"".join([mutation.body for mutation in mutations])
    return _encode(place, BlockKind.MUTATIONS, len(mutations), b"".join(directory), body)


def encode_listing(place: BlockPlace, kind: BlockKind, entries: Sequence[Written]) -> EncodedBlock:
    """Encode a block without bodies: INDEX or DISCARD."""
    assert kind is not BlockKind.MUTATIONS
    directory = b"".join(
        [_DIRECTORY_ENTRY.pack(*gpid, ballot, decree, 0, 0, 0) for gpid, ballot, decree in entries]
    )
    return _encode(place, kind, len(entries), directory, b"")


def _encode(
    place: BlockPlace, kind: BlockKind, count: int, directory: bytes, body: bytes
) -> EncodedBlock:
    assert place.synced_upto <= place.offset
    assert len(body) <= BODY_BYTES_MAX
    fixed = _FIXED.pack(*place, kind, count, len(body), google_crc32c.value(body))
    head_crc = google_crc32c.extend(google_crc32c.value(fixed), directory)
    return EncodedBlock(fixed + _CRC.pack(head_crc) + directory, body, head_crc)


@dataclass(frozen=True, slots=True)
class BlockHead:
    """The head of a block that passed its crc; the body may still be damaged.

    Attributes:
        place: where it stands; equal to where it was found.
        kind: what ``directory`` lists.
        directory: its bytes, whole entries.
        body_start: offset of the body in the segment.
        body_bytes: length of the body.
        body_crc: crc32c the body must have.
        head_crc: what the next block must name.
    """

    place: BlockPlace
    kind: BlockKind
    directory: bytes
    body_start: int
    body_bytes: int
    body_crc: int
    head_crc: int

    @property
    def end(self) -> int:
        """Offset of the first byte after the block."""
        return self.body_start + self.body_bytes

    def written(self) -> list[Written]:
        """List what the directory names, in order."""
        return [
            Written(_gpid(app_id, partition_index), ballot, decree)
            for app_id, partition_index, ballot, decree, *_ in _DIRECTORY_ENTRY.iter_unpack(
                self.directory
            )
        ]


def decode_head(data: bytes, offset: int, segment_id: bytes) -> BlockHead | None:
    """Read the block head at ``offset``, or tell that there is none.

    Args:
        data: the segment from its first byte.
        offset: where to look, >= 0.
        segment_id: the id it must carry.

    Returns:
        The head, or None when the bytes are not an intact head of this segment at this offset.
    """
    directory_start = offset + BLOCK_HEAD_BYTES
    if directory_start > len(data) or not data.startswith(segment_id, offset):
        return None
    *place, kind, count, body_bytes, body_crc = _FIXED.unpack_from(data, offset)
    directory_end = directory_start + count * DIRECTORY_ENTRY_BYTES
    if directory_end > len(data) or kind not in _KINDS:
        return None
    if place[3] != offset or place[4] > offset:
        return None
    directory = data[directory_start:directory_end]
    head_crc = google_crc32c.value(data[offset : offset + _FIXED.size])
    head_crc = google_crc32c.extend(head_crc, directory)
    if (head_crc,) != _CRC.unpack_from(data, offset + _FIXED.size):
        return None
    return BlockHead(
        BlockPlace(*place),
        BlockKind(kind),
        directory,
        directory_end,
        body_bytes,
        body_crc,
        head_crc,
    )


def decode_body(data: bytes, head: BlockHead) -> tuple[list[Mutation], list[Written]]:
    """Read the mutations of a MUTATIONS block.

    Args:
        data: the segment from its first byte; may end inside the body.
        head: from ``decode_head`` of the same bytes.

    Returns:
        The intact mutations, and those that are named but damaged; each in order.
    """
    body = data[head.body_start : head.end]
    intact = len(body) == head.body_bytes and google_crc32c.value(body) == head.body_crc
    mutations: list[Mutation] = []
    damaged: list[Written] = []
    start = 0
    for entry in _DIRECTORY_ENTRY.iter_unpack(head.directory):
        app_id, partition_index, ballot, decree, timestamp_us, length, crc = entry
        gpid = _gpid(app_id, partition_index)
        content = body[start : start + length]
        start += length
        if intact or _mutation_crc(entry, content) == crc:
            mutations.append(Mutation(gpid, ballot, decree, timestamp_us, content))
        else:
            damaged.append(Written(gpid, ballot, decree))
    if start != head.body_bytes:  # a writer's defect, not the disk's: believe none of it
        return [], head.written()
    return mutations, damaged


def _mutation_crc(entry: tuple[int, ...], content: bytes) -> int:
    return int(google_crc32c.extend(google_crc32c.value(_ENTRY.pack(*entry[:-1])), content))
