"""Blocks: golden bytes, and what is not taken for a block."""

import pytest

from pegasus_server.mutation_log.record import (
    BLOCK_HEAD_BYTES,
    DIRECTORY_ENTRY_BYTES,
    BlockKind,
    BlockPlace,
    decode_body,
    decode_head,
    encode_block,
    encode_listing,
)
from tests.fakes.log_bytes import mutation, written

ID = b"segm0001"
PLACE = BlockPlace(ID, 3, 0x01020304, 0, 0)
TWO = [mutation(0, 7, body=b"first"), mutation(1, 2, ballot=5, body=b"second")]

GOLDEN = bytes.fromhex(
    "7365676d30303031"  # segment id
    "03000000"  # sequence
    "04030201"  # crc of the previous head
    "0000000000000000"  # offset
    "0000000000000000"  # synced up to
    "00000000"  # kind: mutations
    "02000000"  # count
    "0b000000"  # body length
    "f33fb709"  # crc of the body
    "a552d938"  # crc of fixed part and directory
    # partition 1.0, ballot 1, decree 7, timestamp, length, crc
    "0100000000000000"
    "0100000000000000"
    "0700000000000000"
    "47420f0000000000"
    "05000000"
    "fbbc706e"
    # partition 1.1, ballot 5, decree 2
    "0100000001000000"
    "0500000000000000"
    "0200000000000000"
    "42420f0000000000"
    "06000000"
    "9759a50d"
    "6669727374"
    "7365636f6e64"
)


def test_golden_bytes() -> None:
    block = encode_block(PLACE, TWO)
    assert (block.head + block.body).hex() == GOLDEN.hex()
    assert len(block.head) == BLOCK_HEAD_BYTES + 2 * DIRECTORY_ENTRY_BYTES


def test_golden_bytes_decode() -> None:
    head = decode_head(GOLDEN, 0, ID)
    assert head is not None
    assert head.place == PLACE
    assert head.end == len(GOLDEN)
    assert decode_body(GOLDEN, head) == (TWO, [])
    assert head.written() == [written(0, 7), written(1, 2, ballot=5)]


def test_listing() -> None:
    entries = [written(0, 7), written(1, 2, ballot=5)]
    block = encode_listing(PLACE, BlockKind.INDEX, entries)
    head = decode_head(block.head, 0, ID)
    assert head is not None
    assert (head.kind, head.written(), block.body) == (BlockKind.INDEX, entries, b"")


def test_empty_block_carries_only_its_proof() -> None:
    block = encode_block(PLACE, [])
    head = decode_head(block.head, 0, ID)
    assert head is not None
    assert decode_body(block.head, head) == ([], [])


def test_block_of_another_segment_is_none() -> None:
    assert decode_head(GOLDEN, 0, b"segm0002") is None


def test_block_at_another_place_is_none() -> None:
    assert decode_head(b"\0" * 8 + GOLDEN, 8, ID) is None


@pytest.mark.parametrize("end", [0, 7, BLOCK_HEAD_BYTES - 1, BLOCK_HEAD_BYTES + 41])
def test_cut_head_is_none(end: int) -> None:
    assert decode_head(GOLDEN[:end], 0, ID) is None


def test_proof_beyond_the_block_itself_is_none() -> None:
    later = encode_block(PLACE._replace(offset=64, synced_upto=64), TWO)
    data = bytearray(bytes(64) + later.head + later.body)
    assert decode_head(bytes(data), 64, ID) is not None
    with pytest.raises(AssertionError):
        encode_block(PLACE._replace(offset=64, synced_upto=65), TWO)
    data[64 + 24] += 1  # synced_upto
    assert decode_head(bytes(data), 64, ID) is None


def test_damaged_body_costs_only_the_mutation_it_hits() -> None:
    for at, lost, left in ((-1, 1, 0), (-7, 0, 1)):
        data = bytearray(GOLDEN)
        data[at] ^= 1
        head = decode_head(bytes(data), 0, ID)
        assert head is not None
        mutations, damaged = decode_body(bytes(data), head)
        assert mutations == [TWO[left]]
        assert damaged == [head.written()[lost]]


def test_cut_body_keeps_what_is_whole() -> None:
    head = decode_head(GOLDEN, 0, ID)
    assert head is not None
    mutations, damaged = decode_body(GOLDEN[:-1], head)
    assert (mutations, damaged) == ([TWO[0]], [head.written()[1]])
