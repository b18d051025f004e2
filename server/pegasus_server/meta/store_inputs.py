"""What the store answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.partition import PartitionRecord
from pegasus_tab.base.ids import Gpid


@dataclass(frozen=True, slots=True)
class StoreLoaded:
    """Everything the store holds.

    Attributes:
        tables: the catalog.
        tables_version: of the catalog.
        partitions: gpid -> record and version; a partition never assigned may be missing.
    """

    tables: ClusterState
    tables_version: int
    partitions: Mapping[Gpid, tuple[PartitionRecord, int]]


@dataclass(frozen=True, slots=True)
class StoreFailed:
    """The store could not be read; the reason says what to do."""

    reason: str


@dataclass(frozen=True, slots=True)
class ConfigPersisted:
    """The record is stored, at this version."""

    gpid: Gpid
    version: int


@dataclass(frozen=True, slots=True)
class PersistUnknown:
    """The write may or may not have happened, or the version was another (A8)."""

    gpid: Gpid


@dataclass(frozen=True, slots=True)
class ConfigRead:
    """What the store holds of a partition; both None if nothing."""

    gpid: Gpid
    record: PartitionRecord | None
    version: int | None


@dataclass(frozen=True, slots=True)
class TablesPersisted:
    """The catalog is stored, at this version."""

    version: int


@dataclass(frozen=True, slots=True)
class TablesUnknown:
    """The catalog may or may not have been written, or its version was another."""


@dataclass(frozen=True, slots=True)
class TablesRead:
    """The catalog as the store holds it."""

    tables: ClusterState
    version: int


StoreInput: TypeAlias = (
    StoreLoaded
    | StoreFailed
    | ConfigPersisted
    | PersistUnknown
    | ConfigRead
    | TablesPersisted
    | TablesUnknown
    | TablesRead
)
