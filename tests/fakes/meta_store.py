"""A store with versions, whose answers can get lost before or after the write."""

from collections.abc import Callable
from enum import Enum

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
    StoreInput,
    StoreLoaded,
    TablesPersisted,
    TablesRead,
    TablesUnknown,
)
from pegasus_tab.base.ids import Gpid


class Fate(Enum):
    """What becomes of a write."""

    DONE = "done"
    LOST = "lost"
    ANSWER_LOST = "answer lost"


class FakeStore:
    """The shared store of all meta servers; ``fate`` is asked for every write."""

    partitions: dict[Gpid, tuple[PartitionRecord, int]]
    ballots: dict[Gpid, int]

    def __init__(self, fate: Callable[[], Fate] = lambda: Fate.DONE) -> None:
        self.fate = fate
        self.tables = ClusterState()
        self.tables_version = 0
        self.partitions = {}
        self.ballots = {}

    def perform(self, effect: StoreEffect) -> StoreInput:
        match effect:
            case LoadStore():
                return StoreLoaded(self.tables, self.tables_version, dict(self.partitions))
            case PersistConfig():
                return self._persist(effect)
            case ReadConfig():
                return ConfigRead(effect.gpid, *self.partitions.get(effect.gpid, (None, None)))
            case PersistTables():
                return self._persist_tables(effect)
            case ReadTables():
                return TablesRead(self.tables, self.tables_version)

    def _persist(self, effect: PersistConfig) -> StoreInput:
        fate = self.fate()
        _, version = self.partitions.get(effect.gpid, (None, None))
        if version != effect.expected_version or fate is Fate.LOST:
            return PersistUnknown(effect.gpid)
        ballot = effect.record.config.ballot
        assert ballot > self.ballots.get(effect.gpid, 0), "ballots only grow"
        self.ballots[effect.gpid] = ballot
        after = 0 if version is None else version + 1
        self.partitions[effect.gpid] = (effect.record, after)
        if fate is Fate.ANSWER_LOST:
            return PersistUnknown(effect.gpid)
        return ConfigPersisted(effect.gpid, after)

    def _persist_tables(self, effect: PersistTables) -> StoreInput:
        fate = self.fate()
        if self.tables_version != effect.expected_version or fate is Fate.LOST:
            return TablesUnknown()
        self.tables = effect.applied_to(self.tables)
        self.partitions = {
            gpid: each
            for gpid, each in self.partitions.items()
            if gpid.app_id not in effect.removed
        }
        self.tables_version += 1
        if fate is Fate.ANSWER_LOST:
            return TablesUnknown()
        return TablesPersisted(self.tables_version)
