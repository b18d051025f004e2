"""What meta servers and replicas tell each other about partitions: values, and no behaviour.

A *configuration* says who holds a partition; its *ballot* rises by one with every change, and meta
alone decides a change, by comparing the ballot (reliability reference 2.1, A8). Meta asks for a
change with a ConfigProposal; the primary, or the node to become primary, requests it with a
ConfigUpdate; the ConfigUpdateReply tells what stands (pegasus-features.md d7).
"""

from dataclasses import dataclass
from enum import StrEnum, unique

from pegasus_tab.base.ids import Ballot, Decree, Gpid, NodeName, Signature


@unique
class ReplicaStatus(StrEnum):
    """What a replica is at present; see pegasus_server.replication.status for the moves.

    ERROR is quarantine: its bytes are kept, it serves nothing and learns nothing.
    """

    INACTIVE = "inactive"
    PRIMARY = "primary"
    SECONDARY = "secondary"
    LEARNER = "learner"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Learner:
    """A node the primary is teaching, and the attempt's signature."""

    node: NodeName
    signature: Signature


@dataclass(frozen=True, slots=True)
class PartitionConfig:
    """Who holds a partition under a ballot.

    Attributes:
        ballot: 0 for a partition nobody ever held; the first primary gets 1.
        primary: None while there is none.
        secondaries: in the order they joined, without the primary and without repeats.
        max_replica_count: how many replicas the table asks for, >= 1.
        learners: whom the primary teaches. Only the primary knows; meta stores none.
    """

    ballot: Ballot
    primary: NodeName | None
    secondaries: tuple[NodeName, ...] = ()
    max_replica_count: int = 3
    learners: tuple[Learner, ...] = ()

    def __post_init__(self) -> None:
        assert self.ballot >= 0
        assert self.max_replica_count >= 1
        assert len(set(self.members)) == len(self.members), "a node holds a partition once"

    @property
    def members(self) -> tuple[NodeName, ...]:
        """The primary, if there is one, then the secondaries."""
        return self.secondaries if self.primary is None else (self.primary, *self.secondaries)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaReport:
    """A replica's account of itself (config sync, evidence for cure).

    Attributes:
        node: where it is.
        gpid: the partition.
        status: what it is.
        ballot: the highest it persisted.
        durable: decree its engine is on disk up to; durable <= applied <= committed <= prepared.
        applied: decree its engine shows.
        committed: decree it knows to be committed.
        prepared: highest decree it holds, logged, without holes below.
        logged_ballot: ballot of the mutation at ``prepared`` (A9 compares it first), 0 for none.
        suspect: its log may lack what it acknowledged; it must not be promoted (A9).
        learners: whom it teaches, if primary.
        failure: why it is in ERROR, as far as its server tells; for the operator.
    """

    node: NodeName
    gpid: Gpid
    status: ReplicaStatus
    ballot: Ballot
    durable: Decree
    applied: Decree
    committed: Decree
    prepared: Decree
    logged_ballot: Ballot
    suspect: bool = False
    learners: tuple[Learner, ...] = ()
    failure: str = ""


@unique
class ProposalKind(StrEnum):
    """What meta wants done. The first two go to ``node``, the others to the primary.

    ASSIGN_PRIMARY: ``node`` is in no current configuration: a new partition, or one whose members
    were all dropped. UPGRADE_TO_PRIMARY: ``node`` is a member, a secondary or, after it restarted,
    the primary itself. ``config.primary`` is the node itself or None, also if a primary that died
    stands in the store. The node requests ballot + 1 with itself as primary and the secondaries.
    """

    ASSIGN_PRIMARY = "assign_primary"
    UPGRADE_TO_PRIMARY = "upgrade_to_primary"
    ADD_LEARNER = "add_learner"
    DOWNGRADE_TO_SECONDARY = "downgrade_to_secondary"
    DOWNGRADE_TO_INACTIVE = "downgrade_to_inactive"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class ConfigProposal:
    """Meta to a replica: please bring this change about.

    Attributes:
        gpid: the partition.
        kind: the change.
        node: whom it is about.
        config: meta's current configuration. A replica that knows a higher ballot answers with
            its ReplicaReport and does nothing.
    """

    gpid: Gpid
    kind: ProposalKind
    node: NodeName
    config: PartitionConfig


@unique
class UpdateReason(StrEnum):
    """Why a replica requests a configuration."""

    BECOME_PRIMARY = "become_primary"
    ADD_SECONDARY = "add_secondary"
    DROP_SECONDARY = "drop_secondary"
    STEP_DOWN = "step_down"


@dataclass(frozen=True, slots=True)
class ConfigUpdate:
    """Replica to meta: make ``new_config`` current if the ballot still is ``expected_ballot``.

    The same request may come again, when the answer was lost: if ``new_config`` is current
    already it is accepted again.

    Attributes:
        gpid: the partition.
        sender: who asks.
        expected_ballot: new_config.ballot - 1.
        new_config: whole, without learners.
        reason: what it is for.
        node: whom it is about.
    """

    gpid: Gpid
    sender: NodeName
    expected_ballot: Ballot
    new_config: PartitionConfig
    reason: UpdateReason
    node: NodeName

    def __post_init__(self) -> None:
        assert self.new_config.ballot == self.expected_ballot + 1, "A8"


@dataclass(frozen=True, slots=True)
class ConfigUpdateReply:
    """Meta to a replica, only after its store confirmed (A8): what stands now.

    Attributes:
        gpid: the partition.
        expected_ballot: of the request this answers.
        accepted: the requested configuration is current.
        config: the current configuration.
    """

    gpid: Gpid
    expected_ballot: Ballot
    accepted: bool
    config: PartitionConfig


@dataclass(frozen=True, slots=True)
class ConfigQuery:
    """Replica to meta: what is the configuration? Answered with a ConfigNotice.

    Attributes:
        gpid: the partition.
        sender: who asks.
        sent_us: its CLOCK_BOOTTIME; comes back in the notice.
    """

    gpid: Gpid
    sender: NodeName
    sent_us: int = 0


@dataclass(frozen=True, slots=True)
class ConfigNotice:
    """Meta to a replica: this configuration is current (answer, config sync, re-confirmation).

    After a lapse only the answer to a question asked since the lease was granted again confirms a
    configuration of the same ballot: an older notice, delayed, may name a primary that meta gave
    up meanwhile.

    Attributes:
        gpid: the partition.
        config: what stands.
        asked_us: ``sent_us`` of the ConfigQuery or ConfigSync it answers, 0 if it comes unasked.
    """

    gpid: Gpid
    config: PartitionConfig
    asked_us: int = 0


@dataclass(frozen=True, slots=True)
class Beacon:
    """Replica server to meta: alive.

    Attributes:
        node: who.
        incarnation: rises with every start of the server, so that a beacon of a process that is
            gone, delayed on its way, is known as such.
        sent_us: its CLOCK_BOOTTIME, microseconds; comes back in the ack.
        host_label: servers with one label share a machine.
        durability: class of its log, for those who look at the cluster.
    """

    node: NodeName
    incarnation: int
    sent_us: int
    host_label: str
    durability: str = ""


@dataclass(frozen=True, slots=True)
class BeaconAck:
    """Meta to a replica server: heard; the lease runs from ``sent_us`` (reliability reference 2.2).

    Attributes:
        sent_us: of the beacon.
        epoch: the leader's; a node ignores acks of a lower one.
        is_leader: False means no lease; ask ``forward``.
        forward: the leader, None if unknown.
    """

    sent_us: int
    epoch: int
    is_leader: bool = True
    forward: NodeName | None = None


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """How much a server's data folder takes on its disk, and what is free there, in bytes."""

    stored_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class ConfigSync:
    """Replica server to meta: every replica it stores.

    Attributes:
        node: who.
        reports: one per replica.
        incarnation: of the server, as in its beacons.
        sent_us: its CLOCK_BOOTTIME; of two, meta believes the later.
        survey: number of the SyncRequest it answers, 0 if it comes unasked.
        disk: how full its disk is, None while it does not know.
    """

    node: NodeName
    reports: tuple[ReplicaReport, ...]
    incarnation: int = 0
    sent_us: int = 0
    survey: int = 0
    disk: DiskUsage | None = None


@dataclass(frozen=True, slots=True)
class ConfigSyncReply:
    """Meta to a replica server: the configurations of those replicas, and which may go.

    Attributes:
        notices: a partition whose primary meta is about to replace is left out.
        garbage: replicas that may be deleted: the partition is whole without them.
        purged: tables that are gone for good: their replicas may be deleted whatever they are.
    """

    notices: tuple[ConfigNotice, ...]
    garbage: tuple[Gpid, ...]
    purged: tuple[int, ...] = ()
