"""Messages between meta and replica servers that replicas themselves never see.

What both sides share about partitions stands in ``pegasus_tab.base.cluster``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pegasus_server.meta.table import TableStatus
from pegasus_tab.base.cluster import (
    Beacon,
    BeaconAck,
    ConfigNotice,
    ConfigProposal,
    ConfigQuery,
    ConfigSync,
    ConfigSyncReply,
    ConfigUpdate,
    ConfigUpdateReply,
    ReplicaReport,
)
from pegasus_tab.base.ids import NodeName


@dataclass(frozen=True, slots=True)
class Bye:
    """Replica server to meta: it stopped serving and gives its lease back at once.

    Attributes:
        node: who.
        incarnation: of the process that leaves; a later one is not meant.
    """

    node: NodeName
    incarnation: int


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """Meta to a replica server: send a ConfigSync now, with this number in ``survey``."""

    survey: int


@dataclass(frozen=True, slots=True)
class TableNotice:
    """Meta to replica servers: a table's status and settings.

    A server stops serving the replicas of a DROPPED table and keeps their data.

    Attributes:
        app_id: the table.
        name: its name.
        status: CREATING and RECALLING are served like AVAILABLE.
        partition_count: number of its partitions.
        max_replica_count: copies it asks for.
        envs: its settings, all of them.
    """

    app_id: int
    name: str
    status: TableStatus
    partition_count: int
    max_replica_count: int
    envs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """Meta to a replica server: tell everything that is stored (recovery of a lost store)."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Replica server to meta: every replica and what it knows of their tables.

    Attributes:
        node: who.
        reports: one per replica.
        tables: one per table with a replica here, as of the last TableNotice.
    """

    node: NodeName
    reports: tuple[ReplicaReport, ...]
    tables: tuple[TableNotice, ...]


ToMeta: TypeAlias = Beacon | Bye | ConfigUpdate | ConfigQuery | ConfigSync | ReplicaReport | Stored
FromMeta: TypeAlias = (
    BeaconAck
    | ConfigProposal
    | ConfigUpdateReply
    | ConfigNotice
    | ConfigSyncReply
    | SyncRequest
    | TableNotice
    | StoredRequest
)
