"""Tables and configurations out of what replica servers have, after the store was lost.

Pure: from what every server stored to the records a new store begins with. Nobody is made primary
here: the best replica of each partition becomes its last dropped member, and the cure takes it
from there, with the same care as after any outage.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pegasus_server.meta.change import HOLD_SECONDS_DEFAULT
from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.messages import Stored, TableNotice
from pegasus_server.meta.partition import DROPS_MAX, Drop, PartitionRecord, unborn
from pegasus_server.meta.table import Table, TableStatus
from pegasus_tab.base.cluster import PartitionConfig, ReplicaReport, ReplicaStatus
from pegasus_tab.base.ids import Ballot, Gpid

BALLOT_GAP = 10
"""The lost store may have confirmed ballots that no replica heard of; none is given out twice."""


class RebuildError(Exception):
    """What the servers have does not make a catalog; the text says what contradicts."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a new store begins with.

    Attributes:
        tables: the catalog.
        partitions: gpid -> record, of every partition of every table.
        findings: what the operator should know, one line each.
    """

    tables: ClusterState
    partitions: Mapping[Gpid, PartitionRecord]
    findings: tuple[str, ...]


def rebuild(stored: Sequence[Stored], unix_seconds: int, *, skip_lost: bool) -> Rebuilt:
    """Rebuild tables and configurations.

    Args:
        stored: one per replica server that answered.
        unix_seconds: wall clock; dropped tables are held from now on.
        skip_lost: make partitions without any replica anew, empty.

    Raises:
        RebuildError: servers contradict each other, or a partition has no replica.
    """
    findings: list[str] = []
    tables = _tables(stored, unix_seconds, findings)
    reports: dict[Gpid, list[ReplicaReport]] = {}
    for each in stored:
        for report in each.reports:
            reports.setdefault(report.gpid, []).append(report)
    partitions = {}
    for table in tables.values():
        for index in range(table.partition_count):
            gpid = Gpid(table.app_id, index)
            partitions[gpid] = _partition(gpid, table, reports.pop(gpid, []), skip_lost, findings)
    findings += [
        f"replicas of {gpid} belong to no table that is known; they are left alone"
        for gpid in sorted(reports)
    ]
    next_app_id = max((*tables, *(gpid.app_id for gpid in reports)), default=0) + 1
    lost_ids = tuple(each for each in range(1, next_app_id) if each not in tables)
    state = ClusterState(next_app_id, tables, lost_ids=lost_ids)
    state.check()
    return Rebuilt(state, partitions, tuple(findings))


def _tables(stored: Iterable[Stored], unix_seconds: int, findings: list[str]) -> dict[int, Table]:
    notices: dict[int, TableNotice] = {}
    for each in sorted(stored, key=lambda one: one.node):
        for notice in each.tables:
            known = notices.setdefault(notice.app_id, notice)
            if known.partition_count != notice.partition_count:
                raise RebuildError(
                    f"table {notice.app_id} has {known.partition_count} partitions on one server "
                    f"and {notice.partition_count} on {each.node}; take the wrong one out"
                )
            if known != notice:
                findings.append(f"{each.node} has other settings of table {notice.app_id}")
    names: set[str] = set()
    return {
        app_id: _table(notices[app_id], names, unix_seconds, findings) for app_id in sorted(notices)
    }


def _table(notice: TableNotice, names: set[str], unix_seconds: int, findings: list[str]) -> Table:
    is_dropped = notice.status == TableStatus.DROPPED
    name = notice.name
    if not is_dropped:
        if name in names:
            name = f"{name}__{notice.app_id}"
            findings.append(f"two tables are named {notice.name}; one is {name} now")
        names.add(name)
    return Table(
        app_id=notice.app_id,
        name=name,
        status=TableStatus.DROPPED if is_dropped else TableStatus.AVAILABLE,
        max_replica_count=notice.max_replica_count,
        ballots=(Ballot(1),) * notice.partition_count,
        create_second=unix_seconds,
        envs=notice.envs,
        drop_second=unix_seconds if is_dropped else 0,
        expire_second=unix_seconds + HOLD_SECONDS_DEFAULT if is_dropped else 0,
    )


def _partition(
    gpid: Gpid,
    table: Table,
    reports: list[ReplicaReport],
    skip_lost: bool,
    findings: list[str],
) -> PartitionRecord:
    if not reports:
        if not skip_lost:
            raise RebuildError(
                f"no server has a replica of partition {gpid} of table {table.name}; add the "
                "missing servers, or skip lost partitions to make it anew, empty"
            )
        findings.append(f"partition {gpid} of table {table.name} is lost; it begins empty")
        return unborn(table.max_replica_count)
    ranked = sorted(reports, key=_rank)
    highest = Ballot(max(each.ballot for each in reports))
    config = PartitionConfig(
        Ballot(highest + BALLOT_GAP), None, max_replica_count=table.max_replica_count
    )
    others = [Drop(each.node, highest) for each in ranked[:-1]]
    best = Drop(ranked[-1].node, Ballot(highest + 1))
    return replace(unborn(1), config=config, drops=tuple([*others, best][-DROPS_MAX:]))


def _rank(report: ReplicaReport) -> tuple[bool, bool, bool, int, int, int, str]:
    """Order replicas by how surely they hold what was acknowledged; the best comes last."""
    return (
        report.status is not ReplicaStatus.ERROR,
        report.status is not ReplicaStatus.LEARNER,
        not report.suspect,
        report.ballot,
        report.committed,
        report.prepared,
        report.node,
    )
