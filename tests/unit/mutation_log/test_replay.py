"""What a log means after a crash, replica by replica."""

import pytest

from pegasus_server.mutation_log.record import Written
from pegasus_server.mutation_log.segment_header import HEADER_BYTES
from pegasus_server.replication import log_body
from pegasus_tab.base.ids import Ballot, Decree, Gpid
from tests.fakes.log_bytes import (
    SegmentBytes,
    decrees,
    gpid,
    mutation,
    recovered,
    suspect,
    written,
)


def test_empty_log() -> None:
    found = recovered(durable={0: 4})
    assert decrees(found, 0) == []
    assert suspect(found, 0) is None
    assert found.replay.is_clean
    assert found.replay.findings == []


def test_replicas_get_their_own_in_order() -> None:
    first = SegmentBytes().add(mutation(0, 1), mutation(1, 1)).add(mutation(0, 2))
    second = first.successor().add(mutation(1, 2), mutation(0, 3))
    found = recovered(first, second)
    assert (decrees(found, 0), decrees(found, 1)) == ([1, 2, 3], [1, 2])
    assert found.replay.replicas[gpid(0)].mutations[2] == mutation(0, 3)
    assert found.replay.is_clean


def test_durable_decrees_are_not_replayed() -> None:
    segment = SegmentBytes().add(mutation(0, 5), mutation(0, 6), mutation(0, 7))
    found = recovered(segment, durable={0: 6})
    assert decrees(found, 0) == [7]
    assert suspect(found, 0) is None


def test_log_behind_the_engine_is_fine() -> None:
    found = recovered(SegmentBytes().add(mutation(0, 5)), durable={0: 9})
    assert (decrees(found, 0), suspect(found, 0)) == ([], None)


def test_gap_behind_the_durable_decree_is_suspect() -> None:
    """A15: the first log decree is at most durable + 1."""
    found = recovered(SegmentBytes().add(mutation(0, 7), mutation(0, 8)), durable={0: 4})
    assert decrees(found, 0) == []
    assert suspect(found, 0) == "lost: decrees 5..6"
    assert found.replay.findings == ["partition 1.0 is suspect: lost: decrees 5..6"]


def test_replay_stops_at_the_first_hole() -> None:
    segment = SegmentBytes().add(mutation(0, 1), mutation(0, 3), mutation(0, 5), mutation(1, 1))
    found = recovered(segment)
    assert decrees(found, 0) == [1]
    assert suspect(found, 0) == "lost: decree 2, decree 4"
    assert suspect(found, 1) is None


def test_highest_ballot_wins() -> None:
    segment = SegmentBytes().add(mutation(0, 1), mutation(0, 2)).add(mutation(0, 2, ballot=3))
    segment.add(mutation(0, 1, ballot=2))
    found = recovered(segment)
    assert found.replay.replicas[gpid(0)].mutations == [
        mutation(0, 1, ballot=2),
        mutation(0, 2, ballot=3),
    ]


BROKEN = "ballot 1 decree 1 was logged with two contents"


def test_same_ballot_and_decree_twice() -> None:
    """One mutation may be logged twice; two of one name break A7."""
    same = SegmentBytes().add(mutation(0, 1)).add(mutation(0, 1))
    assert suspect(recovered(same), 0) is None
    other = SegmentBytes().add(mutation(0, 1)).add(mutation(0, 1, body=b"other"))
    assert suspect(recovered(other), 0) == BROKEN
    later = SegmentBytes().add(mutation(0, 1)).add(mutation(0, 1)._replace(timestamp_us=7))
    assert suspect(recovered(later), 0) == BROKEN


def test_what_is_noted_beside_a_mutation_is_no_other_content() -> None:
    def logged(born: int, committed: int, batch: bytes) -> SegmentBytes:
        first = log_body.join(Ballot(1), Decree(0), b"batch")
        again = log_body.join(Ballot(born), Decree(committed), batch)
        return SegmentBytes().add(mutation(0, 1, body=first)).add(mutation(0, 1, body=again))

    def verdict(segment: SegmentBytes) -> str | None:
        return suspect(recovered(segment, content_of=log_body.content), 0)

    assert verdict(logged(1, 7, b"batch")) is None
    assert verdict(logged(1, 7, b"bitch")) == BROKEN
    assert verdict(logged(2, 0, b"batch")) == BROKEN


def test_mutations_of_no_replica_are_reported() -> None:
    segment = SegmentBytes().add(mutation(0, 1), mutation(7, 1), mutation(7, 2))
    found = recovered(segment)
    assert decrees(found, 0) == [1]
    assert found.replay.findings == [
        "2 mutations skipped, no replica here is of their partitions: 1.7"
    ]
    assert gpid(7) not in found.replay.replicas


class TestKnownLoss:
    """The damaged block's directory survived."""

    def lost(self, durable: int) -> tuple[list[int], str | None, list[str]]:
        segment = SegmentBytes().add(mutation(0, 1)).add(mutation(0, 2)).add(mutation(1, 1))
        segment.flip_body(1)
        found = recovered(segment, durable={0: durable, 1: 0})
        assert suspect(found, 1) is None, "the other replica lost nothing"
        assert not found.replay.is_clean
        return decrees(found, 0), suspect(found, 0), found.replay.findings

    def test_is_suspect_also_at_the_end(self) -> None:
        replayed, why, findings = self.lost(durable=0)
        assert (replayed, why) == ([1], "lost: decree 2")
        assert findings == [
            "segment.000001: bytes 4193 to 4290 were synced and are damaged; lost: 1.0 decree 2",
            "partition 1.0 is suspect: lost: decree 2",
        ]

    def test_is_harmless_when_the_engine_has_it(self) -> None:
        replayed, why, findings = self.lost(durable=2)
        assert (replayed, why) == ([], None)
        assert len(findings) == 1

    def test_newer_ballot_lost_is_not_replaced_by_the_older(self) -> None:
        segment = SegmentBytes().add(mutation(0, 1)).add(mutation(0, 1, ballot=2)).add()
        segment.flip_body(1)
        found = recovered(segment)
        assert (decrees(found, 0), suspect(found, 0)) == ([], "lost: decree 1")


class TestUnknownLoss:
    """The damaged block's directory is gone too."""

    def damaged(self) -> SegmentBytes:
        segment = SegmentBytes().add(mutation(0, 1), mutation(1, 1)).add(mutation(0, 2))
        segment.add(mutation(0, 3))
        segment.flip_directory(1)
        return segment

    def test_gap_shows_who_lost_what(self) -> None:
        found = recovered(self.damaged())
        assert (decrees(found, 0), suspect(found, 0)) == ([1], "lost: decree 2")

    def test_silence_behind_the_damage_is_suspect(self) -> None:
        found = recovered(self.damaged())
        assert decrees(found, 1) == [1]
        assert suspect(found, 1) == (
            "decrees after 1 may be lost"
            " (segment.000001: bytes 4238 to 4335 were synced and are damaged)"
        )
        assert found.doubted == {gpid(1)}

    def test_continuation_clears(self) -> None:
        found = recovered(self.damaged().add(mutation(1, 2)))
        assert suspect(found, 1) is None
        assert decrees(found, 1) == [1, 2]

    def test_index_clears_who_had_nothing_more(self) -> None:
        found = recovered(self.damaged().add_index(written(0, 3), written(1, 1)))
        assert suspect(found, 1) is None
        assert found.doubted == set()

    def test_index_names_what_is_missing(self) -> None:
        found = recovered(self.damaged().add_index(written(0, 3), written(1, 4)))
        assert suspect(found, 1) == "lost: decrees 2..4"
        assert found.doubted == set()

    def test_index_before_the_damage_says_nothing(self) -> None:
        segment = SegmentBytes().add_index(written(1, 1)).add(mutation(0, 1)).add()
        segment.flip_directory(1)
        assert recovered(segment).doubted == {gpid(0), gpid(1)}

    def test_durable_decree_covers_what_lies_before_the_next(self) -> None:
        found = recovered(self.damaged(), durable={0: 2, 1: 1})
        assert (decrees(found, 0), suspect(found, 0)) == ([3], None)
        assert found.doubted == {gpid(1)}

    def test_ballot_change_across_the_damage_is_suspect(self) -> None:
        """Decree 1 may have been prepared again, with another content, in what is lost."""
        found = recovered(self.damaged().add(mutation(1, 2, ballot=2)))
        why = suspect(found, 1)
        assert why is not None
        assert why.startswith("ballot 1 decree 1 is followed by ballot 2 decree 2 across ")

    def test_discard_settles_it(self) -> None:
        found = recovered(self.damaged().add_discard(written(1, 1, ballot=0)))
        assert suspect(found, 1) is None
        assert decrees(found, 1) == [1]
        assert found.doubted == set()


class TestSegments:
    def test_torn_tail_of_the_last(self) -> None:
        segment = SegmentBytes().add(mutation(0, 1)).add(mutation(0, 2))
        segment.data = segment.data[:-1]
        found = recovered(segment)
        assert (decrees(found, 0), suspect(found, 0)) == ([1], None)
        (finding,) = found.replay.findings
        assert finding == (
            "segment.000001: torn tail of 96 bytes cut at 4193; it was never synced,"
            " dropped: 1.0 decree 2"
        )
        assert not found.replay.is_clean

    def test_the_same_cut_in_an_earlier_segment_is_damage(self) -> None:
        first = SegmentBytes().add(mutation(0, 1)).add(mutation(0, 2))
        second = first.successor().add_index(written(0, 2))
        first.data = first.data[: first.offsets[1]]
        found = recovered(first, second)
        assert (decrees(found, 0), suspect(found, 0)) == ([1], "lost: decree 2")

    def test_missing_segment(self) -> None:
        first = SegmentBytes().add(mutation(0, 1), mutation(1, 1))
        second = first.successor().add(mutation(0, 2))
        third = second.successor().add(mutation(0, 3))
        found = recovered(first, third)
        assert suspect(found, 0) == "lost: decree 2"
        assert suspect(found, 1) == (
            "decrees after 1 may be lost (segment 2 of the log is missing)"
        )
        assert [segment.is_missing for segment in found.segments] == [False, True, False]

    def test_deleted_first_segments_are_no_damage(self) -> None:
        found = recovered(SegmentBytes(number=5).add(mutation(0, 9)), durable={0: 8})
        assert (decrees(found, 0), suspect(found, 0)) == ([9], None)
        assert found.replay.is_clean

    def test_unreadable_header(self) -> None:
        first = SegmentBytes().add(mutation(0, 1), mutation(1, 1))
        second = first.successor().add(mutation(0, 2))
        third = second.successor().add_index(written(0, 2), written(1, 1)).add(mutation(0, 3))
        second.data = bytes(HEADER_BYTES) + second.data[HEADER_BYTES:]
        found = recovered(first, second, third)
        assert (decrees(found, 0), suspect(found, 0)) == ([1], "lost: decree 2")
        assert suspect(found, 1) is None

    def test_damaged_header_copy_is_reported(self) -> None:
        segment = SegmentBytes().add(mutation(0, 1))
        segment.flip(20)
        found = recovered(segment)
        assert decrees(found, 0) == [1]
        assert found.replay.findings == [
            "segment.000001: one of two copies of the header is damaged"
        ]


class TestGoingOn:
    """What the log needs to continue."""

    def test_unproven_blocks_are_carried(self) -> None:
        segment = SegmentBytes().add(mutation(0, 1)).add(mutation(0, 2))
        found = recovered(segment)
        assert [block.mutations for block in found.carried] == [[mutation(0, 2)]]
        assert found.start_offset == segment.offsets[1]
        assert decrees(found, 0) == [1, 2]

    def test_proven_blocks_are_not(self) -> None:
        segment = SegmentBytes().add(mutation(0, 1)).add()
        found = recovered(segment)
        assert [block.mutations for block in found.carried] == [[]]
        assert found.start_offset == segment.offsets[1]

    def test_continuing_at_the_cut_gives_the_same(self) -> None:
        first = SegmentBytes().add(mutation(0, 1)).add(mutation(0, 2))
        second = first.successor(blocks=1).add_index(written(0, 2)).add(mutation(0, 2))
        found = recovered(first, second)
        assert decrees(found, 0) == [1, 2]
        assert found.replay.is_clean

    def test_segments_know_their_highest_decrees(self) -> None:
        first = SegmentBytes().add(mutation(0, 1), mutation(0, 2), mutation(1, 1))
        second = first.successor().add(mutation(0, 3))
        found = recovered(first, second)
        assert [segment.highest for segment in found.segments] == [
            {gpid(0): 2, gpid(1): 1},
            {gpid(0): 3},
        ]
        assert found.highest == {gpid(0): written(0, 3), gpid(1): written(1, 1)}

    def test_discard_lowers_them(self) -> None:
        segment = (
            SegmentBytes().add(mutation(0, 4), mutation(0, 5)).add_discard(written(0, 3, ballot=0))
        )
        found = recovered(segment, durable={0: 3})
        assert decrees(found, 0) == []
        assert suspect(found, 0) is None
        assert found.segments[0].highest == {gpid(0): 3}
        assert found.highest == {gpid(0): written(0, 3, ballot=0)}

    def test_mutations_behind_a_discard_count(self) -> None:
        segment = SegmentBytes().add(mutation(0, 3), mutation(0, 9))
        segment.add_discard(written(0, 3, ballot=0)).add(mutation(0, 4, ballot=2))
        found = recovered(segment, durable={0: 2})
        assert decrees(found, 0) == [3, 4]
        assert suspect(found, 0) is None


@pytest.mark.parametrize("count", [20, 2000])
def test_texts_stay_short(count: int) -> None:
    """Also when thousands of partitions or decrees are concerned."""
    segment = SegmentBytes().add(*[mutation(index, 1) for index in range(count)])
    segment.add(*[mutation(0, 3 + 2 * step) for step in range(count)]).add()
    segment.flip_body(0)
    found = recovered(segment, durable={0: 0})
    assert max(map(len, found.replay.findings)) < 600
    assert found.highest[Gpid(1, count - 1)] == Written(gpid(count - 1), *written(0, 1)[1:])
