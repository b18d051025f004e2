"""A log that is written, synced, rolled, crashed and reopened keeps its one promise.

The promise: what was synced is given back, what was not may be; nothing else is, and no replica
is suspect unless bytes were damaged.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from pegasus_server.mutation_log.files import SharedLog
from pegasus_server.mutation_log.mutation import Mutation
from pegasus_server.mutation_log.segment_birth import SegmentBirth
from pegasus_tab.base.ids import Ballot, Decree, Gpid
from tests.fakes.log_bytes import CLUSTER, NODE, gpid
from tests.fakes.log_folder import FakeFolder

PARTITIONS = 3


@dataclass
class Model:
    """A node with a log; ``written`` and ``synced`` are what the log was told."""

    folder: FakeFolder = field(default_factory=FakeFolder)
    written: dict[Gpid, list[Mutation]] = field(default_factory=dict)
    synced: dict[Gpid, int] = field(default_factory=dict)
    durable: dict[Gpid, Decree] = field(default_factory=dict)
    segments: int = 0
    ballot: int = 0

    def __post_init__(self) -> None:
        for index in range(PARTITIONS):
            self.written[gpid(index)] = []
            self.synced[gpid(index)] = 0
            self.durable[gpid(index)] = Decree(0)
        self.open()

    def entropy(self, size: int) -> bytes:
        self.segments += 1
        return self.segments.to_bytes(size, "big")

    def open(self) -> None:
        self.ballot += 1
        birth = SegmentBirth(self.folder, CLUSTER, NODE, self.entropy)
        self.log, replay = SharedLog.open_with(birth, 4096 + 600, self.durable)
        for each, replica in replay.replicas.items():
            assert replica.suspect is None, replay.findings
            durable = self.durable[each]
            assert replica.mutations == self.written[each][durable:][: len(replica.mutations)]
            assert durable + len(replica.mutations) >= self.synced[each]
            del self.written[each][durable + len(replica.mutations) :]
            # A replica that applied them may have been read from: they are synced from now on.
            self.synced[each] = len(self.written[each])

    def append(self, index: int, size: int) -> None:
        held = self.written[gpid(index)]
        decree = Decree(len(held) + 1)
        mutation = Mutation(gpid(index), Ballot(self.ballot), decree, 0, bytes([size]) * size)
        self.log.append_group([mutation])
        held.append(mutation)

    def sync(self) -> None:
        self.log.sync()
        for each, held in self.written.items():
            self.synced[each] = len(held)

    def flush(self, index: int) -> None:
        """The engine flushed what is acknowledged; segments may go."""
        self.durable[gpid(index)] = Decree(self.synced[gpid(index)])
        self.log.delete_below(self.durable)

    def power_cut(self, seed: int) -> None:
        self.folder.power_cut(seed)
        self.open()

    def close(self) -> None:
        self.log.close()
        for each, held in self.written.items():
            self.synced[each] = len(held)
        self.open()


INDEX = st.integers(0, PARTITIONS - 1)
STEPS: st.SearchStrategy[Callable[[Model], None]] = st.one_of(
    st.builds(lambda index, size: lambda m: m.append(index, size), INDEX, st.integers(0, 255)),
    st.builds(lambda index, size: lambda m: m.append(index, size), INDEX, st.integers(0, 255)),
    st.just(Model.sync),
    st.just(lambda model: model.log.mark()),
    st.builds(lambda index: lambda m: m.flush(index), INDEX),
    st.just(Model.open),
    st.builds(lambda seed: lambda m: m.power_cut(seed), st.integers(0, 1000)),
    st.just(Model.close),
)


@settings(deadline=None, max_examples=200)
@given(st.lists(STEPS, max_size=40))
def test_log_keeps_what_it_synced(steps: list[Callable[[Model], None]]) -> None:
    model = Model()
    for step in steps:
        step(model)
    model.open()
