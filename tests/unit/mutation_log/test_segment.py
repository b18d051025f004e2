"""Scanning a segment: blocks, damage, torn tails, and what proves which."""

from pegasus_server.mutation_log.record import BLOCK_HEAD_BYTES, DIRECTORY_ENTRY_BYTES, BlockKind
from pegasus_server.mutation_log.segment import Block, Damage, TornTail
from pegasus_server.mutation_log.segment_header import HEADER_BYTES
from tests.fakes.log_bytes import SegmentBytes, mutation, written

GOLDEN_BLOCKS = bytes.fromhex(
    # an index of partition 1.0: nothing yet but decree 0
    "7365676d30303031"  # segment id
    "00000000"  # sequence
    "ab725a50"  # crc of the header
    "0010000000000000"  # offset
    "0010000000000000"  # synced up to
    "01000000"  # kind: index
    "01000000"  # count
    "00000000"  # body length
    "00000000"  # crc of the body
    "d98f6345"  # crc of fixed part and directory
    "0100000000000000"  # partition
    "0100000000000000"  # ballot
    "0000000000000000"  # decree
    "0000000000000000"
    "00000000"
    "00000000"
    # one mutation of 1.0
    "7365676d30303031"
    "01000000"
    "d98f6345"
    "5c10000000000000"
    "5c10000000000000"
    "00000000"  # kind: mutations
    "01000000"
    "02000000"
    "c2d99df5"
    "41f08010"
    "0100000000000000"
    "0100000000000000"
    "0100000000000000"
    "41420f0000000000"  # timestamp
    "02000000"
    "da20ff52"
    "6869"
)


def three_blocks() -> SegmentBytes:
    return (
        SegmentBytes()
        .add(mutation(0, 1), mutation(1, 1))
        .add(mutation(0, 2))
        .add(mutation(1, 2), mutation(0, 3))
    )


def test_golden_bytes() -> None:
    segment = SegmentBytes().add_index(written(0, 0)).add(mutation(0, 1, body=b"hi"))
    assert segment.data[HEADER_BYTES:].hex() == GOLDEN_BLOCKS.hex()


def test_whole_segment() -> None:
    segment = three_blocks()
    scan = segment.scan()
    assert scan.parts == [
        Block(segment.offsets[0], BlockKind.MUTATIONS, [mutation(0, 1), mutation(1, 1)]),
        Block(segment.offsets[1], BlockKind.MUTATIONS, [mutation(0, 2)]),
        Block(segment.offsets[2], BlockKind.MUTATIONS, [mutation(1, 2), mutation(0, 3)]),
    ]
    assert (scan.end, scan.synced_upto) == (len(segment.data), segment.offsets[2])
    assert scan.torn is None


def test_zeros_behind_the_end_are_nothing() -> None:
    segment = three_blocks()
    end = len(segment.data)
    segment.data += bytes(9000)
    scan = segment.scan()
    assert (scan.end, scan.torn, len(scan.parts)) == (end, None, 3)


def test_empty_segment() -> None:
    scan = SegmentBytes().scan()
    assert (scan.parts, scan.end, scan.synced_upto) == ([], HEADER_BYTES, HEADER_BYTES)


def test_cut_last_block_is_a_torn_tail() -> None:
    segment = three_blocks()
    segment.data = segment.data[:-1]
    scan = segment.scan()
    assert len(scan.parts) == 2
    assert scan.end == segment.offsets[2]
    assert scan.torn == TornTail(
        segment.offsets[2], len(segment.data), [written(0, 3), written(1, 2)]
    )


def test_cut_last_head_is_a_torn_tail_of_unknown_content() -> None:
    segment = three_blocks()
    segment.data = segment.data[: segment.offsets[2] + BLOCK_HEAD_BYTES]
    scan = segment.scan()
    assert scan.torn == TornTail(segment.offsets[2], len(segment.data), [])


def test_garbage_behind_the_end_is_a_torn_tail() -> None:
    segment = three_blocks()
    end = len(segment.data)
    segment.data += b"\0\0garbage\0"
    scan = segment.scan()
    assert (len(scan.parts), scan.end) == (3, end)
    assert scan.torn == TornTail(end, end + 9, [])


def test_later_blocks_without_proof_go_with_the_torn_one() -> None:
    """Blocks of one unsynced stretch reach the disk in any order."""
    segment = SegmentBytes().add(mutation(0, 1))
    synced = len(segment.data)
    segment.add(mutation(0, 2), synced=synced).add(mutation(1, 1), synced=synced)
    segment.flip_directory(1)
    scan = segment.scan()
    assert scan.end == segment.offsets[1] == synced
    assert [part.offset for part in scan.parts if isinstance(part, Block)] == [segment.offsets[0]]
    assert scan.torn == TornTail(synced, len(segment.data), [written(1, 1)])


def test_later_proof_makes_it_damage() -> None:
    segment = three_blocks()
    segment.flip_directory(1)
    scan = segment.scan()
    assert scan.parts[1] == Damage(segment.offsets[1], segment.offsets[2], None)
    assert isinstance(scan.parts[2], Block)
    assert (scan.end, scan.torn) == (len(segment.data), None)


def test_a_head_alone_is_proof_enough() -> None:
    """The last block is torn itself, but it was begun after block 1 was synced."""
    segment = three_blocks()
    segment.flip_directory(1)
    segment.data = segment.data[:-1]
    scan = segment.scan()
    assert scan.parts[1:] == [Damage(segment.offsets[1], segment.offsets[2], None)]
    assert scan.end == segment.offsets[2]
    assert scan.torn is not None


def test_damaged_body_names_what_is_lost_and_keeps_the_rest() -> None:
    segment = SegmentBytes().add(mutation(0, 1), mutation(1, 1)).add(mutation(0, 2))
    segment.flip_body(0)
    scan = segment.scan()
    assert scan.parts[:2] == [
        Damage(segment.offsets[0], segment.offsets[1], [written(1, 1)]),
        Block(segment.offsets[0], BlockKind.MUTATIONS, [mutation(0, 1)]),
    ]


def test_closed_segment_has_no_torn_tail() -> None:
    segment = three_blocks()
    end = len(segment.data)
    segment.data = segment.data[:-1]
    scan = segment.scan(closed=end)
    assert scan.torn is None
    assert (scan.end, scan.synced_upto) == (end, end)
    assert scan.parts[2:] == [
        Damage(segment.offsets[2], end - 1, [written(0, 3)]),
        Block(segment.offsets[2], BlockKind.MUTATIONS, [mutation(1, 2)]),
    ]


def test_closed_segment_cut_at_a_block_is_damaged() -> None:
    segment = three_blocks()
    end = len(segment.data)
    segment.data = segment.data[: segment.offsets[1]]
    assert segment.scan(closed=end).parts[1:] == [Damage(segment.offsets[1], end, None)]


def test_what_lies_behind_the_close_is_not_read() -> None:
    segment = three_blocks()
    scan = segment.scan(closed=segment.offsets[2])
    assert len(scan.parts) == 2
    assert scan.end == segment.offsets[2]


def test_block_that_does_not_continue_its_predecessor_shows_damage() -> None:
    """The chain: a block replaced by another of equal length, as after a lost write."""
    segment = three_blocks()
    other = SegmentBytes().add(mutation(0, 1), mutation(1, 1, body=b"9.9.9"))
    start, end = segment.offsets[0], segment.offsets[1]
    assert len(other.data) == end
    segment.data = segment.data[:start] + other.data[start:] + segment.data[end:]
    assert Damage(end, end, None) in segment.scan().parts


def test_directory_of_many_partitions() -> None:
    mutations = [mutation(index, 1) for index in range(1000)]
    segment = SegmentBytes().add(*mutations)
    (block,) = segment.scan().parts
    assert isinstance(block, Block)
    assert block.mutations == mutations
    assert len(segment.data) > HEADER_BYTES + 1000 * DIRECTORY_ENTRY_BYTES
