"""What the operator sees of a partition that meta does not dare to repair (pegasus-features.md d9)."""

from dataclasses import dataclass

from pegasus_server.meta.guardian import Guardian
from pegasus_tab.base.cluster import ReplicaReport
from pegasus_tab.base.ids import Ballot, Gpid, NodeName


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one server's replica.

    Attributes:
        node: the server.
        is_alive: whether it holds a lease.
        member_ballot: the newest configuration it was a member of.
        is_collected: whether it gave an account of its replicas in this leader's time.
        report: its last account of the replica, None if it has none or never gave one.
    """

    node: NodeName
    is_alive: bool
    member_ballot: Ballot
    is_collected: bool
    report: ReplicaReport | None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A partition that is not whole.

    Attributes:
        gpid: which.
        reason: what it waits for.
        evidence: of members and dropped servers, the newest membership first.
    """

    gpid: Gpid
    reason: str
    evidence: tuple[Evidence, ...]


def diagnose(guardian: Guardian) -> list[Diagnosis]:
    """List the partitions that are not whole, and the evidence to decide on."""
    ward = guardian.ward
    return [
        Diagnosis(gpid, ward.watch(gpid).reason, _evidence(guardian, gpid))
        for gpid in sorted(ward.unsettled)
    ]


def _evidence(guardian: Guardian, gpid: Gpid) -> tuple[Evidence, ...]:
    ward = guardian.ward
    record = ward.partitions.record(gpid)
    seats = [(node, record.config.ballot) for node in record.config.members]
    seats += [(each.node, each.ballot) for each in reversed(record.drops)]
    return tuple(
        Evidence(
            node,
            ward.detector.is_alive(node),
            ballot,
            ward.reports.is_known(node),
            ward.reports.report(node, gpid),
        )
        for node, ballot in seats
    )
