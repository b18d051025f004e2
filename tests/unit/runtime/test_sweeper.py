"""The physical removal of expired rows: everything that is due goes, a slice at a time."""

from pegasus_server.data.identity import ReplicaIdentity
from pegasus_server.data.ttl import SLACK_SECONDS
from pegasus_server.data.value import encode_value
from pegasus_server.replication.timestamps import Timestamps
from pegasus_server.runtime.clock import expiry_seconds
from pegasus_server.runtime.lone_replica import LoneReplica
from pegasus_server.runtime.sweeper import (
    REST_SLICES,
    SLICE_ROWS_MAX,
    ExpirySweeper,
)
from pegasus_server.runtime.turn import Turn
from pegasus_server.storage.engine import Change, EngineDamaged
from pegasus_server.storage.memory import MemoryEngine
from pegasus_tab.base.ids import Ballot, Decree, Gpid
from pegasus_tab.wire.keys import encode_key

NOW_US = 1_700_000_000_000_000
NOW = expiry_seconds(NOW_US)
ROWS = SLICE_ROWS_MAX * 2 + 10


class UnreadableEngine(MemoryEngine):
    """An engine whose scans meet damage."""

    def scan_chunk(
        self, lower: bytes, upper: bytes, rows_max: int, bytes_max: int
    ) -> tuple[list[bytes], list[bytes], bool]:
        raise EngineDamaged(f"{lower!r}..{upper!r}: {rows_max} rows, {bytes_max} bytes")


class NoDisk:
    """A log nobody uses here."""

    refusal: str | None = None

    def submit(self, *_: object) -> None:
        raise AssertionError("removal is no mutation")


class World:
    """Replicas with rows, and the sweeper over them."""

    def __init__(self, *engines: MemoryEngine) -> None:
        self.turn = Turn(lambda: NOW_US)
        self.replicas: dict[tuple[int, int], LoneReplica] = {}
        for index, engine in enumerate(engines):
            gpid = Gpid(1, index)
            self.replicas[gpid] = LoneReplica(
                ReplicaIdentity(gpid, ""),
                engine,
                Ballot(1),
                timestamps=Timestamps(),
                disk=NoDisk(),
                turn=self.turn,
                envs={},
                first_scan_id=0,
            )
        self.sweeper = ExpirySweeper(self.replicas, self.turn)

    def slices(self, count: int) -> None:
        for _ in range(count):
            self.sweeper.slice()

    def begin_pass(self) -> None:
        """Wait until just before the first row is looked at."""
        self.slices(REST_SLICES + 1)


def filled(engine: MemoryEngine) -> MemoryEngine:
    """Fill an engine with rows of which every second has long expired."""
    long_ago = NOW - SLACK_SECONDS - 1
    rows: list[Change] = [
        (encode_key(b"%05d" % number, b""), encode_value(b"", long_ago * (number % 2), 0))
        for number in range(ROWS)
    ]
    engine.apply(rows, Decree(1))
    return engine


def rows_left(engine: MemoryEngine) -> int:
    return len(list(engine.scan(b"", b"\xff\xff")))


def test_a_pass_removes_what_is_due_slice_by_slice() -> None:
    engine = filled(MemoryEngine())
    world = World(engine)
    world.begin_pass()
    assert rows_left(engine) == ROWS
    world.slices(1)
    assert rows_left(engine) == ROWS - SLICE_ROWS_MAX // 2
    world.slices(2)
    assert rows_left(engine) == ROWS // 2
    assert engine.applied_decree == 1


def test_every_replica_has_its_turn_also_after_a_damaged_one() -> None:
    first, damaged, last = filled(MemoryEngine()), UnreadableEngine(), filled(MemoryEngine())
    world = World(first, damaged, last)
    world.begin_pass()
    world.slices(7)
    assert (rows_left(first), rows_left(last)) == (ROWS // 2, ROWS // 2)
    assert [each.is_failed for each in world.replicas.values()] == [False, True, False]


def test_a_replica_that_is_gone_is_left_out() -> None:
    engine = filled(MemoryEngine())
    world = World(engine)
    world.begin_pass()
    world.replicas.clear()
    world.slices(3)
    assert rows_left(engine) == ROWS


def test_the_next_pass_comes_after_a_rest() -> None:
    engine = MemoryEngine()
    world = World(engine)
    world.begin_pass()
    world.slices(1)
    filled(engine)
    world.slices(REST_SLICES)
    assert rows_left(engine) == ROWS
    world.slices(4)
    assert rows_left(engine) == ROWS // 2
