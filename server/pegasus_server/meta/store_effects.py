"""What meta asks of its store. Every write is conditional and ends in exactly one answer.

A store that can tell two leaders apart (ZooKeeper) also checks, in the same transaction as each
write, that the leader of ``Elected`` still leads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.function_level import FunctionLevel
from pegasus_server.meta.partition import PartitionRecord
from pegasus_server.meta.table import Table
from pegasus_tab.base.ids import Gpid


@dataclass(frozen=True, slots=True)
class LoadStore:
    """Read everything; answer with StoreLoaded or StoreFailed.

    A new term begins: answers to what was asked before it must not be delivered any more.
    """


@dataclass(frozen=True, slots=True)
class PersistConfig:
    """Write a partition's record if the store's is at ``expected_version``.

    Answer with ConfigPersisted; with PersistUnknown in every other case, also when the version
    differs: reading back tells what happened.

    Attributes:
        gpid: the partition.
        record: what to store.
        expected_version: None if there must be no record yet.
    """

    gpid: Gpid
    record: PartitionRecord
    expected_version: int | None


@dataclass(frozen=True, slots=True)
class ReadConfig:
    """Read a partition's record, after whatever was asked before; answer with ConfigRead.

    Repeat until the store answers or leadership is lost, with growing pauses.
    """

    gpid: Gpid


@dataclass(frozen=True, slots=True)
class PersistTables:
    """Write all changed tables in one transaction if the catalog is at ``expected_version``.

    Answer with TablesPersisted; with TablesUnknown in every other case.

    Attributes:
        next_app_id: to store with the catalog.
        written: table id -> table to store.
        removed: ids whose table and partitions are to go.
        expected_version: of the catalog.
        level: to store with the catalog, see ClusterState.
        lost_ids: to store with the catalog, see ClusterState.
    """

    next_app_id: int
    written: Mapping[int, Table]
    removed: tuple[int, ...]
    expected_version: int
    level: FunctionLevel | None = None
    lost_ids: tuple[int, ...] = ()

    def applied_to(self, stored: ClusterState) -> ClusterState:
        """Return what the store holds after this write, given what it held before."""
        kept = {key: each for key, each in stored.tables.items() if key not in self.removed}
        tables = {**kept, **self.written}
        return ClusterState(self.next_app_id, tables, self.level, self.lost_ids)


@dataclass(frozen=True, slots=True)
class ReadTables:
    """Read the catalog, as ReadConfig does; answer with TablesRead."""


StoreEffect: TypeAlias = LoadStore | PersistConfig | ReadConfig | PersistTables | ReadTables
