"""The store of an only meta server: versions compared, everything found again, damage told."""

from pathlib import Path

import pytest

from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.function_level import FunctionLevel
from pegasus_server.meta.partition import Drop, PartitionRecord
from pegasus_server.meta.store_effects import (
    LoadStore,
    PersistConfig,
    PersistTables,
    ReadConfig,
    ReadTables,
)
from pegasus_server.meta.store_inputs import (
    ConfigPersisted,
    ConfigRead,
    PersistUnknown,
    StoreFailed,
    StoreLoaded,
    TablesPersisted,
    TablesRead,
    TablesUnknown,
)
from pegasus_server.meta.table import Table, TableStatus
from pegasus_server.runtime.meta_store_folder import MetaStoreFolder
from pegasus_server.runtime.startup_fault import StartupFault
from pegasus_tab.base.cluster import PartitionConfig
from pegasus_tab.base.ids import Ballot, Gpid, NodeName

GPID = Gpid(1, 0)
TABLE = Table(
    app_id=1,
    name="t",
    status=TableStatus.AVAILABLE,
    max_replica_count=3,
    ballots=(Ballot(1), Ballot(1)),
    create_second=7,
    envs={"a": "b"},
)


def record(ballot: int) -> PartitionRecord:
    config = PartitionConfig(Ballot(ballot), NodeName("a:1"), (NodeName("b:1"),))
    return PartitionRecord(config, (Drop(NodeName("c:1"), Ballot(ballot - 1)),))


@pytest.fixture
def store(tmp_path: Path) -> MetaStoreFolder:
    return MetaStoreFolder(tmp_path)


def test_what_was_written_is_found_again(store: MetaStoreFolder, tmp_path: Path) -> None:
    assert store.perform(LoadStore()) == StoreLoaded(ClusterState(), 0, {})
    assert store.perform(PersistTables(2, {1: TABLE}, (), 0)) == TablesPersisted(1)
    assert store.perform(PersistConfig(GPID, record(1), None)) == ConfigPersisted(GPID, 0)
    assert store.perform(PersistConfig(GPID, record(2), 0)) == ConfigPersisted(GPID, 1)
    assert store.perform(ReadConfig(GPID)) == ConfigRead(GPID, record(2), 1)
    tables = ClusterState(2, {1: TABLE})
    assert store.perform(ReadTables()) == TablesRead(tables, 1)
    again = MetaStoreFolder(tmp_path)
    assert again.perform(LoadStore()) == StoreLoaded(tables, 1, {GPID: (record(2), 1)})


def test_the_catalog_keeps_level_and_lost_ids(store: MetaStoreFolder) -> None:
    store.perform(PersistTables(3, {1: TABLE}, (), 0, FunctionLevel.LIVELY, (2,)))
    kept = ClusterState(3, {1: TABLE}, FunctionLevel.LIVELY, (2,))
    assert store.perform(ReadTables()) == TablesRead(kept, 1)


def test_another_version_changes_nothing(store: MetaStoreFolder) -> None:
    store.perform(PersistConfig(GPID, record(1), None))
    assert store.perform(PersistConfig(GPID, record(2), None)) == PersistUnknown(GPID)
    assert store.perform(PersistConfig(GPID, record(2), 5)) == PersistUnknown(GPID)
    assert store.perform(ReadConfig(GPID)) == ConfigRead(GPID, record(1), 0)
    assert store.perform(PersistTables(2, {1: TABLE}, (), 3)) == TablesUnknown()
    assert store.perform(ReadTables()) == TablesRead(ClusterState(), 0)
    assert store.perform(ReadConfig(Gpid(9, 9))) == ConfigRead(Gpid(9, 9), None, None)


def test_purged_tables_take_their_partitions_along(store: MetaStoreFolder) -> None:
    store.perform(PersistTables(2, {1: TABLE}, (), 0))
    store.perform(PersistConfig(GPID, record(1), None))
    assert store.perform(PersistTables(2, {}, (1,), 1)) == TablesPersisted(2)
    assert store.perform(LoadStore()) == StoreLoaded(ClusterState(2, {}), 2, {})


@pytest.mark.parametrize("name", ["tables.json", "partitions/1.0"])
def test_damage_is_told_not_read(store: MetaStoreFolder, tmp_path: Path, name: str) -> None:
    store.perform(PersistTables(2, {1: TABLE}, (), 0))
    store.perform(PersistConfig(GPID, record(1), None))
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / name).write_bytes(content)
    answer = MetaStoreFolder(tmp_path).perform(LoadStore())
    assert isinstance(answer, StoreFailed)
    assert name.rpartition("/")[2] in answer.reason


def test_epochs_rise_over_restarts(store: MetaStoreFolder, tmp_path: Path) -> None:
    assert [store.next_epoch(0), store.next_epoch(0)] == [1, 2]
    assert MetaStoreFolder(tmp_path).next_epoch(0) == 3
    assert [store.next_epoch(1000), store.next_epoch(900)] == [1000, 1001]
    (tmp_path / "epoch").write_text("soon")
    with pytest.raises(StartupFault, match="epoch"):
        store.next_epoch(0)
