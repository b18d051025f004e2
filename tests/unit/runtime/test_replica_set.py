"""The replicas of a node of its own: opened, flushed, closed and deleted, and found again."""

import contextlib
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pegasus_server.data.value import user_data
from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.table import Table, TableStatus
from pegasus_server.mutation_log.mutation import whole_body
from pegasus_server.mutation_log.pins import Pins
from pegasus_server.runtime.data_folder import DataFolder
from pegasus_server.runtime.disk import Entry
from pegasus_server.runtime.log_relief import LogRelief
from pegasus_server.runtime.recovery import Recovered, Recovery
from pegasus_server.runtime.remainder_file import NAME
from pegasus_server.runtime.replica_set import ReplicaSet
from pegasus_server.runtime.turn import Turn
from pegasus_server.storage.engine import EngineDamaged
from pegasus_tab.base.ids import Ballot, Decree, Gpid
from pegasus_tab.base.limits import KIB, MIB
from pegasus_tab.wire import codes
from pegasus_tab.wire.frame import ResponseFrame, ResponseReader
from pegasus_tab.wire.keys import encode_key
from tests.fakes.hosted_server import MEMORY

FIRST, SECOND = Gpid(1, 0), Gpid(1, 1)
OTHER = Gpid(2, 0)
SEGMENT_BYTES = 64 * KIB


def table(app_id: int = 1, status: TableStatus = TableStatus.AVAILABLE) -> Table:
    return Table(
        app_id=app_id,
        name=f"t{app_id}",
        status=status,
        max_replica_count=1,
        ballots=(Ballot(1),) * 2,
        create_second=0,
    )


class Client:
    """Reads the replies it gets."""

    local_host = "127.0.0.1"

    def __init__(self) -> None:
        self.replies: list[ResponseFrame] = []

    def send(self, reply: bytes) -> None:
        self.replies += ResponseReader().feed(reply)


class Node:
    """One life of a node, with its real log and a disk thread that works when told to.

    Attributes:
        jobs: waiting for the background.
        logged: callbacks of what is logged and not answered.
        log_bytes_now: what the log is said to hold.
    """

    def __init__(self, path: Path, state: ClusterState | None = None) -> None:
        self.folder = DataFolder.open(path, started=0.0, entropy=os.urandom)
        tables = {} if state is None else state.tables
        recovery = Recovery(
            self.folder, state or ClusterState(1, {}), MEMORY, SEGMENT_BYTES, os.urandom
        )
        self.recovered: Recovered = recovery.run()
        self.jobs: deque[Callable[[], None]] = deque()
        self.logged: deque[Callable[[], None]] = deque()
        self.refusal: str | None = None
        self.log_bytes_now = 0
        self.submitted = self.settled = 0
        self.turn = Turn(lambda: 1_700_000_000_000_000)
        disk: Any = self
        self.replicas = ReplicaSet(
            self.folder, MEMORY, "127.0.0.1:1", disk, self.turn, self.recovered
        )
        for each in tables.values():
            self.replicas.serve_recovered(each, self.recovered)
        self.client = Client()

    # The disk's thread.

    def submit_group(self, entries: list[Entry]) -> None:
        self.recovered.log.append_group([mutation for mutation, _ in entries])
        self.recovered.log.sync()
        self.logged.extend(done for _, done in entries)
        self.submitted = self.settled = self.submitted + len(entries)

    def run(
        self, job: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[Any], None]
    ) -> None:
        def work() -> None:
            try:
                outcome = job()
            except Exception as error:  # noqa: BLE001 -- as the thread does
                failed(error)
            else:
                done(outcome)

        self.jobs.append(work)

    def log_bytes(self) -> int:
        return self.log_bytes_now

    def look_for_pins(self, durable: Mapping[Gpid, Decree], told: Callable[[Pins], object]) -> None:
        told(self.recovered.log.pins(durable))

    def work(self) -> None:
        """Do all background work, and what it leads to."""
        while self.jobs:
            self.jobs.popleft()()

    def answer(self) -> None:
        """Tell replicas what is logged."""
        while self.logged:
            self.turn.run(self.logged.popleft())

    # What is done to it.

    def open(self, app_id: int = 1, *, create: bool = True) -> list[str | None]:
        """Begin to open a table; the list gets the outcome."""
        outcome: list[str | None] = []
        self.replicas.open_table(table(app_id), create=create, done=outcome.append)
        return outcome

    def put(self, gpid: Gpid, value: bytes) -> None:
        """Write one row of a partition."""
        replica = self.replicas.serving[gpid]
        key = encode_key(b"k", b"")
        self.turn.run(lambda: replica.put(key, value, 0, 1, self.client))

    def value(self, gpid: Gpid) -> bytes | None:
        stored = self.replicas.serving[gpid].engine.get(encode_key(b"k", b""))
        return None if stored is None else user_data(stored)

    def write(self, gpid: Gpid, value: bytes) -> None:
        """Write one row and have it applied."""
        self.put(gpid, value)
        self.answer()

    def flush(self, *, has_room: bool = True) -> bool:
        """Flush; tell whether the end was announced."""
        ends: list[bool] = []
        self.replicas.flush(lambda: has_room, lambda: ends.append(True))
        self.work()
        return ends == [True]

    def end(self) -> None:
        """Let go of everything."""
        for replica in self.replicas.serving.values():
            with contextlib.suppress(EngineDamaged):
                replica.engine.close()
        self.recovered.log.close()
        self.folder.lock.release()

    def killed(self, state: ClusterState) -> "Node":
        """Begin the next life as after kill -9: with the files as they are now."""
        path = self.folder.path
        copy = path.with_name(path.name + "+")
        shutil.copytree(path, copy, ignore=shutil.ignore_patterns("LOCK", "node.lock"))
        self.end()
        return Node(copy, state)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    node = Node(tmp_path / "data")
    node.open()
    node.work()
    yield node
    node.end()


def test_an_opened_table_serves_all_its_partitions(node: Node) -> None:
    assert set(node.replicas.serving) == {FIRST, SECOND}
    assert node.replicas.durable == {FIRST: 0, SECOND: 0}
    node.write(FIRST, b"v")
    assert node.value(FIRST) == b"v"
    assert node.replicas.committed_decree(FIRST) == 1
    assert node.replicas.committed_decree(OTHER) == 0
    assert [each.error for each in node.client.replies] == [codes.ERR_OK]


def test_nothing_is_served_before_every_engine_is_open(node: Node) -> None:
    outcome = node.open(2)
    assert OTHER not in node.replicas.serving
    node.work()
    assert outcome == [None]
    assert OTHER in node.replicas.serving


def test_of_a_table_that_cannot_be_opened_nothing_is_served(node: Node, tmp_path: Path) -> None:
    blocked = tmp_path / "data" / "replicas" / "2.1"
    blocked.mkdir()
    (blocked / "side.json").write_text("{}")
    outcome = node.open(2)
    node.work()
    assert outcome != [None]
    assert "side.json" in str(outcome[0])
    assert not {key for key in node.replicas.serving if key[0] == 2}
    (blocked / "side.json").unlink()
    blocked.rmdir()
    again = node.open(2)
    node.work()
    assert again == [None], "the first engine was closed again"


def test_a_flush_moves_what_the_log_may_let_go_of(node: Node) -> None:
    node.write(FIRST, b"v")
    assert node.flush(has_room=False)
    assert node.replicas.durable == {FIRST: 0, SECOND: 0}
    assert node.flush()
    assert node.replicas.durable == {FIRST: 1, SECOND: 0}


def break_engine(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the engine of FIRST be flushed no more."""

    def flush() -> Decree:
        raise EngineDamaged("the disk failed")

    monkeypatch.setattr(node.replicas.serving[FIRST].engine, "flush", flush)


def test_a_replica_whose_flush_fails_serves_no_more_and_holds_the_log(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.write(FIRST, b"v")
    break_engine(node, monkeypatch)
    assert node.flush()
    assert node.replicas.serving[FIRST].read_refusal == codes.ERR_CORRUPTION
    assert node.replicas.durable[FIRST] == 0
    assert node.replicas.failed() == {FIRST: 0}
    node.write(SECOND, b"v")
    assert node.value(SECOND) == b"v", "the others are served"


def test_a_closed_table_finishes_its_writes_first(node: Node) -> None:
    node.put(FIRST, b"v")
    node.replicas.close_table(1)
    assert node.replicas.serving == {}
    assert len(node.jobs) == 1, "only the partition without writes is closed"
    outcome = node.open(create=False)
    node.answer()
    assert [each.error for each in node.client.replies] == [codes.ERR_OK]
    assert outcome == []
    node.work()
    assert outcome == [None]
    assert node.replicas.durable == {FIRST: 1, SECOND: 0}
    assert node.value(FIRST) == b"v"


def test_closing_forgets_what_was_wrong(node: Node) -> None:
    node.replicas.faults[FIRST] = "damaged"
    node.replicas.faults[OTHER] = "damaged"
    node.replicas.close_table(1)
    node.work()
    assert node.replicas.faults == {OTHER: "damaged"}


def test_all_tables_are_closed_before_the_node_ends(node: Node) -> None:
    node.open(2)
    node.work()
    node.put(OTHER, b"v")
    ends: list[bool] = []
    node.replicas.close_all(lambda: ends.append(True))
    node.work()
    assert ends == []
    node.answer()
    node.work()
    assert ends == [True]
    node.replicas.close_all(lambda: ends.append(True))
    assert ends == [True, True], "nothing is left to close"


def test_a_deleted_table_leaves_nothing(node: Node) -> None:
    node.replicas.close_table(1)
    node.replicas.delete_table(1)
    node.work()
    assert list(node.folder.replicas()) == []
    assert node.replicas.durable == {}


def test_settings_reach_the_replicas_of_their_table(node: Node) -> None:
    node.open(2)
    node.work()
    node.replicas.set_envs(1, {"replica.deny_client_request": "reconfig*all"})
    assert node.replicas.serving[FIRST].read_refusal == codes.ERR_INVALID_STATE
    assert node.replicas.serving[OTHER].read_refusal is None


# Relief of the log, and the next life.


def state(status: TableStatus = TableStatus.AVAILABLE) -> ClusterState:
    return ClusterState(2, {1: table(status=status)})


def fail_with_a_full_log(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let FIRST fail with much of it in the log, and the log be relieved of it."""
    for number in range(40):
        node.write(FIRST, b"%d" % number + b"x" * (8 * KIB))
    for _ in range(20):
        node.write(SECOND, b"y" * (8 * KIB))
    break_engine(node, monkeypatch)
    node.flush()
    node.log_bytes_now = MIB
    disk: Any = node
    relief = LogRelief(
        node.folder, MIB, whole_body, disk=disk, run=node.run, patients=node.replicas
    )
    relief.look()
    node.work()


def relieved(path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    """Return a node whose log let go of a failed replica."""
    node = Node(path)
    node.open()
    node.work()
    fail_with_a_full_log(node, monkeypatch)
    node.recovered.log.delete_below(dict(node.replicas.durable))
    return node


def test_a_full_log_is_relieved_of_a_failed_replica(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with_a_full_log(node, monkeypatch)
    assert (node.folder.replica_path(FIRST) / NAME).exists()
    assert node.replicas.durable == {FIRST: 40, SECOND: 20}
    assert node.replicas.failed() == {}
    node.recovered.log.delete_below(dict(node.replicas.durable))
    assert len(list(node.folder.log_path.glob("segment.0*"))) == 1


@pytest.mark.parametrize("closes", [False, True])
def test_what_failed_is_not_opened_again_without_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, closes: bool
) -> None:
    node = Node(tmp_path / "data")
    node.open()
    node.work()
    node.put(FIRST, b"v")
    if closes:
        node.replicas.serving[FIRST].fail("an invariant is broken")
    else:
        break_engine(node, monkeypatch)
    node.answer()
    node.replicas.close_table(1)
    node.work()
    outcome = node.open(create=False)
    node.work()
    assert "restart the node" in str(outcome)
    assert node.replicas.serving == {}
    assert node.replicas.durable[FIRST] == 0, "the log keeps it"
    node = node.killed(state())
    assert node.value(FIRST) == b"v"
    node.end()


@pytest.mark.parametrize("lives", [1, 2])
def test_the_next_lives_have_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lives: int
) -> None:
    node = relieved(tmp_path / "data", monkeypatch)
    for _ in range(lives):
        node = node.killed(state())
    assert node.recovered.faults == {}
    assert node.value(FIRST) == b"39" + b"x" * (8 * KIB)
    assert not (node.folder.replica_path(FIRST) / NAME).exists()
    node.write(FIRST, b"after")
    assert node.replicas.committed_decree(FIRST) == 41
    node.end()


def test_a_dropped_table_is_caught_up_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = relieved(tmp_path / "data", monkeypatch)
    node = node.killed(state(TableStatus.DROPPED))
    assert node.recovered.durable == {FIRST: 40, SECOND: 20}
    node.open(create=False)
    node.work()
    assert node.value(FIRST) == b"39" + b"x" * (8 * KIB)
    node.end()


def test_a_damaged_remainder_is_a_fault_of_its_replica_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = relieved(tmp_path / "data", monkeypatch)
    file = node.folder.replica_path(FIRST) / NAME
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    node = node.killed(state())
    assert set(node.recovered.faults) == {FIRST}
    assert (node.folder.replica_path(FIRST) / NAME).exists(), "its bytes are kept"
    assert node.value(SECOND) == b"y" * (8 * KIB)
    node.end()
