"""The facts a decision on one partition rests on, and the decisions there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pegasus_server.meta.failure_detector import Node
from pegasus_server.meta.lease_numbers import US_PER_SECOND
from pegasus_server.meta.partition import PartitionRecord
from pegasus_server.meta.partition_watch import PartitionWatch
from pegasus_server.meta.placement import Loads
from pegasus_server.meta.replica_reports import ReplicaReports
from pegasus_tab.base.cluster import PartitionConfig, ProposalKind
from pegasus_tab.base.ids import Gpid, NodeName

QUORUM_MIN = 2
"""Members without which a partition of two or more replicas takes no writes (reliability 2.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CureNumbers:
    """Times of the cure, in microseconds.

    Attributes:
        resend_us: an unanswered proposal is sent again after this.
        survey_us: how long a succession waits for living members that do not answer.
        outage_us: after an outage of all members, how long to wait for the last to come back (A9).
        return_us: how long a lost replica is waited for before another server learns anew.
        learn_start_us: a learner the primary does not know of after this gives way to another.
        settle_us: reports that came sooner after a change are not held against a primary.

    Raises:
        ValueError: a time is not positive.
    """

    resend_us: int = 2 * US_PER_SECOND
    survey_us: int = US_PER_SECOND
    outage_us: int = 30 * US_PER_SECOND
    return_us: int = 600 * US_PER_SECOND
    learn_start_us: int = 30 * US_PER_SECOND
    settle_us: int = 3 * US_PER_SECOND

    def __post_init__(self) -> None:
        times = (self.resend_us, self.survey_us, self.outage_us, self.return_us)
        if min(*times, self.learn_start_us, self.settle_us) <= 0:
            raise ValueError("the times of the cure must be positive")


@dataclass(frozen=True, slots=True)
class Case:
    """One partition at one moment.

    Attributes:
        gpid: which.
        record: as stored.
        watch: what this leader remembers.
        replica_count: copies its table asks for.
        nodes: replica servers.
        reports: their accounts.
        loads: of all servers.
        resting: servers that get no new replica, being slow, and until when; see Slowness.
        numbers: times.
        now_us: CLOCK_BOOTTIME.
    """

    gpid: Gpid
    record: PartitionRecord
    watch: PartitionWatch
    replica_count: int
    nodes: Mapping[NodeName, Node]
    reports: ReplicaReports
    loads: Loads
    resting: Mapping[NodeName, int]
    numbers: CureNumbers
    now_us: int

    @property
    def config(self) -> PartitionConfig:
        """The current configuration."""
        return self.record.config

    def is_alive(self, node: NodeName) -> bool:
        """Tell whether a server is alive."""
        known = self.nodes.get(node)
        return known is not None and known.is_alive


@dataclass(frozen=True, slots=True)
class Whole:
    """Nothing to do."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be done now; why, and whose reports would help."""

    reason: str
    ask: tuple[NodeName, ...] = ()


@dataclass(frozen=True, slots=True)
class Propose:
    """Send a proposal about ``node`` to ``to``."""

    kind: ProposalKind
    node: NodeName
    to: NodeName


@dataclass(frozen=True, slots=True)
class Replace:
    """The primary serves nothing and never will: look for another."""

    reason: str


Decision: TypeAlias = Whole | Wait | Propose | Replace
