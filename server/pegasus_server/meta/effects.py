"""What meta asks its adapter to do, in the order given."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pegasus_server.meta.balance import Move
from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.table import Table


@dataclass(frozen=True, slots=True)
class SaveState:
    """Save the state durably; answer with StateSaved or SaveFailed."""

    state: ClusterState


@dataclass(frozen=True, slots=True)
class OpenReplicas:
    """Open every partition of the table, making those that do not exist if ``create``.

    Answer with ReplicasOpened or ReplicasFailed.
    """

    table: Table
    create: bool


@dataclass(frozen=True, slots=True)
class CloseReplicas:
    """Stop serving the table's partitions and close them; their data stays."""

    app_id: int


@dataclass(frozen=True, slots=True)
class DeleteReplicas:
    """Delete the data of a table that was closed before."""

    app_id: int


@dataclass(frozen=True, slots=True)
class EnvsChanged:
    """Tell the table's partitions their new settings."""

    app_id: int
    envs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer a request.

    Attributes:
        token: the request's.
        error: a framework error name, ERR_OK for success.
        hint: what is wrong and what to do, empty on success.
        table: the table made or changed, None on failure or when it is about none.
        moves: planned or begun, in their order.
    """

    token: object
    error: str
    hint: str = ""
    table: Table | None = None
    moves: tuple[Move, ...] = ()


MetaEffect: TypeAlias = (
    SaveState | OpenReplicas | CloseReplicas | DeleteReplicas | EnvsChanged | Reply
)
