"""What the operator sees of servers and partitions: facts as of now, by name and by index."""

from collections import Counter
from dataclasses import dataclass

from pegasus_server.meta.failure_detector import Node
from pegasus_server.meta.guardian import Guardian
from pegasus_server.meta.table import Table
from pegasus_server.meta.ward import gpids
from pegasus_tab.base.cluster import DiskUsage, PartitionConfig
from pegasus_tab.base.ids import Decree, Gpid, NodeName


@dataclass(frozen=True, slots=True)
class NodeSurvey:
    """A replica server.

    Attributes:
        node: what meta knows of it.
        primaries: partitions it leads.
        secondaries: partitions it holds a copy of beside those.
        disk: how full its disk is, as it last said; None if it did not.
        rests_us: for how long it gets no new replica because it is slow, 0 if it does.
    """

    node: Node
    primaries: int
    secondaries: int
    disk: DiskUsage | None
    rests_us: int


@dataclass(frozen=True, slots=True)
class PartitionSurvey:
    """A partition.

    Attributes:
        gpid: which.
        config: as stored.
        committed: last decree the primary reported as committed, None before it did.
        prepared: last decree it reported as prepared, None before it did.
        learners: whom it reported to teach.
        reason: what the partition waits for or does, "" if it is whole.
    """

    gpid: Gpid
    config: PartitionConfig
    committed: Decree | None
    prepared: Decree | None
    learners: tuple[NodeName, ...]
    reason: str


def survey_nodes(guardian: Guardian, now_us: int) -> list[NodeSurvey]:
    """List the replica servers, by name; ``now_us`` is CLOCK_BOOTTIME."""
    ward = guardian.ward
    primaries: Counter[NodeName] = Counter()
    secondaries: Counter[NodeName] = Counter()
    for gpid, record in ward.partitions.records():
        if not ward.is_dropped(gpid):
            primaries.update([] if record.config.primary is None else [record.config.primary])
            secondaries.update(record.config.secondaries)
    nodes = ward.detector.nodes
    resting = ward.resting(now_us)
    return [
        NodeSurvey(
            nodes[name],
            primaries[name],
            secondaries[name],
            ward.reports.disk(name),
            resting.get(name, now_us) - now_us,
        )
        for name in sorted(nodes)
    ]


def survey_partitions(guardian: Guardian, table: Table) -> list[PartitionSurvey]:
    """List a table's partitions, by index."""
    return [_survey(guardian, gpid) for gpid in gpids(table)]


def _survey(guardian: Guardian, gpid: Gpid) -> PartitionSurvey:
    ward = guardian.ward
    config = ward.partitions.record(gpid).config
    report = None if config.primary is None else ward.reports.report(config.primary, gpid)
    is_whole = gpid not in ward.unsettled and gpid not in ward.dirty
    return PartitionSurvey(
        gpid,
        config,
        None if report is None else report.committed,
        None if report is None else report.prepared,
        () if report is None else tuple(each.node for each in report.learners),
        "" if is_whole else ward.watch(gpid).reason or "is looked at",
    )
