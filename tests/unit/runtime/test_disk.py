"""The disk thread: who is acknowledged when, in health, on a full disk, on a failing one."""

import errno
import queue
import threading
from collections.abc import Callable
from functools import partial

import pytest

from pegasus_server.mutation_log.durability import Durability
from pegasus_server.mutation_log.errors import LogFailedError, LogFullError
from pegasus_server.mutation_log.files import SharedLog
from pegasus_server.mutation_log.mutation import Mutation
from pegasus_server.mutation_log.segment_birth import SegmentBirth
from pegasus_server.runtime import disk as disk_module
from pegasus_server.runtime.disk import DiskStoppedError, DiskThread
from pegasus_tab.base.ids import Ballot, Decree, Gpid
from tests.fakes.log_bytes import CLUSTER, NODE, gpid, mutation
from tests.fakes.log_folder import FakeFolder

WAIT_SECONDS = 20
"""Only a failing test waits so long."""


class Owner:
    """The thread that owns a DiskThread: a queue of deliveries, run when the test says so."""

    def __init__(self, folder: FakeFolder, durability: str, segment_bytes: int = 1 << 20) -> None:
        self.folder = folder
        self.deliveries: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self.acked: list[int] = []
        self.fatal: list[Exception] = []
        birth = SegmentBirth(folder, CLUSTER, NODE, lambda size: bytes(size - 1) + b"1")
        log, _ = SharedLog.open_with(birth, segment_bytes, {gpid(0): Decree(0)})
        folder.events.clear()
        self.disk = DiskThread(log, Durability.parse(durability), self._deliver, self.fatal.append)

    def _deliver(self, work: Callable[[], object]) -> None:
        self.folder.note("deliver")
        self.deliveries.put(work)

    def submit(self, *decrees: int, body: bytes | None = None) -> None:
        for decree in decrees:
            self.disk.submit(mutation(0, decree, body=body), partial(self.acked.append, decree))

    def run_until(self, is_done: Callable[[], bool]) -> None:
        while not is_done():
            self.deliveries.get(timeout=WAIT_SECONDS)()

    def await_acks(self, count: int) -> None:
        self.run_until(lambda: len(self.acked) >= count)

    def replayed(self) -> list[Mutation]:
        birth = SegmentBirth(self.folder, CLUSTER, NODE, lambda size: bytes(size - 1) + b"2")
        log, replay = SharedLog.open_with(birth, 1 << 20, {gpid(0): Decree(0)})
        log.close()
        assert replay.replicas[gpid(0)].suspect is None
        return replay.replicas[gpid(0)].mutations


def fail() -> None:
    raise ValueError("planted")


class Gate:
    """Holds the log's thread in an event until opened."""

    def __init__(self, folder: FakeFolder, event: str) -> None:
        self.reached = threading.Event()
        self._event = event
        self._opened = threading.Event()
        folder.on_event = self._on_event

    def _on_event(self, event: str) -> None:
        if event == self._event:
            self.reached.set()
            assert self._opened.wait(WAIT_SECONDS)

    def open(self) -> None:
        self._opened.set()

    def await_reached(self) -> None:
        assert self.reached.wait(WAIT_SECONDS)


@pytest.fixture
def folder() -> FakeFolder:
    return FakeFolder()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Second attempts and idle marks come at once."""
    monkeypatch.setattr(disk_module, "RETRY_SECONDS", 0.001)
    monkeypatch.setattr(disk_module, "IDLE_SECONDS", 0.001)


class TestAcknowledgement:
    def test_only_after_the_sync(self, folder: FakeFolder) -> None:
        """The mistake to plant: deliver before sync (reliability reference 2.3, first row)."""
        owner = Owner(folder, "sync")
        for decree in range(1, 6):
            owner.submit(decree)
            owner.await_acks(decree)
        assert folder.events == ["write", "sync", "deliver"] * 5
        owner.disk.stop()

    def test_what_is_acknowledged_survives_a_power_cut(self, folder: FakeFolder) -> None:
        owner = Owner(folder, "sync")
        owner.submit(1, 2, 3)
        owner.await_acks(3)
        folder.power_cut(seed=1)
        assert [each.decree for each in owner.replayed()] == [1, 2, 3]

    def test_class_os_waits_for_the_write_alone(self, folder: FakeFolder) -> None:
        owner = Owner(folder, "os")
        owner.submit(1)
        owner.await_acks(1)
        assert folder.events == ["write", "deliver"]
        owner.disk.stop()
        assert [each.decree for each in owner.replayed()] == [1]

    def test_class_interval_syncs_later(self, folder: FakeFolder) -> None:
        synced = threading.Event()
        owner = Owner(folder, "interval:1")
        folder.on_event = lambda event: synced.set() if event == "sync" else None
        owner.submit(1)
        owner.await_acks(1)
        assert synced.wait(WAIT_SECONDS)
        assert folder.events[:3] == ["write", "deliver", "sync"]
        owner.disk.stop()

    def test_what_waits_becomes_one_group(self, folder: FakeFolder) -> None:
        owner = Owner(folder, "sync")
        gate = Gate(folder, "sync")
        owner.submit(1)
        gate.await_reached()
        owner.submit(*range(2, 102))
        gate.open()
        owner.await_acks(101)
        assert owner.acked == list(range(1, 102))
        assert folder.events == ["write", "sync", "deliver"] * 2
        owner.disk.stop()

    def test_groups_are_bounded(self, folder: FakeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(disk_module, "GROUP_MUTATIONS_MAX", 10)
        monkeypatch.setattr(disk_module, "GROUP_BYTES_MAX", 3000)
        owner = Owner(folder, "sync")
        gate = Gate(folder, "sync")
        owner.submit(1)
        gate.await_reached()
        owner.submit(*range(2, 22))
        owner.submit(22, 23, 24, 25, body=b"x" * 1000)
        gate.open()
        owner.await_acks(25)
        assert owner.acked == list(range(1, 26))
        assert folder.events == ["write", "sync", "deliver"] * 5
        owner.disk.stop()

    def test_one_failing_callback_does_not_cost_the_others(self, folder: FakeFolder) -> None:
        owner = Owner(folder, "sync")
        gate = Gate(folder, "sync")
        owner.submit(1)
        gate.await_reached()
        owner.disk.submit(mutation(0, 2), fail)
        owner.submit(3)
        gate.open()
        with pytest.raises(ExceptionGroup, match="callbacks of logged mutations"):
            owner.await_acks(3)
        assert owner.acked == [1, 3]
        owner.disk.stop()


@pytest.mark.usefixtures("quick")
def test_idle_log_is_marked(folder: FakeFolder) -> None:
    marked = threading.Event()

    def on_event(_: str) -> None:
        if folder.events.count("write") == 2:
            marked.set()

    owner = Owner(folder, "sync")
    folder.on_event = on_event
    owner.submit(1)
    owner.await_acks(1)
    assert marked.wait(WAIT_SECONDS)
    assert folder.events[:4] == ["write", "sync", "deliver", "write"]
    owner.disk.stop()


class TestRefusal:
    def test_slow_disk(self, folder: FakeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(disk_module, "QUEUE_MUTATIONS_MAX", 3)
        owner = Owner(folder, "sync")
        gate = Gate(folder, "sync")
        refusals = [owner.disk.refusal]
        owner.submit(1, 2, 3)
        refusals.append(owner.disk.refusal)
        owner.submit(4)
        refusals.append(owner.disk.refusal)
        assert refusals == [
            None,
            None,
            "the log's disk is slow: 4 mutations of 20 bytes wait",
        ]
        gate.open()
        owner.await_acks(4)
        owner.disk.stop()
        assert owner.disk.refusal is None

    def test_many_bytes(self, folder: FakeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(disk_module, "QUEUE_BYTES_MAX", 999)
        owner = Owner(folder, "sync")
        gate = Gate(folder, "sync")
        owner.submit(1, body=b"x" * 1000)
        assert owner.disk.refusal is not None
        gate.open()
        owner.disk.stop()


@pytest.mark.usefixtures("quick")
class TestFullDisk:
    def test_is_announced_while_there_is_room_for_what_was_admitted(
        self, folder: FakeFolder
    ) -> None:
        owner = Owner(folder, "sync", segment_bytes=100_000)
        folder.bytes_max = 100_000
        owner.submit(1, body=b"x" * 50_000)
        owner.run_until(lambda: owner.disk.refusal is not None)
        assert (owner.disk.refusal or "").startswith("the disk is full: cannot make a log segment")
        owner.submit(2, body=b"x" * 20_000)
        owner.await_acks(2)
        folder.bytes_max = None
        owner.run_until(lambda: owner.disk.refusal is None)
        assert "segment.spare" in folder.names()
        owner.disk.stop()
        assert owner.fatal == []

    def full(self, folder: FakeFolder) -> Owner:
        """Decree 1 is logged; decree 2 finds no room."""
        owner = Owner(folder, "sync", segment_bytes=20_000)
        folder.bytes_max = 30_000
        owner.submit(1, body=b"x" * 12_000)
        owner.await_acks(1)
        owner.run_until(lambda: owner.disk.refusal is not None)
        gate = Gate(folder, "no room")  # the next attempt to make a segment, or the one after it
        owner.submit(2, body=b"x" * 12_000)
        gate.await_reached()
        gate.open()
        return owner

    def test_group_is_kept_until_there_is_room(self, folder: FakeFolder) -> None:
        owner = self.full(folder)
        owner.submit(3, 4)
        assert owner.acked == [1]
        folder.bytes_max = None
        owner.await_acks(4)
        assert owner.acked == [1, 2, 3, 4]
        owner.run_until(lambda: owner.disk.refusal is None)
        owner.disk.stop()
        assert [each.decree for each in owner.replayed()] == [1, 2, 3, 4]

    def test_deletion_makes_room_for_a_kept_group(self, folder: FakeFolder) -> None:
        owner = Owner(folder, "sync", segment_bytes=20_000)
        folder.bytes_max = 50_000  # two segments and the manifest
        for decree in (1, 2):
            owner.submit(decree, body=b"x" * 12_000)
            owner.await_acks(decree)
        owner.run_until(lambda: owner.disk.refusal is not None)
        owner.submit(3, body=b"x" * 12_000)
        owner.disk.delete_below({gpid(0): Decree(1)})
        owner.await_acks(3)
        assert "segment.000001" not in folder.names()
        owner.disk.stop()

    def test_stop_gives_up_what_never_was_acknowledged(self, folder: FakeFolder) -> None:
        owner = self.full(folder)
        owner.disk.stop()
        folder.bytes_max = None
        assert owner.acked == [1]
        assert owner.fatal == []
        assert [each.decree for each in owner.replayed()] == [1]


class TestFailedDisk:
    @pytest.mark.parametrize("operation", ["write", "sync"])
    def test_nothing_is_acknowledged_any_more(self, folder: FakeFolder, operation: str) -> None:
        owner = Owner(folder, "sync")
        owner.submit(1)
        owner.await_acks(1)
        folder.faults[operation] = errno.EIO
        owner.submit(2, 3)
        owner.run_until(lambda: bool(owner.fatal))
        assert owner.acked == [1]
        assert isinstance(owner.fatal[0], LogFailedError)
        assert owner.disk.refusal is not None
        with pytest.raises(DiskStoppedError, match="injected"):
            owner.submit(4)
        owner.disk.stop()
        assert owner.acked == [1]

    def test_sync_is_tried_once(self, folder: FakeFolder) -> None:
        owner = Owner(folder, "sync")
        folder.faults["sync"] = errno.EIO
        owner.submit(1)
        owner.run_until(lambda: bool(owner.fatal))
        folder.faults.clear()
        owner.disk.stop()
        assert "sync" not in folder.events

    def test_failing_spare_is_fatal(self, folder: FakeFolder) -> None:
        owner = Owner(folder, "sync", segment_bytes=20_000)
        folder.faults["create"] = errno.EIO
        owner.submit(1, body=b"x" * 12_000)
        owner.run_until(lambda: bool(owner.fatal))
        assert owner.acked == [1]
        owner.disk.stop()


class TestJobs:
    def test_run_beside_a_sync(self, folder: FakeFolder) -> None:
        owner = Owner(folder, "sync")
        gate = Gate(folder, "sync")
        owner.submit(1)
        gate.await_reached()
        results: list[object] = []
        owner.disk.run(lambda: 7, results.append, results.append)
        owner.run_until(lambda: bool(results))
        assert results == [7]
        assert owner.acked == []
        gate.open()
        owner.disk.stop()

    def test_failure_is_delivered(self, folder: FakeFolder) -> None:
        owner = Owner(folder, "sync")
        done: list[int] = []
        failed: list[Exception] = []
        owner.disk.run(lambda: int("no number"), done.append, failed.append)
        owner.run_until(lambda: bool(failed))
        assert isinstance(failed[0], ValueError)
        assert done == []
        owner.disk.stop()


class TestStop:
    def test_finishes_what_waits(self, folder: FakeFolder) -> None:
        owner = Owner(folder, "os")
        owner.submit(*range(1, 3001))
        owner.disk.stop()
        owner.await_acks(3000)
        assert len(owner.replayed()) == 3000

    def test_nothing_is_taken_afterwards(self, folder: FakeFolder) -> None:
        owner = Owner(folder, "sync")
        owner.disk.stop()
        with pytest.raises(DiskStoppedError, match="the node stops"):
            owner.submit(1)

    def test_log_ends_proven(self, folder: FakeFolder) -> None:
        """A flipped bit in the last block of a closed log is damage, not a torn tail."""
        owner = Owner(folder, "sync")
        owner.submit(1)
        owner.disk.stop()
        name = "segment.000001"
        at = folder.read(name).index(mutation(0, 1).body)
        folder.flip_bit(name, at * 8)
        with pytest.raises(AssertionError):
            owner.replayed()


class TestLogActions:
    def test_discard(self, folder: FakeFolder) -> None:
        owner = Owner(folder, "sync")
        owner.submit(1, 2, 3)
        owner.await_acks(3)
        owner.disk.discard_above(gpid(0), Decree(1))
        owner.disk.stop()
        assert [each.decree for each in owner.replayed()] == [1]

    @pytest.mark.usefixtures("quick")
    def test_no_mutation_passes_a_discard_the_disk_had_no_room_for(
        self, folder: FakeFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It would be voided, although it was acknowledged."""
        owner = Owner(folder, "sync")
        discard, refusals = SharedLog.discard_above, iter([LogFullError("planted")])

        def refuse_once(log: SharedLog, partition: Gpid, decree: Decree) -> None:
            for refusal in refusals:
                raise refusal
            discard(log, partition, decree)

        monkeypatch.setattr(SharedLog, "discard_above", refuse_once)
        gate = Gate(folder, "sync")
        owner.submit(1)
        gate.await_reached()
        owner.disk.discard_above(gpid(0), Decree(0))
        owner.submit(1)
        gate.open()
        owner.await_acks(2)
        owner.disk.stop()
        assert [each.decree for each in owner.replayed()] == [1]

    def test_come_before_what_is_submitted_later(self, folder: FakeFolder) -> None:
        """A partition made after the map of a deletion was taken must not count as dropped."""
        owner = Owner(folder, "sync", segment_bytes=20_000)
        gate = Gate(folder, "sync")
        owner.submit(1, body=b"x" * 12_000)
        gate.await_reached()
        owner.disk.delete_below({gpid(0): Decree(1)})
        young = Mutation(gpid(9), Ballot(1), Decree(1), 0, b"young")
        owner.disk.submit(young, partial(owner.acked.append, 99))
        owner.submit(2, body=b"x" * 12_000)
        gate.open()
        owner.await_acks(3)
        owner.disk.delete_below({gpid(0): Decree(2), gpid(9): Decree(0)})
        owner.disk.stop()
        log, replay = SharedLog.open_with(
            SegmentBirth(folder, CLUSTER, NODE, lambda size: bytes(size - 1) + b"3"),
            20_000,
            {gpid(9): Decree(0)},
        )
        log.close()
        assert replay.replicas[gpid(9)].mutations == [young]

    def test_log_bytes(self, folder: FakeFolder) -> None:
        owner = Owner(folder, "sync")
        before = owner.disk.log_bytes()
        owner.submit(1, body=b"x" * 5000)
        owner.await_acks(1)
        assert 5000 < owner.disk.log_bytes() - before < 5200
        owner.disk.stop()
