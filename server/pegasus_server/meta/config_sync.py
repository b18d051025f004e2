"""What meta answers a replica server that tells what it stores (pegasus-features.md a5)."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.failure_detector import FailureDetector
from pegasus_server.meta.partition import PartitionRecord
from pegasus_server.meta.partition_configurations import PartitionConfigurations
from pegasus_server.meta.partition_watch import PartitionWatch
from pegasus_server.meta.replica_reports import ReplicaReports
from pegasus_server.meta.table import TableStatus
from pegasus_tab.base.cluster import (
    ConfigNotice,
    ConfigSync,
    ConfigSyncReply,
    PartitionConfig,
    ReplicaReport,
    ReplicaStatus,
)
from pegasus_tab.base.ids import Gpid

_SERVING = (ReplicaStatus.PRIMARY, ReplicaStatus.SECONDARY)


@dataclass(frozen=True, slots=True)
class SyncFacts:
    """What the answer rests on.

    Attributes:
        tables: as stored.
        partitions: as stored.
        watch: of a partition.
        detector: who is alive.
        reports: what the others said.
        may_delete: whether the function level lets superfluous replicas go.
    """

    tables: ClusterState
    partitions: PartitionConfigurations
    watch: Callable[[Gpid], PartitionWatch]
    detector: FailureDetector
    reports: ReplicaReports
    may_delete: bool

    def spoken(self, gpid: Gpid) -> PartitionConfig:
        """Return a partition's configuration as replicas should know it."""
        table = self.tables.tables[gpid.app_id]
        config = self.partitions.record(gpid).config
        return replace(config, max_replica_count=table.max_replica_count)

    def may_tell(self, node: str, gpid: Gpid) -> bool:
        """Tell whether a server may hear a partition's configuration.

        A primary that is about to be replaced must not: it would serve again. A dropped table is
        nobody's to serve.
        """
        if gpid not in self.partitions:
            return False
        if self.tables.tables[gpid.app_id].status == TableStatus.DROPPED:
            return False
        is_gone = self.watch(gpid).gone_us is not None
        return not (is_gone and self.partitions.record(gpid).config.primary == node)


def answer_sync(sync: ConfigSync, facts: SyncFacts) -> ConfigSyncReply:
    """Answer with the configurations of the stored replicas, and which of them may go."""
    notices = []
    garbage = []
    purged = set()
    for report in sync.reports:
        if report.node != sync.node:
            continue
        if facts.may_tell(sync.node, report.gpid) and _concerns(report, facts):
            notices.append(ConfigNotice(report.gpid, facts.spoken(report.gpid), sync.sent_us))
        if facts.may_delete and _is_garbage(report, facts):
            garbage.append(report.gpid)
        if facts.may_delete and facts.tables.is_purged(report.gpid.app_id):
            purged.add(report.gpid.app_id)
    return ConfigSyncReply(tuple(notices), tuple(garbage), tuple(sorted(purged)))


def _concerns(report: ReplicaReport, facts: SyncFacts) -> bool:
    """A learner is in no configuration; telling it of one it knows would end its learning."""
    config = facts.partitions.record(report.gpid).config
    if report.node in config.members or report.ballot < config.ballot:
        return True
    return report.status in _SERVING


def _is_garbage(report: ReplicaReport, facts: SyncFacts) -> bool:
    """Tell whether a replica can be deleted without ever being missed.

    The last known copy never is: the partition must be whole, and every member must have said,
    under the current configuration, that it serves. What was left behind must go, for what it
    logged and nobody decided holds its server's log back for good.
    """
    gpid = report.gpid
    if gpid not in facts.partitions or report.status in (*_SERVING, ReplicaStatus.LEARNER):
        return False
    record = facts.partitions.record(gpid)
    watch = facts.watch(gpid)
    is_wanted = report.node in record.config.members or report.node == watch.wanted_learner
    is_asked = watch.sent is not None and watch.sent.proposal.node == report.node
    if is_wanted or is_asked or facts.partitions.is_changing(gpid):
        return False
    return _is_whole(gpid, record, facts)


def _is_whole(gpid: Gpid, record: PartitionRecord, facts: SyncFacts) -> bool:
    table = facts.tables.tables[gpid.app_id]
    watch = facts.watch(gpid)
    if table.status != TableStatus.AVAILABLE or watch.gone_us is not None:
        return False
    members = record.config.members
    if record.config.primary is None or len(members) < table.max_replica_count:
        return False
    for node in members:
        report = facts.reports.report(node, gpid)
        if report is None or report.status not in _SERVING or report.suspect:
            return False
        if not facts.detector.is_alive(node) or not facts.reports.is_later(node, watch.config_us):
            return False
    return True
