"""Any cut, flip or rubbish: replay gives back a prefix of what was written, and says so.

The row "log reader" of the fuzz table, reference/reliability.md 6.
"""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from pegasus_server.mutation_log.replay import Recovery, SegmentReading, recover
from pegasus_server.mutation_log.segment import scan_segment
from pegasus_server.mutation_log.segment_header import HEADER_BYTES, read_header
from pegasus_tab.base.ids import Decree
from tests.fakes.log_bytes import SegmentBytes, gpid, recovered, suspect
from tests.property.log_strategies import (
    NOTHING_DURABLE,
    PARTITIONS,
    Group,
    groups,
    of_partition,
    segment_of,
)


def shortened(found: Recovery, drawn: Sequence[Group]) -> list[int]:
    """List the partitions that did not get everything; none gets anything else."""
    short = []
    for index in range(PARTITIONS):
        given_back = found.replay.replicas[gpid(index)].mutations
        expected = of_partition(drawn, index)
        assert given_back == expected[: len(given_back)]
        if len(given_back) < len(expected):
            short.append(index)
    return short


@settings(deadline=None)
@given(groups())
def test_round_trip(drawn: list[Group]) -> None:
    found = recovered(segment_of(drawn), durable=NOTHING_DURABLE)
    assert shortened(found, drawn) == []
    assert found.replay.is_clean
    assert found.replay.findings == []


@settings(deadline=None)
@given(groups(), st.integers(0, 2000))
def test_truncation_is_a_torn_tail(drawn: list[Group], cut: int) -> None:
    segment = segment_of(drawn)
    size = min(HEADER_BYTES + cut, len(segment.data))
    segment.data = segment.data[:size]
    found = recovered(segment, durable=NOTHING_DURABLE)
    whole = sum(
        end <= size
        for end in [*segment.offsets[1:], *([segment_of(drawn).end_offset] * bool(drawn))]
    )
    assert shortened(found, drawn) == shortened(
        recovered(segment_of(drawn[:whole]), durable=NOTHING_DURABLE), drawn
    )
    assert all(suspect(found, index) is None for index in range(PARTITIONS))
    assert found.replay.is_clean == (size in {*segment.offsets, segment_of(drawn).end_offset})


@settings(deadline=None)
@given(groups(), st.integers(0, HEADER_BYTES - 1))
def test_truncation_of_the_header_is_damage(drawn: list[Group], size: int) -> None:
    segment = segment_of(drawn)
    segment.data = segment.data[:size]
    found = recovered(segment, durable=NOTHING_DURABLE)
    assert found.doubted == {gpid(index) for index in range(PARTITIONS)}
    assert not found.replay.is_clean


@settings(deadline=None)
@given(groups(), st.integers(0, 2000))
def test_truncation_of_a_closed_segment_is_damage(drawn: list[Group], cut: int) -> None:
    first = segment_of(drawn)
    second = first.successor().add_index()
    size = min(HEADER_BYTES + cut, len(first.data))
    is_cut = size < len(first.data)
    first.data = first.data[:size]
    # Without an index that knows better, everyone who lost something is suspect, or doubted.
    second = SegmentBytes(second.number, second.start_offset)
    found = recovered(first, second, durable=NOTHING_DURABLE)
    short = shortened(found, drawn)
    assert all(suspect(found, index) is not None for index in short)
    assert found.replay.is_clean == (not is_cut)


@settings(deadline=None)
@given(groups(), st.booleans(), st.data())
def test_no_bit_flip_passes_unnoticed(
    drawn: list[Group], is_marked: bool, data: st.DataObject
) -> None:
    segment = segment_of(drawn)
    if is_marked:
        segment.add()  # what an idle or closed log ends with
    bit = data.draw(st.integers(0, len(segment.data) * 8 - 1))
    flipped = bytearray(segment.data)
    flipped[bit // 8] ^= 1 << bit % 8
    segment.data = bytes(flipped)
    found = recovered(segment, durable=NOTHING_DURABLE)
    short = shortened(found, drawn)
    proven = segment.offsets[-1] if segment.offsets else HEADER_BYTES
    if bit // 8 < proven:
        assert all(suspect(found, index) is not None for index in short)
    else:  # the last block: nothing tells it from a torn tail
        last = {each.gpid.partition_index for each in (drawn or [[]])[-1]}
        assert set(short) <= last
        assert all(suspect(found, index) is None for index in range(PARTITIONS))
    if short:
        assert not found.replay.is_clean
        assert found.replay.findings != []


@settings(deadline=None)
@given(groups(), st.integers(0, 4), st.binary(min_size=1, max_size=300), st.data())
def test_overwritten_bytes(
    drawn: list[Group], durable: int, rubbish: bytes, data: st.DataObject
) -> None:
    segment = segment_of(drawn).add()
    at = data.draw(st.integers(HEADER_BYTES, len(segment.data)))
    segment.data = segment.data[:at] + rubbish + segment.data[at + len(rubbish) :]
    found = recovered(segment, durable=dict.fromkeys(range(PARTITIONS), durable))
    for index in range(PARTITIONS):
        given_back = found.replay.replicas[gpid(index)].mutations
        expected = of_partition(drawn, index)[durable:]
        assert given_back == expected[: len(given_back)]
        if len(given_back) < len(expected):
            assert suspect(found, index) is not None or not found.replay.is_clean


@settings(deadline=None)
@given(st.binary(max_size=2000))
def test_rubbish_is_no_log(rubbish: bytes) -> None:
    header = read_header(rubbish)
    assert header.header is None
    scan = scan_segment(bytes(HEADER_BYTES) + rubbish, b"segm0001", 0)
    assert scan.parts == []
    durable = {gpid(0): Decree(0)}
    found = recover([SegmentReading("segment.000001", 1, header, None)], durable)
    assert found.replay.replicas[gpid(0)].mutations == []
    assert found.replay.replicas[gpid(0)].suspect is not None


@settings(deadline=None)
@given(groups(), st.binary(max_size=300))
def test_rubbish_behind_the_end(drawn: list[Group], rubbish: bytes) -> None:
    segment = segment_of(drawn)
    segment.data += rubbish
    found = recovered(segment, durable=NOTHING_DURABLE)
    assert shortened(found, drawn) == []
    assert found.replay.is_clean == (not rubbish.strip(b"\0"))
