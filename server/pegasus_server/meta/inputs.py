"""What can happen to meta. Requests carry a token that comes back in their Reply."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pegasus_server.meta.function_level import FunctionLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTable:
    """Make a table.

    Attributes:
        name: see table_names.
        partition_count: a power of two, PARTITIONS_MIN..PARTITIONS_MAX.
        replica_count: 1..REPLICAS_MAX, or 0 for as many as fit the cluster.
        success_if_exist: answer OK if a table of that name and shape exists.
        envs: settings from the start.
        token: names the request.
    """

    name: str
    partition_count: int
    replica_count: int
    success_if_exist: bool
    envs: Mapping[str, str]
    token: object


@dataclass(frozen=True, slots=True, kw_only=True)
class DropTable:
    """Drop a table softly; it can be recalled for ``reserve_seconds`` (None: the default)."""

    name: str
    success_if_not_exist: bool
    reserve_seconds: int | None
    token: object


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallTable:
    """Bring a dropped table back, under ``new_name`` unless that is empty."""

    app_id: int
    new_name: str
    token: object


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameTable:
    """Give a table another name."""

    old_name: str
    new_name: str
    token: object


@dataclass(frozen=True, slots=True, kw_only=True)
class SetReplicaCount:
    """Ask for another number of copies of each partition, 1..REPLICAS_MAX."""

    name: str
    replica_count: int
    token: object


@dataclass(frozen=True, slots=True, kw_only=True)
class SetEnvs:
    """Set table envs."""

    name: str
    envs: Mapping[str, str]
    token: object


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteEnvs:
    """Remove table envs by name; names that are not set do not matter."""

    name: str
    keys: Sequence[str]
    token: object


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearEnvs:
    """Remove the table envs whose name begins with ``prefix``, but never the schema."""

    name: str
    prefix: str
    token: object


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLevel:
    """Set the function level; it is stored, so that every later leader knows it."""

    level: FunctionLevel
    token: object


@dataclass(frozen=True, slots=True)
class StateSaved:
    """The store holds the state of the last SaveState."""


@dataclass(frozen=True, slots=True)
class SaveFailed:
    """The store could not save; it still holds the state before."""

    reason: str


@dataclass(frozen=True, slots=True)
class ReplicasOpened:
    """Every partition of the table is open and serves."""

    app_id: int


@dataclass(frozen=True, slots=True)
class ReplicasFailed:
    """The partitions of the table could not be opened; those that were are closed again."""

    app_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed; once every few seconds is enough."""


MetaRequest: TypeAlias = (
    CreateTable
    | DropTable
    | RecallTable
    | RenameTable
    | SetReplicaCount
    | SetEnvs
    | DeleteEnvs
    | ClearEnvs
    | SetLevel
)
MetaInput: TypeAlias = (
    MetaRequest | StateSaved | SaveFailed | ReplicasOpened | ReplicasFailed | Tick
)
