"""Administrative changes as pure functions: a request and a state give a new state or a refusal.

Each rule stands here once; when and how the new state is saved is the business of ``meta``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pegasus_server.meta import error_names
from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.inputs import (
    ClearEnvs,
    CreateTable,
    DeleteEnvs,
    DropTable,
    MetaRequest,
    RecallTable,
    RenameTable,
    SetEnvs,
    SetLevel,
    SetReplicaCount,
)
from pegasus_server.meta.table import Table, TableStatus
from pegasus_server.meta.table_envs import SCHEMA_ENV, envs_fault, schema_version, size_fault
from pegasus_server.meta.table_names import name_fault
from pegasus_tab.base.ids import Ballot
from pegasus_tab.base.limits import PARTITIONS_MAX, PARTITIONS_MIN, REPLICAS_MAX

HOLD_SECONDS_DEFAULT = 7 * 24 * 3600
"""How long a dropped table can be recalled (the ancestor's hold_seconds_for_dropped_app)."""


@dataclass(frozen=True, slots=True)
class Changed:
    """The request leads to ``state``; ``table`` is the one it made or changed, if it is about one."""

    state: ClusterState
    table: Table | None


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The request is fulfilled already."""

    table: Table | None


@dataclass(frozen=True, slots=True)
class Refused:
    """The request cannot be fulfilled: a framework error name and what to do."""

    error: str
    hint: str


Outcome = Changed | Unchanged | Refused


def evaluate(
    request: MetaRequest, state: ClusterState, now: int, replica_count: int = 1
) -> Outcome:
    """Decide what a request leads to.

    Args:
        request: what is asked.
        state: the newest state.
        now: unix seconds.
        replica_count: copies of a new table that does not say how many.

    Returns:
        The changed state, or why nothing changes.
    """
    match request:
        case CreateTable():
            asked = request.replica_count or replica_count
            return _create(replace(request, replica_count=asked), state, now)
        case DropTable():
            return _drop(request, state, now)
        case RecallTable():
            return _recall(request, state)
        case RenameTable():
            return _rename(request, state)
        case SetReplicaCount():
            return _set_replica_count(request, state)
        case SetEnvs():
            return _set_envs(request, state)
        case DeleteEnvs():
            return _delete_envs(request, state)
        case ClearEnvs():
            return _clear_envs(request, state)
        case SetLevel(level=level):
            is_set = level == state.level
            return Unchanged(None) if is_set else Changed(replace(state, level=level), None)


def _create(request: CreateTable, state: ClusterState, now: int) -> Outcome:
    if fault := name_fault(request.name) or _shape_fault(request) or envs_fault(request.envs):
        return _invalid(fault)
    if fault := size_fault(request.envs):
        return _invalid(fault)
    existing = state.by_name(request.name)
    if existing is not None:
        return _create_existing(request, existing)
    table = Table(
        app_id=state.next_app_id,
        name=request.name,
        status=TableStatus.CREATING,
        max_replica_count=request.replica_count,
        ballots=(Ballot(1),) * request.partition_count,
        create_second=now,
        envs=dict(request.envs),
    )
    return Changed(state.with_new_table(table), table)


def _shape_fault(request: CreateTable) -> str | None:
    """Say what is wrong with the shape of a table to be made, or return None."""
    count = request.partition_count
    if not PARTITIONS_MIN <= count <= PARTITIONS_MAX or count & (count - 1):
        return (
            f"partition count {count} is not a power of two from {PARTITIONS_MIN} "
            f"to {PARTITIONS_MAX}"
        )
    return _replica_count_fault(request.replica_count)


def _replica_count_fault(replica_count: int) -> str | None:
    if not 1 <= replica_count <= REPLICAS_MAX:
        return f"replica count {replica_count} is not in 1..{REPLICAS_MAX}"
    return None


def _living(name: str, state: ClusterState) -> Table | Refused:
    """Find a table that takes changes."""
    table = state.by_name(name)
    if table is None:
        return _no_such_table(name)
    return _busy(table) if table.is_unfinished else table


def _busy(table: Table) -> Refused:
    doing = table.status.name.lower()
    return Refused(error_names.BUSY_CREATING, f"table {table.name} is {doing}; try again soon")


def _create_existing(request: CreateTable, existing: Table) -> Outcome:
    wanted = (request.partition_count, request.replica_count)
    if existing.is_unfinished:
        return _busy(existing)
    if request.success_if_exist and wanted == (
        existing.partition_count,
        existing.max_replica_count,
    ):
        return Unchanged(existing)
    if request.success_if_exist:
        return _invalid(
            f"table {request.name} exists with {existing.partition_count} partitions and "
            f"{existing.max_replica_count} replicas"
        )
    return Refused(error_names.APP_EXIST, f"table {request.name} exists")


def _drop(request: DropTable, state: ClusterState, now: int) -> Outcome:
    table = state.by_name(request.name)
    if table is None and request.success_if_not_exist:
        return Unchanged(None)
    if table is None:
        return _no_such_table(request.name)
    if table.is_unfinished:
        return _busy(table)
    hold = request.reserve_seconds
    if hold is None or hold < 0:
        hold = HOLD_SECONDS_DEFAULT
    dropped = replace(table, status=TableStatus.DROPPED, drop_second=now, expire_second=now + hold)
    return Changed(state.with_table(dropped), dropped)


def _recall(request: RecallTable, state: ClusterState) -> Outcome:
    table = state.tables.get(request.app_id)
    if table is None:
        return Refused(
            error_names.APP_NOT_EXIST,
            f"no table with id {request.app_id}; its hold time may be over",
        )
    if table.status != TableStatus.DROPPED:
        return Refused(error_names.APP_EXIST, f"table {table.name} is not dropped")
    name = request.new_name or table.name
    if fault := name_fault(name):
        return _invalid(fault)
    if state.by_name(name) is not None:
        return Refused(error_names.APP_EXIST, f"table {name} exists; recall under another name")
    recalled = replace(table, status=TableStatus.RECALLING, name=name)
    return Changed(state.with_table(recalled), recalled)


def _rename(request: RenameTable, state: ClusterState) -> Outcome:
    if fault := name_fault(request.new_name):
        return _invalid(fault)
    table = _living(request.old_name, state)
    if isinstance(table, Refused):
        return table
    if request.new_name == request.old_name:
        return Unchanged(table)
    if state.by_name(request.new_name) is not None:
        return Refused(error_names.APP_EXIST, f"table {request.new_name} exists")
    renamed = replace(table, name=request.new_name)
    return Changed(state.with_table(renamed), renamed)


def _set_replica_count(request: SetReplicaCount, state: ClusterState) -> Outcome:
    table = _living(request.name, state)
    if isinstance(table, Refused):
        return table
    if fault := _replica_count_fault(request.replica_count):
        return _invalid(fault)
    if request.replica_count == table.max_replica_count:
        return Unchanged(table)
    changed = replace(table, max_replica_count=request.replica_count)
    return Changed(state.with_table(changed), changed)


def _set_envs(request: SetEnvs, state: ClusterState) -> Outcome:
    table = _living(request.name, state)
    if isinstance(table, Refused):
        return table
    envs = {**table.envs, **request.envs}
    if fault := envs_fault(request.envs) or size_fault(envs):
        return _invalid(fault)
    schema = request.envs.get(SCHEMA_ENV)
    if schema is not None:
        stored = schema_version(table.envs.get(SCHEMA_ENV))
        if schema_version(schema) != stored + 1:
            return Refused(
                error_names.INVALID_VERSION,
                f"{SCHEMA_ENV} of table {table.name} is at version {stored}, so the next is "
                f"{stored + 1}, not {schema_version(schema)}; read it again and repeat the change",
            )
    return _with_envs(state, table, envs)


def _delete_envs(request: DeleteEnvs, state: ClusterState) -> Outcome:
    table = _living(request.name, state)
    if isinstance(table, Refused):
        return table
    if SCHEMA_ENV in request.keys and SCHEMA_ENV in table.envs:
        return _invalid(f"{SCHEMA_ENV} cannot be deleted: the rows could not be read without it")
    return _with_envs(state, table, {k: v for k, v in table.envs.items() if k not in request.keys})


def _clear_envs(request: ClearEnvs, state: ClusterState) -> Outcome:
    table = _living(request.name, state)
    if isinstance(table, Refused):
        return table
    kept = {
        name: value
        for name, value in table.envs.items()
        if name == SCHEMA_ENV or not name.startswith(request.prefix)
    }
    return _with_envs(state, table, kept)


def _with_envs(state: ClusterState, table: Table, envs: Mapping[str, str]) -> Outcome:
    if envs == table.envs:
        return Unchanged(table)
    changed = replace(table, envs=envs)
    return Changed(state.with_table(changed), changed)


def _invalid(hint: str) -> Refused:
    return Refused(error_names.INVALID_PARAMETERS, hint)


def _no_such_table(name: str) -> Refused:
    return Refused(error_names.APP_NOT_EXIST, f"no table {name!r}")
