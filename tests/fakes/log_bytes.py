"""Segments as bytes, built block by block, for tests of what reads them."""

from collections.abc import Mapping, Sequence

from pegasus_server.mutation_log.mutation import ContentOf, Mutation, whole_body
from pegasus_server.mutation_log.opening import segment_name
from pegasus_server.mutation_log.record import (
    BlockKind,
    BlockPlace,
    EncodedBlock,
    Written,
    encode_block,
    encode_listing,
)
from pegasus_server.mutation_log.replay import Recovery, SegmentReading, closed_at, recover
from pegasus_server.mutation_log.segment import SegmentScan, scan_segment
from pegasus_server.mutation_log.segment_header import SegmentHeader, read_header
from pegasus_tab.base.ids import Ballot, Decree, Gpid

CLUSTER = "cluster"
NODE = "node"


def gpid(index: int) -> Gpid:
    return Gpid(1, index)


def mutation(index: int, decree: int, *, ballot: int = 1, body: bytes | None = None) -> Mutation:
    """A mutation of partition 1.<index> whose body tells it from every other."""
    if body is None:
        body = f"{index}.{ballot}.{decree}".encode()
    return Mutation(gpid(index), Ballot(ballot), Decree(decree), 1_000_000 + decree, body)


def written(index: int, decree: int, *, ballot: int = 1) -> Written:
    return Written(gpid(index), Ballot(ballot), Decree(decree))


class SegmentBytes:
    """A segment under construction.

    ``offsets`` are the starts of its blocks. Every block says that all before it was synced,
    except when ``synced`` says otherwise.
    """

    def __init__(self, number: int = 1, start_offset: int = 0) -> None:
        self.number = number
        self.start_offset = start_offset
        self.segment_id = f"segm{number:04d}".encode()
        header = SegmentHeader(number, self.segment_id, start_offset, CLUSTER, NODE)
        self.data = header.encode()
        self.offsets: list[int] = []
        self._previous_crc = read_header(self.data).crc

    @property
    def end_offset(self) -> int:
        return self.start_offset + len(self.data)

    def successor(self, blocks: int | None = None) -> "SegmentBytes":
        """Begin the next segment; this one ends before its block number ``blocks``."""
        end = len(self.data) if blocks is None else self.offsets[blocks]
        return SegmentBytes(self.number + 1, self.start_offset + end)

    def place(self, synced: int | None = None) -> BlockPlace:
        offset = len(self.data)
        return BlockPlace(
            self.segment_id,
            len(self.offsets),
            self._previous_crc,
            offset,
            offset if synced is None else synced,
        )

    def add(self, *mutations: Mutation, synced: int | None = None) -> "SegmentBytes":
        return self._add(encode_block(self.place(synced), mutations))

    def add_index(self, *entries: Written) -> "SegmentBytes":
        return self._add(encode_listing(self.place(), BlockKind.INDEX, entries))

    def add_discard(self, *entries: Written) -> "SegmentBytes":
        return self._add(encode_listing(self.place(), BlockKind.DISCARD, entries))

    def _add(self, block: EncodedBlock) -> "SegmentBytes":
        self.offsets.append(len(self.data))
        self.data += block.head + block.body
        self._previous_crc = block.head_crc
        return self

    def flip(self, offset: int) -> None:
        """Damage one byte."""
        self.data = self.data[:offset] + bytes([self.data[offset] ^ 0x10]) + self.data[offset + 1 :]

    def flip_directory(self, block: int) -> None:
        """Damage a block so that its content becomes unknown."""
        self.flip(self.offsets[block] + 4)

    def flip_body(self, block: int) -> None:
        """Damage the last byte of a block."""
        end = [*self.offsets, len(self.data)][block + 1]
        self.flip(end - 1)

    def scan(self, closed: int | None = None) -> SegmentScan:
        return scan_segment(self.data, self.segment_id, read_header(self.data).crc, closed)


def read(segments: Sequence[SegmentBytes]) -> list[SegmentReading]:
    """Read segments as the opening of a log does."""
    headers = {each.number: read_header(each.data) for each in segments}
    readings = []
    for each in segments:
        name, header = segment_name(each.number), headers[each.number].header
        if header is None:
            readings.append(SegmentReading(name, each.number, headers[each.number], None))
            continue
        successor = headers.get(each.number + 1)
        scan = each.scan(closed_at(header, successor.header if successor else None))
        readings.append(SegmentReading(name, each.number, headers[each.number], scan))
    return readings


def recovered(
    *segments: SegmentBytes,
    durable: Mapping[int, int] | None = None,
    content_of: ContentOf = whole_body,
) -> Recovery:
    """Recover; ``durable`` maps partition indexes to decrees, by default 0 and 1 to 0."""
    decrees = {0: 0, 1: 0} if durable is None else durable
    return recover(
        read(segments),
        {gpid(index): Decree(decree) for index, decree in decrees.items()},
        content_of=content_of,
    )


def decrees(recovery: Recovery, index: int) -> list[int]:
    """The decrees given back to a partition."""
    return [each.decree for each in recovery.replay.replicas[gpid(index)].mutations]


def suspect(recovery: Recovery, index: int) -> str | None:
    return recovery.replay.replicas[gpid(index)].suspect
