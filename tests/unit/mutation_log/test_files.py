"""The shared log: segments come, roll and go; nothing is lost by crash, damage or a full disk."""

import errno
import os
from pathlib import Path

import google_crc32c
import pytest

from pegasus_server.mutation_log.errors import LogFailedError, LogFullError, LogRefusedError
from pegasus_server.mutation_log.files import SharedLog
from pegasus_server.mutation_log.segment_birth import SegmentBirth
from pegasus_tab.base.ids import Decree
from tests.fakes.log_bytes import CLUSTER, NODE, gpid, mutation
from tests.fakes.log_folder import FakeFolder
from tests.fakes.open_log import (
    SEGMENT_BYTES,
    append,
    damaged_log,
    decrees,
    durable,
    entropy,
    open_log,
    segments,
)


@pytest.fixture
def folder() -> FakeFolder:
    return FakeFolder()


class TestLife:
    def test_begins_with_one_segment(self, folder: FakeFolder) -> None:
        log, replay = open_log(folder)
        assert segments(folder) == ["segment.000001"]
        assert len(folder.read("segment.000001")) == SEGMENT_BYTES
        assert (replay.findings, replay.is_clean) == ([], True)
        log.close()

    def test_gives_back_what_was_appended(self, folder: FakeFolder) -> None:
        log, _ = open_log(folder)
        log.append_group([mutation(0, 1), mutation(1, 1), mutation(0, 2)])
        log.sync()
        log.close()
        log, replay = open_log(folder)
        assert replay.replicas[gpid(0)].mutations == [mutation(0, 1), mutation(0, 2)]
        assert replay.replicas[gpid(1)].mutations == [mutation(1, 1)]
        assert replay.is_clean

    def test_every_start_begins_a_new_segment(self, folder: FakeFolder) -> None:
        for _ in range(3):
            open_log(folder)[0].close()
        assert segments(folder) == [f"segment.{number:06d}" for number in (1, 2, 3)]

    def test_close_gives_back_unused_space(self, folder: FakeFolder) -> None:
        log, _ = open_log(folder)
        append(log, 0, 1, 1)
        log.prepare_spare()
        log.close()
        assert segments(folder) == ["segment.000001"]
        assert len(folder.read("segment.000001")) < 6000

    def test_rolls_when_full(self, folder: FakeFolder) -> None:
        log, _ = open_log(folder)
        append(log, 0, 1, 9)
        assert segments(folder) == [f"segment.{number:06d}" for number in (1, 2, 3)]
        log, replay = open_log(folder)
        assert decrees(replay, 0) == list(range(1, 10))
        assert replay.is_clean

    def test_old_segment_is_synced_before_the_next_exists(self, folder: FakeFolder) -> None:
        """In class os too: the new header says where the old segment ends."""
        log, _ = open_log(folder)
        folder.events.clear()
        for decree in range(1, 5):
            log.append_group([mutation(0, decree, body=b"x" * 1000)])
        assert "sync" in folder.events[: folder.events.index("rename segment.000002")]
        folder.power_cut(seed=3)
        _, replay = open_log(folder)
        assert decrees(replay, 0)[:3] == [1, 2, 3]

    def test_rolls_into_the_spare(self, folder: FakeFolder) -> None:
        log, _ = open_log(folder, size=20_000)
        wanted = [log.wants_spare]
        append(log, 0, 1, 4)
        wanted.append(log.wants_spare)
        append(log, 0, 5, 9)
        wanted.append(log.wants_spare)
        log.prepare_spare()
        wanted.append(log.wants_spare)
        assert wanted == [False, False, True, False]
        assert "segment.spare" in folder.names()
        folder.faults["create"] = errno.EIO
        append(log, 0, 10, 20)
        assert segments(folder) == ["segment.000001", "segment.000002"]

    def test_block_larger_than_a_segment(self, folder: FakeFolder) -> None:
        log, _ = open_log(folder)
        append(log, 0, 1, 1, body_bytes=3 * SEGMENT_BYTES)
        append(log, 0, 2, 2)
        _, replay = open_log(folder)
        assert decrees(replay, 0) == [1, 2]

    def test_bytes_held(self, folder: FakeFolder) -> None:
        log, _ = open_log(folder)
        empty = log.bytes_held
        append(log, 0, 1, 9)
        assert 9000 < log.bytes_held - empty < 9000 + 9 * 200 + 2 * 5000
        held = log.bytes_held
        log.delete_below(durable({0: 9, 1: 0}))
        assert log.bytes_held < held // 2
        _, _ = open_log(folder)

    def test_leftovers_of_a_crash_are_swept(self, folder: FakeFolder) -> None:
        for name in ("manifest.new", "segment.new", "segment.spare"):
            folder.create(name, 100)
        open_log(folder)
        assert folder.names() == ["manifest", "segment.000001"]

    def test_real_folder(self, tmp_path: Path) -> None:
        for round_number in range(3):
            log, replay = SharedLog.open(
                tmp_path / "log",
                cluster=CLUSTER,
                node=NODE,
                segment_bytes_max=SEGMENT_BYTES,
                durable=durable({0: 0}),
                entropy=os.urandom,
            )
            assert decrees(replay, 0) == list(range(1, 5 * round_number + 1))
            append(log, 0, 5 * round_number + 1, 5 * round_number + 5)
            log.close()


class TestCrash:
    def test_synced_mutations_survive_a_power_cut(self, folder: FakeFolder) -> None:
        for seed in range(20):
            folder.files.clear()
            log, _ = open_log(folder)
            append(log, 0, 1, 3)
            log.append_group([mutation(0, 4, body=b"y" * 3000)])
            folder.power_cut(seed)
            _, replay = open_log(folder)
            assert decrees(replay, 0) in ([1, 2, 3], [1, 2, 3, 4])
            assert replay.replicas[gpid(0)].suspect is None

    def test_what_only_the_page_cache_had_is_made_durable_at_open(self, folder: FakeFolder) -> None:
        """A failed fsync leaves pages that look written; replay must not build on them."""
        log, _ = open_log(folder)
        append(log, 0, 1, 1)
        log.append_group([mutation(0, 2)])
        folder.faults["sync"] = errno.EIO
        with pytest.raises(LogFailedError, match="cannot sync the log"):
            log.sync()
        folder.faults.clear()
        _, replay = open_log(folder)
        assert decrees(replay, 0) == [1, 2]
        for name in folder.names():
            folder.power_cut(seed=len(name))
        _, replay = open_log(folder)
        assert decrees(replay, 0) == [1, 2]
        assert replay.replicas[gpid(0)].suspect is None

    def test_opening_again_gives_the_same(self, folder: FakeFolder) -> None:
        log, _ = open_log(folder)
        append(log, 0, 1, 5)
        log.append_group([mutation(1, 1)])
        first = open_log(folder)[1]
        for _ in range(3):
            again = open_log(folder)[1]
            assert again.replicas == first.replicas

    def test_torn_tail_stays_for_who_wants_to_look(self, folder: FakeFolder) -> None:
        log, _ = open_log(folder)
        append(log, 0, 1, 2)
        file = folder.files["segment.000001"]
        end = len(bytes(file.cached).rstrip(b"\0"))
        del file.cached[end - 1 :]
        _, replay = open_log(folder)
        assert decrees(replay, 0) == [1]
        assert len(replay.findings) == 1
        assert len(folder.read("segment.000001")) == end - 1
        _, again = open_log(folder)
        assert (again.findings, again.is_clean) == ([], True)
        assert decrees(again, 0) == [1]

    def test_mark_proves_the_last_block(self, folder: FakeFolder) -> None:
        log, _ = open_log(folder)
        append(log, 0, 1, 2)
        before = len(bytes(folder.files["segment.000001"].cached).rstrip(b"\0"))
        log.mark()
        log.mark()
        folder.flip_bit("segment.000001", (before - 1) * 8)
        _, replay = open_log(folder)
        assert replay.replicas[gpid(0)].suspect == "lost: decree 2"


class TestDeletion:
    def full(self, folder: FakeFolder) -> SharedLog:
        """Segments 1 to 3 hold decrees 1..3, 4..6, 7 of partition 0; 1.1 has one in segment 2."""
        log, _ = open_log(folder)
        append(log, 0, 1, 3)
        append(log, 0, 4, 5)
        append(log, 1, 1, 1)
        append(log, 0, 6, 6)
        append(log, 0, 7, 7)
        return log

    def test_needs_every_replica_durable(self, folder: FakeFolder) -> None:
        log = self.full(folder)
        assert log.delete_below(durable({0: 2, 1: 0})) == []
        assert log.delete_below(durable({0: 7, 1: 0})) == [Path("segment.000001")]
        assert log.delete_below(durable({0: 7, 1: 1})) == [Path("segment.000002")]
        assert "segment.000003" in folder.names()

    def test_replay_after_deletion(self, folder: FakeFolder) -> None:
        log = self.full(folder)
        log.delete_below(durable({0: 3, 1: 0}))
        _, replay = open_log(folder, {0: 3, 1: 0})
        assert decrees(replay, 0) == [4, 5, 6, 7]
        assert replay.is_clean

    def test_dropped_partitions_hold_nothing(self, folder: FakeFolder) -> None:
        log = self.full(folder)
        assert len(log.delete_below(durable({1: 1}))) >= 2

    def test_current_segment_stays(self, folder: FakeFolder) -> None:
        log = self.full(folder)
        log.delete_below(durable({0: 99, 1: 99}))
        assert len(segments(folder)) == 1

    def test_failing_disk_is_fatal(self, folder: FakeFolder) -> None:
        log = self.full(folder)
        folder.faults["delete"] = errno.EIO
        with pytest.raises(LogFailedError, match="cannot delete log segments"):
            log.delete_below(durable({0: 7, 1: 1}))


class TestDamage:
    def test_is_the_same_at_every_start(self, folder: FakeFolder) -> None:
        _, replay = damaged_log(folder)
        assert decrees(replay, 0) == [1]
        assert replay.replicas[gpid(0)].suspect == "lost: decree 2"
        assert replay.replicas[gpid(1)].suspect is not None
        for _ in range(3):
            log, again = open_log(folder)
            assert again.replicas == replay.replicas
            log.close()

    def test_damaged_segment_is_kept_while_a_replica_is_suspect(self, folder: FakeFolder) -> None:
        log, _ = damaged_log(folder)
        assert log.delete_below(durable({0: 3, 1: 0})) == []

    def test_and_set_aside_when_all_is_settled(self, folder: FakeFolder) -> None:
        log, _ = damaged_log(folder)
        log.discard_above(gpid(1), Decree(0))
        log.discard_above(gpid(0), Decree(1))
        log.append_group([mutation(0, 2, ballot=2)])
        log.sync()
        assert log.delete_below(durable({0: 1, 1: 0})) == [Path("segment.000001")]
        assert "segment.000001.damaged" in folder.names()
        log, replay = open_log(folder, {0: 1, 1: 0})
        assert decrees(replay, 0) == [2]
        assert replay.is_clean
        assert folder.names()[-1] == "segment.000003"

    def test_discard_keeps_the_ballot_of_what_stays(self, folder: FakeFolder) -> None:
        log, _ = open_log(folder)
        log.append_group([mutation(0, 1, ballot=4), mutation(0, 2, ballot=4)])
        log.discard_above(gpid(0), Decree(1))
        log.close()
        log, _ = open_log(folder)
        log.close()
        _, replay = open_log(folder)
        assert replay.replicas[gpid(0)].mutations == [mutation(0, 1, ballot=4)]
        assert replay.replicas[gpid(0)].suspect is None

    def test_settled_replicas_stay_settled(self, folder: FakeFolder) -> None:
        log, _ = damaged_log(folder)
        log.discard_above(gpid(0), Decree(1))
        log.append_group([mutation(0, 2, ballot=2)])
        log.sync()
        _, replay = open_log(folder)
        assert decrees(replay, 0) == [1, 2]
        assert replay.replicas[gpid(0)].suspect is None
        assert replay.replicas[gpid(1)].suspect is not None

    def test_dropping_the_suspects_settles_it_too(self, folder: FakeFolder) -> None:
        log, _ = damaged_log(folder)
        assert log.delete_below(durable({})) == [Path("segment.000001")]


class TestFullDisk:
    def test_roll_without_space(self, folder: FakeFolder) -> None:
        log, _ = open_log(folder)
        append(log, 0, 1, 3)
        folder.bytes_max = SEGMENT_BYTES + 1000
        before = folder.read("segment.000001")
        for _ in range(2):
            with pytest.raises(LogFullError, match="cannot make a log segment of 8192 bytes"):
                append(log, 0, 4, 4)
        with pytest.raises(LogFullError):
            log.prepare_spare()
        assert folder.read("segment.000001") == before
        folder.bytes_max = None
        append(log, 0, 4, 4)
        _, replay = open_log(folder)
        assert decrees(replay, 0) == [1, 2, 3, 4]

    def test_half_written_group_is_cut_back(self, folder: FakeFolder) -> None:
        """Where space is not really reserved: a group grows the file and hits the limit."""
        log, _ = open_log(folder)
        append(log, 0, 1, 1)
        folder.bytes_max = 3 * SEGMENT_BYTES
        with pytest.raises(LogFullError, match="cannot write to the log"):
            append(log, 0, 2, 2, body_bytes=3 * SEGMENT_BYTES)
        folder.bytes_max = None
        append(log, 0, 2, 2)
        _, replay = open_log(folder)
        assert decrees(replay, 0) == [1, 2]
        assert replay.is_clean

    def test_mark_is_left_out(self, folder: FakeFolder) -> None:
        """On file systems that copy on write, preallocated space may run out all the same."""
        log, _ = open_log(folder)
        append(log, 0, 1, 1)
        folder.faults["write"] = errno.ENOSPC
        log.mark()
        folder.faults.clear()
        append(log, 0, 2, 2)
        _, replay = open_log(folder)
        assert decrees(replay, 0) == [1, 2]
        assert replay.is_clean

    def test_start_with_little_space(self, folder: FakeFolder) -> None:
        log, _ = open_log(folder, size=200_000)
        append(log, 0, 1, 1)
        folder.bytes_max = 100_000  # what the unused space of the first segment leaves
        log, replay = open_log(folder, size=200_000)
        assert decrees(replay, 0) == [1]
        assert log.wants_spare
        append(log, 0, 2, 2)
        with pytest.raises(LogFullError):
            append(log, 0, 3, 100)

    def test_start_without_any(self, folder: FakeFolder) -> None:
        log, _ = open_log(folder)
        append(log, 0, 1, 1)
        folder.bytes_max = 0
        for _ in range(2):
            with pytest.raises(LogFullError):
                open_log(folder)
        folder.bytes_max = None
        assert decrees(open_log(folder)[1], 0) == [1]


class TestFailingDisk:
    @pytest.mark.parametrize("operation", ["create", "write", "sync", "rename"])
    def test_at_open(self, folder: FakeFolder, operation: str) -> None:
        open_log(folder)[0].close()
        folder.faults[operation] = errno.EIO
        with pytest.raises(LogFailedError):
            open_log(folder)

    def test_while_writing(self, folder: FakeFolder) -> None:
        log, _ = open_log(folder)
        folder.faults["write"] = errno.EIO
        with pytest.raises(LogFailedError, match="cannot write to the log: injected"):
            append(log, 0, 1, 1)

    def test_full_disk_at_sync_is_a_failure(self, folder: FakeFolder) -> None:
        log, _ = open_log(folder)
        log.append_group([mutation(0, 1)])
        folder.faults["sync"] = errno.ENOSPC
        with pytest.raises(LogFailedError):
            log.sync()


class TestRefusal:
    def opened_by(self, folder: FakeFolder, cluster: str, node: str) -> None:
        SharedLog.open_with(SegmentBirth(folder, cluster, node, entropy), SEGMENT_BYTES, {})

    def test_another_nodes_log(self, folder: FakeFolder) -> None:
        open_log(folder)[0].close()
        before = folder.read("segment.000001")
        for cluster, node in ((CLUSTER, "other"), ("other", NODE)):
            with pytest.raises(LogRefusedError, match=r"segment.000001 belongs to node node of"):
                self.opened_by(folder, cluster, node)
        assert folder.read("segment.000001") == before
        assert segments(folder) == ["segment.000001"]

    def test_newer_format_by_name(self, folder: FakeFolder) -> None:
        open_log(folder)[0].close()
        open_log(folder)[0].close()
        cached = folder.files["segment.000002"].cached
        preamble = bytes(cached[:8]) + (7).to_bytes(4, "little")
        preamble += google_crc32c.value(preamble).to_bytes(4, "little")
        for copy in (0, 2048):
            cached[copy : copy + 16] = preamble
        with pytest.raises(LogRefusedError, match=r"segment.000002 is of log format 7, this"):
            open_log(folder)
        assert segments(folder) == ["segment.000001", "segment.000002"]

    @pytest.mark.parametrize("fault", [errno.EIO, errno.EACCES])
    def test_unreadable_file(self, folder: FakeFolder, fault: int) -> None:
        open_log(folder)[0].close()
        folder.faults["read"] = fault
        before = {name: bytes(file.cached) for name, file in folder.files.items()}
        with pytest.raises(LogRefusedError, match="cannot read manifest of the log"):
            open_log(folder)
        assert {name: bytes(file.cached) for name, file in folder.files.items()} == before

    def test_newer_manifest_by_name(self, folder: FakeFolder) -> None:
        open_log(folder)[0].close()
        preamble = b"PTABMAN\n" + (7).to_bytes(4, "little")
        preamble += google_crc32c.value(preamble).to_bytes(4, "little")
        folder.files["manifest"].cached[:16] = preamble
        with pytest.raises(LogRefusedError, match=r"manifest is of log format 7, this"):
            open_log(folder)

    def test_read_only_folder(self, folder: FakeFolder) -> None:
        folder.faults["create"] = errno.EROFS
        with pytest.raises(LogRefusedError, match="the log is not writable"):
            open_log(folder)

    def test_folder_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(LogRefusedError, match="cannot make"):
            SharedLog.open(
                tmp_path / "file" / "log",
                cluster=CLUSTER,
                node=NODE,
                segment_bytes_max=SEGMENT_BYTES,
                durable={},
                entropy=entropy,
            )

    def test_renamed_segment_is_damage(self, folder: FakeFolder) -> None:
        log, _ = open_log(folder)
        append(log, 0, 1, 1)
        log.close()
        folder.rename("segment.000001", "segment.000005")
        _, replay = open_log(folder)
        assert decrees(replay, 0) == []
        assert replay.replicas[gpid(0)].suspect is not None
