"""All partitions of a cluster, the servers that hold them, and what this leader knows of both.

Facts and questions; what events mean stands in ``guardian``, what is done about it in ``treatment``.
"""

from collections.abc import Iterable, Iterator, Mapping

from pegasus_server.meta.cluster_numbers import ClusterNumbers
from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.config_sync import SyncFacts
from pegasus_server.meta.cure_case import QUORUM_MIN, Case
from pegasus_server.meta.failure_detector import FailureDetector
from pegasus_server.meta.function_level import FunctionLevel, effective_level
from pegasus_server.meta.partition import unborn
from pegasus_server.meta.partition_configurations import PartitionConfigurations, Versioned
from pegasus_server.meta.partition_watch import PartitionWatch
from pegasus_server.meta.placement import Loads
from pegasus_server.meta.replica_reports import ReplicaReports
from pegasus_server.meta.slowness import Slowness
from pegasus_server.meta.table import Table, TableStatus
from pegasus_tab.base.cluster import ConfigProposal, PartitionConfig, ProposalKind, ReplicaStatus
from pegasus_tab.base.ids import Gpid, NodeName

REPLICAS_DEFAULT = 3
"""Copies of each partition of a table that does not say, where the servers suffice."""
APPOINTING = (ProposalKind.ASSIGN_PRIMARY, ProposalKind.UPGRADE_TO_PRIMARY)


class Ward:
    """What one leader knows.

    Invariants: every partition of every table has a record and a watch; partitions that are not
    known to be whole are in ``unsettled`` or ``dirty``.

    Args:
        tables: the stored catalog.
        stored: gpid -> stored record.
        numbers: see there.
        now_us: CLOCK_BOOTTIME.

    Attributes:
        tables: the stored catalog.
        partitions: the stored configurations, and their changes under way.
        detector: who is alive.
        reports: what replica servers said of their replicas.
        slowness: which servers were slow lately.
        unsettled: partitions that were not whole when last looked at, in no order.
        dirty: partitions to look at before the step ends, in no order.
    """

    def __init__(
        self,
        tables: ClusterState,
        stored: Mapping[Gpid, Versioned],
        numbers: ClusterNumbers,
        now_us: int,
    ) -> None:
        self.tables = tables
        self.numbers = numbers
        self.partitions = PartitionConfigurations(stored)
        self.reports = ReplicaReports()
        self.slowness = Slowness(numbers.slowness)
        known = {node for each in stored.values() for node in each.record.config.members}
        self.detector = FailureDetector(numbers.lease, known, now_us)
        self.unsettled: set[Gpid] = set()
        self.dirty: set[Gpid] = set()
        self._watches: dict[Gpid, PartitionWatch] = {}
        self._loads: Loads | None = None
        for gpid in self.partitions:
            self.watch_anew(gpid, now_us)
        self.add_unborn(now_us)

    @property
    def level(self) -> FunctionLevel:
        """The function level that was set, by the operator or else the configuration."""
        return self.numbers.level if self.tables.level is None else self.tables.level

    @property
    def why_frozen(self) -> str:
        """Why configurations stand still, and what to do."""
        if self.level < FunctionLevel.STEADY:
            return "the function level is freezed; set it to steady"
        alive, known = len(self.detector.alive()), len(self.detector.nodes)
        return f"only {alive} of {known} replica servers are alive; start the others"

    @property
    def effective_level(self) -> FunctionLevel:
        """The level meta acts on, given how many servers are alive."""
        nodes = self.detector.nodes
        alive = sum(1 for each in nodes.values() if each.is_alive)
        return effective_level(self.level, alive, len(nodes), self.numbers.freeze)

    @property
    def is_frozen(self) -> bool:
        """Tell whether configurations stand still."""
        return self.effective_level < FunctionLevel.STEADY

    def unknown_app_id(self) -> int | None:
        """Return the id of a table that servers hold and the store never gave out, None for none.

        Then the store was lost, or is another cluster's.
        """
        highest = self.reports.app_id_max()
        return highest if highest >= self.tables.next_app_id else None

    def replica_count_default(self) -> int:
        """Return how many copies a new table gets that does not say.

        Servers that are down count: two copies where three were meant would go unnoticed.
        """
        return max(1, min(REPLICAS_DEFAULT, len(self.detector.nodes)))

    def watch(self, gpid: Gpid) -> PartitionWatch:
        """Return what is remembered of a partition."""
        return self._watches[gpid]

    def config(self, gpid: Gpid) -> PartitionConfig | None:
        """Return a partition's configuration as the store holds it, None if there is none."""
        return self.partitions.record(gpid).config if gpid in self.partitions else None

    def is_dropped(self, gpid: Gpid) -> bool:
        """Tell whether a partition's table is dropped: it is left as it stands."""
        return self.tables.tables[gpid.app_id].status == TableStatus.DROPPED

    def is_serving(self, gpid: Gpid) -> bool:
        """Tell whether a partition has a primary that may serve."""
        config = self.config(gpid)
        if config is None or config.primary is None:
            return False
        return self._watches[gpid].gone_us is None

    def is_open(self, table: Table) -> bool:
        """Tell whether every partition of a table takes writes."""
        members_min = min(QUORUM_MIN, table.max_replica_count)
        for gpid in gpids(table):
            config = self.config(gpid)
            if config is None or len(config.members) < members_min or not self._is_led(gpid):
                return False
        return True

    def _is_led(self, gpid: Gpid) -> bool:
        """Tell whether the primary took its configuration up, or said since that it serves."""
        primary = self.partitions.record(gpid).config.primary
        watch = self._watches[gpid]
        if primary is None or watch.gone_us is not None or watch.is_led:
            return watch.is_led and watch.gone_us is None
        report = self.reports.report(primary, gpid)
        is_primary = report is not None and report.status is ReplicaStatus.PRIMARY
        is_fresh = self.reports.is_later(primary, watch.config_us)
        return is_primary and (is_fresh or self.reports.has_answered(primary, watch.asked))

    def whole_configs(self) -> dict[Gpid, PartitionConfig]:
        """Return the configurations of the partitions that want for nothing."""
        return {
            gpid: record.config
            for gpid, record in self.partitions.records()
            if gpid not in self.unsettled and gpid not in self.dirty and not self.is_dropped(gpid)
        }

    def led_by(self, node: NodeName) -> Iterator[Gpid]:
        """Go through the partitions whose configuration names a server as primary."""
        return (gpid for gpid, record in self.partitions.records() if record.config.primary == node)

    def holders(self, table: Table) -> list[NodeName]:
        """List the living servers with a replica of a table, as far as is known."""
        nodes: set[NodeName] = set()
        for gpid in gpids(table):
            config = self.config(gpid)
            nodes.update(config.members if config is not None else ())
        return sorted(node for node in nodes if self.detector.is_alive(node))

    def facts(self) -> SyncFacts:
        """Return what answers to replica servers rest on."""
        return SyncFacts(
            tables=self.tables,
            partitions=self.partitions,
            watch=self.watch,
            detector=self.detector,
            reports=self.reports,
            may_delete=not self.is_frozen,
        )

    def case(self, gpid: Gpid, now_us: int) -> Case:
        """Return what a decision about a partition rests on."""
        return Case(
            gpid=gpid,
            record=self.partitions.record(gpid),
            watch=self._watches[gpid],
            replica_count=self.tables.tables[gpid.app_id].max_replica_count,
            nodes=self.detector.nodes,
            reports=self.reports,
            loads=self._current_loads(),
            resting=self.resting(now_us),
            numbers=self.numbers.cure,
            now_us=now_us,
        )

    def resting(self, now_us: int) -> dict[NodeName, int]:
        """Return the servers that get no new replica because they are slow, and until when."""
        return self.slowness.resting(self.detector.nodes, now_us)

    def _current_loads(self) -> Loads:
        """Count replicas, those on their way included."""
        if self._loads is None:
            self._loads = Loads((gpid, each.config) for gpid, each in self.partitions.records())
            for gpid, watch in self._watches.items():
                if watch.sent is not None:
                    self.count(gpid, watch.sent.proposal)
        return self._loads

    def count(self, gpid: Gpid, proposal: ConfigProposal) -> None:
        """Count in what a proposal will bring, so that the next one goes elsewhere."""
        if self._loads is None:
            return
        if proposal.kind in APPOINTING:
            self._loads.add_primary(proposal.node, gpid.app_id)
        if proposal.kind in (ProposalKind.ASSIGN_PRIMARY, ProposalKind.ADD_LEARNER):
            self._loads.add_replica(proposal.node, gpid.app_id)

    def recount(self) -> None:
        """Forget the counts: configurations changed."""
        self._loads = None

    def mark(self, marked: Iterable[Gpid]) -> None:
        """Have partitions looked at before the step ends."""
        self.dirty.update(gpid for gpid in marked if gpid in self.partitions)

    def watch_anew(self, gpid: Gpid, now_us: int) -> PartitionWatch:
        """Begin to watch a configuration that is current from now on."""
        watch = PartitionWatch(config_us=now_us, asked=self.reports.asked, asked_us=now_us)
        primary = self.partitions.record(gpid).config.primary
        if primary is not None and not self.detector.is_alive(primary):
            watch.gone_us = now_us
        self._watches[gpid] = watch
        self.mark((gpid,))
        return watch

    def add_unborn(self, now_us: int) -> None:
        """Take in the partitions of tables that have none yet."""
        for table in self.tables.tables.values():
            for gpid in gpids(table):
                if gpid not in self.partitions:
                    self.partitions.add(gpid, unborn(table.max_replica_count))
                    self.watch_anew(gpid, now_us)

    def forget_purged(self) -> list[Gpid]:
        """Drop and return the partitions whose table is purged."""
        purged = [gpid for gpid in self.partitions if gpid.app_id not in self.tables.tables]
        self.partitions.forget(purged)
        for gpid in purged:
            del self._watches[gpid]
        self.unsettled.difference_update(purged)
        self.dirty.difference_update(purged)
        return purged


def gpids(table: Table) -> Iterator[Gpid]:
    """Go through a table's partitions."""
    return (Gpid(table.app_id, index) for index in range(table.partition_count))
