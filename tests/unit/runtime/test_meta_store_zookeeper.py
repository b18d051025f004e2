"""Meta's store in ZooKeeper: what is written where, and what becomes of writes that go wrong."""

from dataclasses import replace

import pytest

from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.partition import PartitionRecord
from pegasus_server.meta.store_effects import (
    LoadStore,
    PersistConfig,
    PersistTables,
    ReadConfig,
    ReadTables,
    StoreEffect,
)
from pegasus_server.meta.store_inputs import (
    ConfigPersisted,
    ConfigRead,
    PersistUnknown,
    StoreFailed,
    StoreInput,
    StoreLoaded,
    TablesPersisted,
    TablesRead,
    TablesUnknown,
)
from pegasus_server.meta.table import Table, TableStatus
from pegasus_server.runtime.meta_store_zookeeper import Warrant, ZooKeeperStore
from pegasus_server.runtime.zookeeper_paths import ZooKeeperPaths
from pegasus_tab.base.cluster import PartitionConfig
from pegasus_tab.base.ids import Ballot, Gpid, NodeName
from tests.fakes.keeper import FakeKeeper
from tests.fakes.keeper_contract import Site
from tests.fakes.meta_store import Fate

ROOT = "/pegasus-tab/c"
GPID = Gpid(1, 0)
R1, R2 = NodeName("r1:1"), NodeName("r2:1")


def record(ballot: int) -> PartitionRecord:
    return PartitionRecord(PartitionConfig(Ballot(ballot), R1, (R2,), max_replica_count=2))


def table(app_id: int, name: str) -> Table:
    return Table(
        app_id=app_id,
        name=name,
        status=TableStatus.AVAILABLE,
        max_replica_count=2,
        ballots=(Ballot(1), Ballot(1)),
        create_second=1_700_000_000,
        envs={"x": "y"},
    )


class Bench:
    """A store that leads, on a fake ensemble."""

    def __init__(self, keeper: FakeKeeper, cluster: str = "c") -> None:
        self.keeper = keeper
        self.site = Site("fake:2181", keeper.make_client, keeper.deliver, keeper.run)
        self.pauses: list[float] = []
        self.defects: list[str] = []
        self.store = ZooKeeperStore(ZooKeeperPaths(ROOT), cluster, self.pause, self.defects.append)
        self.session, _ = self.site.open()
        self.site.ask(self.session.ensure(f"{ROOT}/line"))
        self.site.ask(self.session.enter(f"{ROOT}/line/entry~"))
        [name] = self.site.ask(self.session.children(f"{ROOT}/line"))[-1:]
        self.entry = f"{ROOT}/line/{name}"
        self.store.lead(Warrant(self.session, self.entry))

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def ask(self, effect: StoreEffect) -> StoreInput:
        answers: list[StoreInput] = []
        self.store.ask(effect, answers.append)
        self.keeper.run()
        assert not self.defects
        [answer] = answers
        return answer


@pytest.fixture
def keeper() -> FakeKeeper:
    return FakeKeeper()


@pytest.fixture
def bench(keeper: FakeKeeper) -> Bench:
    bench = Bench(keeper)
    assert bench.ask(LoadStore()) == StoreLoaded(ClusterState(), 0, {})
    return bench


def test_what_was_written_is_read_by_the_next_leader(bench: Bench, keeper: FakeKeeper) -> None:
    first, second = table(1, "a"), table(2, "b")
    assert bench.ask(PersistTables(2, {1: first}, (), 0)) == TablesPersisted(1)
    assert bench.ask(PersistTables(3, {1: first, 2: second}, (), 1)) == TablesPersisted(2)
    assert bench.ask(PersistConfig(GPID, record(1), None)) == ConfigPersisted(GPID, 0)
    assert bench.ask(PersistConfig(GPID, record(2), 0)) == ConfigPersisted(GPID, 1)
    loaded = Bench(keeper).ask(LoadStore())
    tables = ClusterState(3, {1: first, 2: second})
    assert loaded == StoreLoaded(tables, 2, {GPID: (record(2), 1)})
    assert bench.ask(ReadTables()) == TablesRead(tables, 2)
    assert bench.ask(ReadConfig(GPID)) == ConfigRead(GPID, record(2), 1)
    assert bench.ask(ReadConfig(Gpid(1, 1))) == ConfigRead(Gpid(1, 1), None, None)
    names = {path.removeprefix(ROOT) for path in keeper.nodes if path.startswith(f"{ROOT}/")}
    kept = {each for each in names if not each.startswith("/line")}
    assert kept == {"/tables", "/tables/1", "/tables/2", "/partitions", "/partitions/1.0"}


def many_tables() -> dict[int, Table]:
    """Return more than one transaction can take."""
    large = {"tab.schema": "x" * 300_000}
    return {id_: replace(table(id_, f"t{id_}"), envs=large) for id_ in range(1, 9)}


def test_a_recovered_catalog_may_be_larger_than_a_transaction(
    bench: Bench, keeper: FakeKeeper
) -> None:
    tables = many_tables()
    assert bench.ask(PersistTables(9, tables, (), 0)) == TablesPersisted(2)
    assert Bench(keeper).ask(LoadStore()) == StoreLoaded(ClusterState(9, tables), 2, {})
    assert bench.ask(PersistTables(9, {}, (1,), 2)) == TablesPersisted(3)


@pytest.mark.parametrize("fate", [Fate.LOST, Fate.ANSWER_LOST])
@pytest.mark.parametrize("writes", range(5))
def test_a_recovery_that_breaks_off_leaves_no_table_and_is_repeated(
    bench: Bench, keeper: FakeKeeper, writes: int, fate: Fate
) -> None:
    fates = iter([Fate.DONE] * writes + [fate])
    keeper.fate = lambda: next(fates, Fate.DONE)
    assert bench.ask(PersistTables(9, many_tables(), (), 0)) == TablesUnknown()
    second = Bench(keeper)
    loaded = second.ask(LoadStore())
    assert isinstance(loaded, StoreLoaded)
    assert loaded.tables == ClusterState()
    fewer = {id_: table(id_, f"t{id_}") for id_ in (1, 8)}
    assert isinstance(
        second.ask(PersistTables(9, fewer, (), loaded.tables_version)), TablesPersisted
    )
    after = Bench(keeper).ask(LoadStore())
    assert isinstance(after, StoreLoaded)
    assert after.tables == ClusterState(9, fewer)


def test_a_purged_table_takes_its_partitions_along(bench: Bench, keeper: FakeKeeper) -> None:
    bench.ask(PersistTables(3, {1: table(1, "a"), 2: table(2, "b")}, (), 0))
    for gpid in (GPID, Gpid(1, 1), Gpid(2, 0)):
        bench.ask(PersistConfig(gpid, record(1), None))
    assert bench.ask(PersistTables(3, {}, (1,), 1)) == TablesPersisted(2)
    assert keeper.children(f"{ROOT}/tables") == ["2"]
    assert keeper.children(f"{ROOT}/partitions") == ["2.0"]


def test_a_version_that_is_not_the_stored_one_is_refused(bench: Bench) -> None:
    bench.ask(PersistTables(2, {1: table(1, "a")}, (), 0))
    bench.ask(PersistConfig(GPID, record(1), None))
    assert bench.ask(PersistConfig(GPID, record(1), None)) == PersistUnknown(GPID)
    assert bench.ask(PersistConfig(GPID, record(2), 7)) == PersistUnknown(GPID)
    for version in (0, 2):
        assert bench.ask(PersistTables(3, {}, (1,), version)) == TablesUnknown()
    assert len(bench.pauses) == 4, "who is refused does not try again at once"
    assert bench.ask(ReadConfig(GPID)) == ConfigRead(GPID, record(1), 0)


def test_a_leader_whose_entry_is_gone_writes_nothing(bench: Bench, keeper: FakeKeeper) -> None:
    bench.ask(PersistConfig(GPID, record(1), None))
    keeper.expire(bench.session.number)
    assert bench.ask(PersistConfig(GPID, record(2), 0)) == PersistUnknown(GPID)
    assert bench.ask(PersistTables(2, {1: table(1, "a")}, (), 0)) == TablesUnknown()
    assert Bench(keeper).ask(LoadStore()) == StoreLoaded(ClusterState(), 0, {GPID: (record(1), 0)})


@pytest.mark.parametrize(("fate", "is_done"), [(Fate.LOST, False), (Fate.ANSWER_LOST, True)])
def test_after_a_lost_answer_reading_tells(
    bench: Bench, keeper: FakeKeeper, fate: Fate, is_done: bool
) -> None:
    """F23."""
    keeper.fate = lambda: fate
    assert bench.ask(PersistConfig(GPID, record(1), None)) == PersistUnknown(GPID)
    assert bench.ask(PersistTables(2, {1: table(1, "a")}, (), 0)) == TablesUnknown()
    keeper.fate = lambda: Fate.DONE
    expected = (record(1), 0) if is_done else (None, None)
    assert bench.ask(ReadConfig(GPID)) == ConfigRead(GPID, *expected)
    tables = ClusterState(2, {1: table(1, "a")}) if is_done else ClusterState()
    assert bench.ask(ReadTables()) == TablesRead(tables, int(is_done))


def test_reading_goes_on_until_there_is_an_answer(bench: Bench, keeper: FakeKeeper) -> None:
    fates = iter([Fate.LOST] * 7)
    keeper.fate = lambda: next(fates, Fate.DONE)
    assert bench.ask(ReadConfig(GPID)) == ConfigRead(GPID, None, None)
    assert bench.pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


def test_nobody_is_answered_after_the_term(bench: Bench, keeper: FakeKeeper) -> None:
    answers: list[StoreInput] = []
    bench.store.ask(ReadConfig(GPID), answers.append)
    bench.store.follow()
    bench.store.ask(PersistConfig(GPID, record(1), None), answers.append)
    keeper.run()
    assert answers == []
    bench.store.lead(Warrant(bench.session, bench.entry))
    keeper.fate = lambda: Fate.LOST
    bench.store.ask(ReadConfig(GPID), answers.append)
    bench.store.follow()
    keeper.run()
    assert (answers, bench.defects) == ([], [])


@pytest.mark.parametrize("path", [f"{ROOT}/tables", f"{ROOT}/tables/1", f"{ROOT}/partitions/1.0"])
@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"config": 1}', b"\xff"])
def test_damage_is_named_and_nothing_is_led(
    bench: Bench, keeper: FakeKeeper, path: str, data: bytes
) -> None:
    bench.ask(PersistTables(2, {1: table(1, "a")}, (), 0))
    bench.ask(PersistConfig(GPID, record(1), None))
    keeper.nodes[path].data = data
    answer = bench.ask(LoadStore())
    assert isinstance(answer, StoreFailed)
    assert f"{path} is damaged" in answer.reason


def test_the_nodes_of_another_cluster_are_not_touched(bench: Bench, keeper: FakeKeeper) -> None:
    bench.ask(PersistTables(2, {1: table(1, "a")}, (), 0))
    answer = Bench(keeper, cluster="other").ask(LoadStore())
    assert isinstance(answer, StoreFailed)
    assert "belongs to cluster 'c'" in answer.reason


def test_an_ensemble_that_does_not_answer_fails_the_load(bench: Bench, keeper: FakeKeeper) -> None:
    keeper.is_away = True
    assert isinstance(bench.ask(LoadStore()), StoreFailed)
