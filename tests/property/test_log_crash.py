"""A log that is written, synced, rolled, crashed and reopened keeps its one promise.

The promise: what was synced is given back, what was not may be; nothing else is, and no replica
is suspect unless bytes were damaged. When a file is gone, what was synced is given back, or its
replica is suspect.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from pegasus_server.mutation_log.files import SharedLog
from pegasus_server.mutation_log.mutation import Mutation
from pegasus_server.mutation_log.replay import Replay
from pegasus_server.mutation_log.segment_birth import SegmentBirth
from pegasus_tab.base.ids import Ballot, Decree, Gpid
from tests.fakes.log_bytes import CLUSTER, NODE, gpid
from tests.fakes.log_folder import FakeFolder

PARTITIONS = 3
SEGMENT_BYTES = 4096 + 600


class ProcessEndedError(Exception):
    """The process ended between two steps on the disk."""


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

    def open_log(self) -> tuple[SharedLog, Replay]:
        birth = SegmentBirth(self.folder, CLUSTER, NODE, self.entropy)
        return SharedLog.open_with(birth, SEGMENT_BYTES, self.durable)

    def open(self) -> None:
        self.ballot += 1
        self.log, replay = self.open_log()
        assert not any("missing" in finding for finding in replay.findings)
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
        held.append(mutation)
        self.log.append_group([mutation])

    def sync(self) -> None:
        self.log.sync()
        for each, held in self.written.items():
            self.synced[each] = len(held)

    def flush(self, index: int) -> None:
        """The engine flushed what is acknowledged; segments may go."""
        self.durable[gpid(index)] = Decree(self.synced[gpid(index)])
        self.log.delete_below(self.durable)

    def crash(self, step: "Step", after: int, seed: int) -> None:
        """Do a step, but end after so many events on the disk; then the power is cut."""

        def count(_: str) -> None:
            nonlocal after
            after -= 1
            if after < 0:
                raise ProcessEndedError

        self.folder.on_event = count
        with suppress(ProcessEndedError):
            step(self)
        self.folder.on_event = None
        self.power_cut(seed)

    def power_cut(self, seed: int) -> None:
        self.folder.power_cut(seed)
        self.open()

    def close(self) -> None:
        self.log.close()
        for each, held in self.written.items():
            self.synced[each] = len(held)
        self.open()


Step = Callable[[Model], None]
INDEX = st.integers(0, PARTITIONS - 1)
SEED = st.integers(0, 1000)
WHOLE_STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(lambda index, size: lambda m: m.append(index, size), INDEX, st.integers(0, 255)),
    st.builds(lambda index, size: lambda m: m.append(index, size), INDEX, st.integers(0, 255)),
    st.just(Model.sync),
    st.just(lambda model: model.log.mark()),
    st.builds(lambda index: lambda m: m.flush(index), INDEX),
    st.just(Model.open),
    st.builds(lambda seed: lambda m: m.power_cut(seed), SEED),
    st.just(Model.close),
)
STEPS: st.SearchStrategy[Step] = WHOLE_STEPS | st.builds(
    lambda step, after, seed: lambda m: m.crash(step, after, seed),
    *(WHOLE_STEPS, st.integers(0, 20), SEED),
)


@settings(deadline=None, max_examples=200)
@given(st.lists(STEPS, max_size=40))
def test_log_keeps_what_it_synced(steps: list[Callable[[Model], None]]) -> None:
    model = Model()
    for step in steps:
        step(model)
    model.open()


@settings(deadline=None, max_examples=300)
@given(st.lists(STEPS, max_size=40), st.booleans(), SEED, st.data())
def test_a_missing_file_is_missed(
    steps: list[Step], has_power: bool, seed: int, data: st.DataObject
) -> None:
    model = Model()
    for step in steps:
        step(model)
    if not has_power:
        model.folder.power_cut(seed)
    gone = data.draw(st.sampled_from(model.folder.names()))
    model.folder.delete([gone])
    _, replay = model.open_log()
    suspects = check_prefixes(model, replay)
    if gone == "manifest":
        assert suspects == set()
    # The next start must come to the same result.
    log, again = model.open_log()
    assert again.replicas == replay.replicas
    # Giving up what is lost settles it, with what was given back on disk in the engines.
    for each in suspects:
        model.durable[each] = Decree(model.durable[each] + len(replay.replicas[each].mutations))
        log.discard_above(each, model.durable[each])
    _, settled = model.open_log()
    for each, replica in settled.replicas.items():
        assert replica.suspect is None
        assert replica.mutations == ([] if each in suspects else replay.replicas[each].mutations)


def check_prefixes(model: Model, replay: Replay) -> set[Gpid]:
    """Check that nothing is invented, and what is not given back is suspect; list these."""
    suspects = set()
    for each, replica in replay.replicas.items():
        durable, mutations = model.durable[each], replica.mutations
        assert mutations == model.written[each][durable:][: len(mutations)]
        if replica.suspect is not None:
            suspects.add(each)
        else:
            assert durable + len(mutations) >= model.synced[each]
    return suspects
