"""Segment headers: golden bytes, the second copy, newer formats."""

import google_crc32c
import pytest

from pegasus_server.mutation_log.segment_header import HEADER_BYTES, SegmentHeader, read_header

HEADER = SegmentHeader(12, b"segm0012", 40960, "c1", "node-a")

GOLDEN_COPY = bytes.fromhex(
    "505441424c4f470a"  # magic
    "01000000"  # format
    "11f2d154"  # crc of these
    "0c00000000000000"  # number
    "7365676d30303132"  # segment id
    "00a0000000000000"  # start offset
    "02006331"  # cluster
    "06006e6f64652d61"  # node
    "1159ea98"  # crc of everything before
)


def test_golden_bytes() -> None:
    encoded = HEADER.encode()
    assert encoded[: len(GOLDEN_COPY)].hex() == GOLDEN_COPY.hex()
    assert encoded == GOLDEN_COPY.ljust(HEADER_BYTES // 2, b"\0") * 2


def test_golden_bytes_decode() -> None:
    reading = read_header(GOLDEN_COPY.ljust(HEADER_BYTES // 2, b"\0") * 2)
    assert reading.header == HEADER
    assert reading.damaged_copies == 0
    assert reading.crc == int.from_bytes(GOLDEN_COPY[-4:], "little")


@pytest.mark.parametrize("damaged", [0, HEADER_BYTES // 2])
def test_either_copy_will_do(damaged: int) -> None:
    data = bytearray(HEADER.encode())
    data[damaged + 20] ^= 1
    reading = read_header(bytes(data))
    assert reading.header == HEADER
    assert reading.damaged_copies == 1


def test_no_copy_left() -> None:
    data = bytearray(HEADER.encode())
    data[20] ^= 1
    data[HEADER_BYTES // 2 + 20] ^= 1
    assert read_header(bytes(data)).header is None


@pytest.mark.parametrize("size", [0, 1, 11, 15, 100, 2047, 2048, HEADER_BYTES - 1])
def test_cut_header_is_no_header(size: int) -> None:
    """A segment enters the log with a whole header on disk: less is damage."""
    reading = read_header(HEADER.encode()[:size])
    assert (reading.header, reading.newer_format) == (None, None)


def test_newer_format_is_told_from_damage() -> None:
    preamble = HEADER.encode()[:8] + (2).to_bytes(4, "little")
    preamble += google_crc32c.value(preamble).to_bytes(4, "little")
    reading = read_header(preamble.ljust(HEADER_BYTES, b"\xee"))
    assert (reading.header, reading.newer_format) == (None, 2)


def test_flipped_version_is_damage() -> None:
    data = bytearray(HEADER.encode())
    for copy in (0, HEADER_BYTES // 2):
        data[copy + 8] = 2
    assert read_header(bytes(data)).newer_format is None


def test_overlong_names_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 512 bytes"):
        SegmentHeader(1, b"segm0001", 0, "c" * 513, "n").encode()
