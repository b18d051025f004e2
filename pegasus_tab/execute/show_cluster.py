"""SHOW NODES, SHOW CLUSTER and SHOW PARTITIONS OF: who holds what, and what is missing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pegasus_tab.base.errors import NotSupportedError
from pegasus_tab.execute.context import Context
from pegasus_tab.execute.result import Page, ResultSet, named_result
from pegasus_tab.kv.cluster import ClusterHandle
from pegasus_tab.sql.catalog import Table
from pegasus_tab.sql.column_types import BIGINT, INT, TEXT
from pegasus_tab.wire.codes import FunctionLevel, NodeStatus
from pegasus_tab.wire.messages import (
    AppInfo,
    NodeAccount,
    PartitionAccount,
    PartitionConfiguration,
    PartitionDiagnosis,
)

LACKING_MAX = 20
"""Partitions that SHOW CLUSTER names; SHOW PARTITIONS OF has the others."""


def show_nodes(context: Context) -> ResultSet:
    """List the replica servers."""
    columns = {
        "node": TEXT,
        "state": TEXT,
        "host": TEXT,
        "durability": TEXT,
        "primaries": INT,
        "secondaries": INT,
        "silent_ms": BIGINT,
        "stored_bytes": BIGINT,
        "free_bytes": BIGINT,
    }
    rows: Page = [
        (
            str(each.address),
            node_state(each),
            each.host_label or None,
            each.durability or None,
            *(None if number < 0 else number for number in _numbers(each)),
        )
        for each in context.meta.cluster().nodes()
    ]
    return named_result(columns, rows)


def _numbers(account: NodeAccount) -> tuple[int, ...]:
    return (
        account.primaries,
        account.secondaries,
        account.silent_ms,
        account.stored_bytes,
        account.free_bytes,
    )


def show_partitions(context: Context, table: Table) -> ResultSet:
    """List a table's partitions."""
    columns = {
        "partition": INT,
        "primary": TEXT,
        "secondaries": TEXT,
        "ballot": BIGINT,
        "committed": BIGINT,
        "prepared": BIGINT,
        "state": TEXT,
    }
    rows: Page = [_partition_row(each) for each in context.meta.cluster().partitions(table.name)]
    return named_result(columns, rows)


def _partition_row(account: PartitionAccount) -> tuple[object, ...]:
    config, prepared = account.config, account.last_prepared_decree
    return (
        config.pid.partition_index,
        str(config.primary) if config.primary else None,
        ", ".join(map(str, config.secondaries)),
        config.ballot,
        config.last_committed_decree,
        None if prepared < 0 else prepared,
        partition_state(config, account.reason),
    )


def partition_state(config: PartitionConfiguration, reason: str) -> str:
    """Say in a few words whether a partition is whole: ``ok``, or what it lacks and why."""
    copies = len(config.secondaries) + bool(config.primary)
    if not config.primary:
        lack = "no primary"
    elif copies < config.max_replica_count:
        lack = f"{copies} of {config.max_replica_count} replicas"
    else:
        lack = ""
    return ": ".join(part for part in (lack, reason.removeprefix(f"{lack}; ")) if part) or "ok"


def node_state(account: NodeAccount) -> str:
    """Say whether a server is alive, and whether it gets new replicas."""
    if account.status != NodeStatus.ALIVE:
        return "dead"
    if account.rests_ms > 0:
        return f"alive, too slow: no new replicas for {-(-account.rests_ms // 1000)} s"
    return "alive"


def show_cluster(context: Context) -> ResultSet:
    """Tell what the cluster is, and how it is."""
    meta = context.meta
    cluster = meta.cluster()
    tables, nodes = meta.list_tables(), cluster.nodes()
    facts = cluster.facts()
    rows: Page = [
        *_told(facts, nodes),
        ("tables", str(len(tables))),
        ("partitions", str(sum(each.partition_count for each in tables))),
        ("replicas", _replicas(nodes)),
        *_lost_metadata(facts.get("unknown_table", "")),
        *_health(_lacking(cluster), {each.app_id: each for each in tables}),
    ]
    return named_result({"name": TEXT, "value": TEXT}, rows)


def _replicas(nodes: Sequence[NodeAccount]) -> str:
    known = [each.primaries + each.secondaries for each in nodes if each.primaries >= 0]
    return str(sum(known)) if len(known) == len(nodes) else ""


def _told(facts: Mapping[str, str], nodes: Sequence[NodeAccount]) -> Iterator[tuple[str, str]]:
    alive = [each for each in nodes if each.status == NodeStatus.ALIVE]
    classes = {each.durability for each in alive if each.durability}
    yield "cluster", facts.get("cluster_id", "")
    yield "version", facts.get("version", "")
    yield "metas", ", ".join(filter(None, facts.get("meta_servers", "").split(",")))
    yield "leader", facts.get("primary_meta_server", "")
    yield "level", _level(facts.get("meta_function_level", ""), facts.get("why_frozen", ""))
    yield "durability", ", ".join(sorted(classes))
    yield "nodes", f"{len(alive)} alive, {len(nodes) - len(alive)} dead"
    yield "moves", facts.get("balance_operation_count", "0")


def _level(number: str, why_frozen: str) -> str:
    known = {str(int(level)): level.name.lower() for level in FunctionLevel}
    level = known.get(number, number.lower().removeprefix("fl_"))
    return f"{level}, acting as freezed: {why_frozen}" if why_frozen else level


def _lost_metadata(unknown: str) -> Iterator[tuple[str, str]]:
    if unknown:
        lost = f"servers hold table {unknown}, which the store never heard of"
        yield "metadata", f"lost: {lost}; recover it with pegasus-tab admin recover"


def _lacking(cluster: ClusterHandle) -> Sequence[PartitionDiagnosis]:
    try:
        return cluster.diagnose()
    except NotSupportedError:
        return ()


def _health(
    lacking: Sequence[PartitionDiagnosis], tables: dict[int, AppInfo]
) -> Iterable[tuple[str, str]]:
    """Say whether every partition has all its replicas, or which lack what."""
    if not lacking:
        return [("health", "ok: every partition has all its replicas")]
    unserved = sum(1 for each in lacking if not each.config.primary)
    rows = [("health", f"{len(lacking)} partitions are not whole, {unserved} have no primary")]
    for each in lacking[:LACKING_MAX]:
        gpid = each.config.pid
        table = tables.get(gpid.app_id)
        name = str(gpid.app_id) if table is None else table.app_name
        state = partition_state(each.config, each.reason)
        rows.append((f"{name} {gpid.partition_index}", state))
    if len(lacking) > LACKING_MAX:
        rows.append(("...", f"and {len(lacking) - LACKING_MAX} more"))
    return rows
