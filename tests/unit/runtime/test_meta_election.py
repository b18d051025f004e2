"""Elections and terms of meta servers that share one fake ZooKeeper, driven as in a real server."""

from collections.abc import Callable
from functools import partial

import pytest

from pegasus_server.meta.candidacy import LOOK_US, RESIGNED_US
from pegasus_server.meta.cluster_meta import ClusterMeta
from pegasus_server.meta.cluster_numbers import ClusterNumbers
from pegasus_server.meta.effects import Reply
from pegasus_server.meta.inputs import CreateTable, RenameTable
from pegasus_server.meta.lease_numbers import STORE_FENCE_SHARE, US_PER_SECOND
from pegasus_server.runtime import meta_driver, meta_election
from pegasus_server.runtime.meta_driver import MetaDriver
from pegasus_server.runtime.meta_election import BEGIN_AGAIN_SECONDS, MetaElection
from pegasus_server.runtime.meta_store_zookeeper import ZooKeeperStore
from pegasus_server.runtime.zookeeper import Ensemble, ZooKeeperSession
from pegasus_server.runtime.zookeeper_paths import ZooKeeperPaths
from pegasus_tab.base.cluster import Beacon, BeaconAck
from pegasus_tab.base.ids import NodeName
from tests.fakes.keeper import FakeKeeper
from tests.fakes.meta_store import Fate

SESSION_MS = 10_000
REPLICAS = [NodeName(f"r{number}:1") for number in (1, 2, 3)]


class Time:
    """What all clocks of the test show."""

    now_us = 1_000_000


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    for module in (meta_driver, meta_election):
        monkeypatch.setattr(module, "boottime_us", lambda: time.now_us)
    return time


class MetaServer:
    """What stands behind the port of one."""

    def __init__(self, name: str, keeper: FakeKeeper, time: Time) -> None:
        self.keeper = keeper
        self.sent: list[tuple[NodeName, object]] = []
        self.defects: list[str] = []
        self.late: list[Callable[[], None]] = []
        self._time = time
        paths = ZooKeeperPaths("/pegasus-tab/c")
        store = ZooKeeperStore(paths, "c", self._pause, self.defects.append)
        self.driver = MetaDriver(
            ClusterMeta(ClusterNumbers()),
            store,
            lambda to, message: self.sent.append((to, message)),
            self._resign,
        )
        open_session = partial(
            ZooKeeperSession,
            Ensemble("fake:2181", SESSION_MS),
            keeper.deliver,
            lambda work: work(),
            make_client=keeper.make_client,
        )
        self.election = MetaElection(
            NodeName(name),
            paths,
            open_session,
            store,
            self.driver.take_election,
            self._run_later,
            self.defects.append,
        )
        self.election.begin()
        self.run()

    def _run_later(self, seconds: float, work: Callable[[], None]) -> None:
        if seconds <= BEGIN_AGAIN_SECONDS:
            self.keeper.deliver(work)
        else:
            self.late.append(work)

    def _resign(self, reason: str) -> None:
        self.election.resign(reason)

    async def _pause(self, seconds: float) -> None:
        self._time.now_us += int(seconds * US_PER_SECOND)

    def run(self) -> None:
        self.keeper.run()
        self.election.tick()
        self.driver.tick()
        self.keeper.run()
        assert not self.defects

    def beat(self) -> list[BeaconAck]:
        """Take a beacon of every replica server; return the answers."""
        self.sent.clear()
        for node in REPLICAS:
            self.driver.take(Beacon(node, 1, self._time.now_us, node))
        return [message for _, message in self.sent if isinstance(message, BeaconAck)]

    def create(self, name: str) -> list[Reply]:
        """Ask for a table; return the answers so far."""
        replies: list[Reply] = []
        self.driver.ask(
            CreateTable(
                name=name,
                partition_count=4,
                replica_count=3,
                success_if_exist=False,
                envs={},
                token=replies.append,
            )
        )
        self.run()
        return replies


Start = Callable[[str], MetaServer]


@pytest.fixture
def keeper() -> FakeKeeper:
    return FakeKeeper()


@pytest.fixture
def start(keeper: FakeKeeper, time: Time) -> Start:
    return lambda name: MetaServer(name, keeper, time)


def test_one_leads_and_the_other_says_so(start: Start) -> None:
    first, second = start("m1:1"), start("m2:1")
    assert (first.driver.is_leading, second.driver.is_leading) == (True, False)
    assert second.driver.forward == "m1:1"
    assert all(each.is_leader for each in first.beat())
    assert {each.forward for each in second.beat()} == {"m1:1"}


def test_who_stops_leaves_at_once(start: Start, keeper: FakeKeeper, time: Time) -> None:
    first, second = start("m1:1"), start("m2:1")
    [epoch] = {each.epoch for each in first.beat()}
    first.create("t")
    stopped: list[bool] = []
    first.election.stop(lambda: stopped.append(True))
    keeper.run()
    assert stopped == [True]
    time.now_us += LOOK_US
    second.run()
    assert second.driver.is_leading
    assert [table.name for table in second.driver.state.tables.values()] == ["t"]
    assert {each.epoch > epoch for each in second.beat()} == {True}


def test_a_silent_ensemble_ends_acknowledgements_and_its_return_brings_them_back(
    start: Start, keeper: FakeKeeper, time: Time
) -> None:
    """F20."""
    server = start("m1:1")
    keeper.is_away = True
    fence_us = int(SESSION_MS * 1000 * STORE_FENCE_SHARE)
    time.now_us += fence_us - 1
    server.run()
    assert len(server.beat()) == 3
    time.now_us += 1
    server.run()
    assert server.beat() == []
    keeper.is_away = False
    time.now_us += LOOK_US
    server.run()
    assert len(server.beat()) == 3


def test_a_replaced_leader_writes_nothing_and_follows_at_its_next_look(
    start: Start, keeper: FakeKeeper, time: Time
) -> None:
    """F22: its session is over and nobody told it."""
    first, second = start("m1:1"), start("m2:1")
    keeper.expire(keeper.clients[0].number)
    time.now_us += LOOK_US
    second.run()
    assert (first.driver.is_leading, second.driver.is_leading) == (True, True)
    replies: list[Reply] = []
    first.driver.ask(RenameTable(old_name="t", new_name="u", token=replies.append))
    first.driver.ask(
        CreateTable(
            name="ghost",
            partition_count=4,
            replica_count=1,
            success_if_exist=False,
            envs={},
            token=replies.append,
        )
    )
    first.run()
    assert not first.driver.is_leading
    assert all(each.error != "ERR_OK" for each in replies)
    assert not second.driver.state.tables
    assert first.driver.forward == "m2:1"


def test_a_session_that_ended_is_followed_by_another(start: Start, keeper: FakeKeeper) -> None:
    """F21."""
    server = start("m1:1")
    [before] = {each.epoch for each in server.beat()}
    keeper.clients[0].lose_session()
    keeper.run()
    server.run()
    assert len(keeper.clients) == 2
    [after] = {each.epoch for each in server.beat()}
    assert after > before


@pytest.mark.parametrize("fate", [Fate.LOST, Fate.ANSWER_LOST])
def test_a_table_whose_outcome_is_unknown_is_written_once(
    start: Start, keeper: FakeKeeper, fate: Fate
) -> None:
    """F23: the write goes wrong, and so does the first attempt to read it back."""
    server = start("m1:1")
    server.beat()
    fates = iter([fate, Fate.LOST])
    keeper.fate = lambda: next(fates, Fate.DONE)
    server.create("t")
    assert [table.name for table in server.driver.state.tables.values()] == ["t"]
    assert keeper.nodes["/pegasus-tab/c/tables"].version == 0, "written once"


def test_what_cannot_be_read_is_not_led(start: Start, keeper: FakeKeeper, time: Time) -> None:
    first = start("m1:1")
    first.beat()
    first.create("t")
    keeper.nodes["/pegasus-tab/c/tables/1"].data = b"x"
    first.election.resign("a test")
    keeper.run()
    time.now_us += RESIGNED_US
    first.run()
    assert not first.driver.is_leading
    assert len(keeper.clients) == 3, "it was elected, could not read, and resigned"


def test_a_zookeeper_that_is_not_there_is_told_again_and_again(
    start: Start, keeper: FakeKeeper, caplog: pytest.LogCaptureFixture
) -> None:
    keeper.is_absent = True
    server = start("m1:1")
    server.late.pop()()
    server.late.pop()()
    assert caplog.text.count("ZooKeeper does not answer") == 2
    keeper.is_absent = False
    keeper.clients[0].start_async()
    server.run()
    server.late.pop()()
    assert caplog.text.count("ZooKeeper does not answer") == 2
    assert server.driver.is_leading
