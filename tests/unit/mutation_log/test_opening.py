"""Opening a log of which a file, or a part of one, is gone: nothing is lost without a word."""

import errno
from pathlib import Path

import pytest

from pegasus_server.mutation_log.errors import LogFailedError
from pegasus_server.mutation_log.replay import Replay
from pegasus_tab.base.ids import Decree
from tests.fakes.log_bytes import gpid, mutation
from tests.fakes.log_folder import FakeFolder
from tests.fakes.open_log import append, damaged_log, decrees, durable, open_log, segments


@pytest.fixture
def folder() -> FakeFolder:
    return FakeFolder()


class TestMissingSegment:
    """Whoever deletes a segment file by hand is told what that cost."""

    def three(self, folder: FakeFolder) -> None:
        """Segments 1 to 3 hold decrees 1..3, 4..6, 7 of partition 0; nothing of partition 1."""
        log, _ = open_log(folder)
        append(log, 0, 1, 7)
        assert len(segments(folder)) == 3

    def suspects(self, replay: Replay) -> dict[int, str | None]:
        return {each.partition_index: found.suspect for each, found in replay.replicas.items()}

    def test_newest(self, folder: FakeFolder) -> None:
        self.three(folder)
        folder.delete(["segment.000003"])
        for _ in range(3):
            log, replay = open_log(folder)
            assert decrees(replay, 0) == [1, 2, 3, 4, 5, 6]
            assert self.suspects(replay) == {
                0: "decrees after 6 may be lost (segment 3 of the log is missing)",
                1: "decrees after 0 may be lost (segment 3 of the log is missing)",
            }
            assert not replay.is_clean
            log.close()
        assert "segment.000003" not in segments(folder), "a number is never used twice"

    def test_one_that_was_just_born(self, folder: FakeFolder) -> None:
        log, _ = open_log(folder)
        append(log, 0, 1, 1)
        log.close()
        log, _ = open_log(folder)
        append(log, 0, 2, 2)
        folder.delete(["segment.000002"])
        replay = open_log(folder)[1]
        assert decrees(replay, 0) == [1]
        assert None not in self.suspects(replay).values()

    def test_all(self, folder: FakeFolder) -> None:
        self.three(folder)
        folder.delete(segments(folder))
        replay = open_log(folder)[1]
        assert self.suspects(replay)[0] == (
            "decrees after 0 may be lost (segments 1 to 3 of the log are missing)"
        )

    def test_oldest_is_judged_by_the_index_behind_it(self, folder: FakeFolder) -> None:
        self.three(folder)
        folder.delete(["segment.000001"])
        replay = open_log(folder)[1]
        assert self.suspects(replay) == {0: "lost: decrees 1..3", 1: None}
        replay = open_log(folder, {0: 3, 1: 0})[1]
        assert self.suspects(replay) == {0: None, 1: None}
        assert decrees(replay, 0) == [4, 5, 6, 7]

    def test_oldest_while_no_index_vouches_for_anything(self, folder: FakeFolder) -> None:
        log, _ = damaged_log(folder)
        log.close()
        folder.delete(["segment.000001"])
        replay = open_log(folder)[1]
        assert None not in self.suspects(replay).values()

    def test_is_remembered_until_it_is_settled(self, folder: FakeFolder) -> None:
        self.three(folder)
        folder.delete(["segment.000003"])
        log, _ = open_log(folder)
        assert log.delete_below(durable({0: 9, 1: 9})) == [
            Path("segment.000001"),
            Path("segment.000002"),
        ]
        log, replay = open_log(folder, {0: 6, 1: 0})
        assert None not in self.suspects(replay).values()
        log.discard_above(gpid(0), Decree(6))
        log.discard_above(gpid(1), Decree(0))
        log.append_group([mutation(0, 7, ballot=2)])
        log.sync()
        # What stood for segment 3 goes with the empty segment behind it.
        assert log.delete_below(durable({0: 6, 1: 0})) == [Path("segment.000004")]
        _, replay = open_log(folder, {0: 6, 1: 0})
        assert decrees(replay, 0) == [7]
        assert (self.suspects(replay), replay.is_clean) == ({0: None, 1: None}, True)

    def test_deleted_as_the_log_deletes_is_not_missing(self, folder: FakeFolder) -> None:
        self.three(folder)
        log, _ = open_log(folder)
        assert len(log.delete_below(durable({0: 7, 1: 0}))) == 3
        log.close()
        log, replay = open_log(folder, {0: 7, 1: 0})
        assert (replay.findings, replay.is_clean) == ([], True)

    @pytest.mark.parametrize("is_damaged", [False, True], ids=["missing", "damaged"])
    def test_manifest_itself_is_not_needed(self, folder: FakeFolder, *, is_damaged: bool) -> None:
        """Thus a log that an older version wrote can be used."""
        self.three(folder)
        if is_damaged:
            for slot in (0, 4096):
                folder.flip_bit("manifest", (slot + 20) * 8)
        else:
            folder.delete(["manifest"])
        _, replay = open_log(folder)
        assert decrees(replay, 0) == list(range(1, 8))
        assert self.suspects(replay) == {0: None, 1: None}
        (finding,) = replay.findings
        assert finding.startswith("the manifest is missing or damaged")
        assert open_log(folder)[1].findings == []

    def test_full_disk_at_the_manifest_of_a_new_segment_is_a_failure(
        self, folder: FakeFolder
    ) -> None:
        log, _ = open_log(folder)
        append(log, 0, 1, 3)

        def refuse(event: str) -> None:
            if event.startswith("rename"):
                folder.faults["write"] = errno.ENOSPC

        folder.on_event = refuse
        with pytest.raises(LogFailedError, match="cannot write the log's manifest"):
            append(log, 0, 4, 4)

    def test_full_disk_does_not_hinder_deletion(self, folder: FakeFolder) -> None:
        self.three(folder)
        log, _ = open_log(folder)
        folder.bytes_max = sum(len(file.cached) for file in folder.files.values())
        assert len(log.delete_below(durable({0: 7, 1: 0}))) == 3


class TestUnreadableSector:
    """What the disk fails to read is damage of that page, nothing more."""

    def filled(self, folder: FakeFolder) -> None:
        """Segment 1: index and decrees 1..3 of partition 0; segment 2: decrees 4..6."""
        log, _ = open_log(folder, size=16_384)
        append(log, 0, 1, 3, body_bytes=3500)
        append(log, 1, 1, 1)
        append(log, 0, 4, 6)

    def test_in_the_middle(self, folder: FakeFolder) -> None:
        self.filled(folder)
        folder.unreadable["segment.000001"] = {2}
        for _ in range(2):
            _, replay = open_log(folder)
            assert decrees(replay, 0) == [1]
            assert replay.replicas[gpid(0)].suspect == "lost: decrees 2..3"
            assert replay.replicas[gpid(1)].suspect is None
            assert "segment.000001: the disk failed to read 4096 bytes" in replay.findings

    def test_in_the_header(self, folder: FakeFolder) -> None:
        self.filled(folder)
        folder.unreadable["segment.000001"] = {0}
        _, replay = open_log(folder)
        assert decrees(replay, 0) == []
        assert replay.replicas[gpid(0)].suspect == "lost: decrees 1..3"
        assert replay.replicas[gpid(1)].suspect == "lost: decree 1"

    @pytest.mark.parametrize("page", [1, 2, 3])
    def test_at_the_end_is_no_torn_tail(self, folder: FakeFolder, page: int) -> None:
        """Also where nothing seems to be: an index or a block may have been."""
        log, _ = open_log(folder, size=16_384)
        append(log, 0, 1, 2, body_bytes=3500)
        folder.unreadable["segment.000001"] = {page}
        for _ in range(2):
            _, replay = open_log(folder)
            given_back = decrees(replay, 0)
            assert given_back == [1, 2][: len(given_back)]
            for each in replay.replicas.values():
                assert each.suspect is not None

    def test_manifest(self, folder: FakeFolder) -> None:
        self.filled(folder)
        folder.unreadable["manifest"] = {0, 1}
        _, replay = open_log(folder)
        assert decrees(replay, 0) == [1, 2, 3, 4, 5, 6]
        assert len(replay.findings) == 1
