"""The memory engine and the RocksDB engine give equal answers to any sequence of calls."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pegasus_server.storage.engine import ROW_KEYS_END, Change, Engine
from pegasus_server.storage.memory import MemoryEngine
from pegasus_server.storage.rocks import RocksEngine
from pegasus_server.storage.rocks_options import RocksMemory
from pegasus_tab.base.ids import Decree

# Few distinct keys, so that puts, deletes and bounds meet; among them the edges of the key space.
KEYS = st.one_of(
    st.sampled_from([b"", b"\0", b"\0\0", b"\0\1a", b"\0\1a\0", b"\0\1a\xff", b"\xff\xfe\xff"]),
    st.binary(max_size=2).filter(lambda key: key < ROW_KEYS_END),
)
BOUNDS = st.one_of(KEYS, st.sampled_from([ROW_KEYS_END, b"\xff\xff\xff"]))
VALUES = st.binary(max_size=12)
CHANGES = st.tuples(KEYS, st.one_of(st.none(), VALUES))
MEMORY = RocksMemory(1 << 20, 64 << 20)


class EngineTwins(RuleBasedStateMachine):
    """Both engines, driven side by side; RocksDB is also flushed, reopened and copied in between."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.checkpoints = 0
        self.memory = MemoryEngine()

    @initialize()
    def open(self) -> None:
        self.rocks = self.open_rocks(self.folder / "db")

    def open_rocks(self, path: Path) -> RocksEngine:
        return RocksEngine.open(path, durable_decree=self.memory.applied_decree, memory=MEMORY)

    def same(self, ask: Callable[[Engine], object]) -> None:
        assert ask(self.rocks) == ask(self.memory)

    @rule(batch=st.lists(CHANGES, max_size=6))
    def apply(self, batch: list[Change]) -> None:
        decree = Decree(self.memory.applied_decree + 1)
        self.same(lambda engine: engine.apply(batch, decree))

    @rule(keys=st.lists(KEYS, max_size=4))
    def discard(self, keys: list[bytes]) -> None:
        self.same(lambda engine: engine.discard(keys))

    @rule(key=KEYS)
    def get(self, key: bytes) -> None:
        self.same(lambda engine: engine.get(key))

    @rule(lower=BOUNDS, upper=BOUNDS, reverse=st.booleans())
    def scan(self, lower: bytes, upper: bytes, *, reverse: bool) -> None:
        self.same(lambda engine: list(engine.scan(lower, upper, reverse=reverse)))

    @rule(lower=BOUNDS, upper=BOUNDS, rows_max=st.integers(1, 4), bytes_max=st.integers(0, 30))
    def scan_chunk(self, lower: bytes, upper: bytes, rows_max: int, bytes_max: int) -> None:
        self.same(lambda engine: engine.scan_chunk(lower, upper, rows_max, bytes_max))

    @rule(lower=BOUNDS, upper=BOUNDS, reverse=st.booleans(), batch=st.lists(CHANGES, max_size=3))
    def scan_sees_the_moment_of_its_call(
        self, lower: bytes, upper: bytes, batch: list[Change], *, reverse: bool
    ) -> None:
        scans = [engine.scan(lower, upper, reverse=reverse) for engine in (self.rocks, self.memory)]
        self.apply(batch)
        assert list(scans[0]) == list(scans[1])

    @rule()
    def flush(self) -> None:
        self.same(lambda engine: engine.flush())

    @rule()
    def reopen(self) -> None:
        self.rocks.close()
        self.rocks = self.open_rocks(self.folder / "db")

    @rule()
    def checkpoint(self) -> None:
        self.checkpoints += 1
        path = self.folder / f"checkpoint.{self.checkpoints}"
        self.same(lambda engine: engine.checkpoint(path))
        copy = self.open_rocks(path)
        rows = list(copy.scan(b"", ROW_KEYS_END))
        copy.close()
        assert rows == list(self.memory.checkpoints[path].scan(b"", ROW_KEYS_END))

    @invariant()
    def decrees_agree(self) -> None:
        self.same(lambda engine: engine.applied_decree)

    def teardown(self) -> None:
        self.rocks.close()
        shutil.rmtree(self.folder)


TestEngineTwins = pytest.mark.slow(EngineTwins.TestCase)
TestEngineTwins.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
