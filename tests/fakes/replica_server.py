"""A replica server as meta sees it: the real lease, and replicas that only keep the rules.

Its data is a decree: what the engine would hold up to. A process that is killed keeps what is
"on disk" (ballot, decree) and forgets the rest.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from pegasus_server.meta.lease_numbers import LeaseNumbers
from pegasus_server.meta.messages import (
    FromMeta,
    Stored,
    StoredRequest,
    SyncRequest,
    TableNotice,
    ToMeta,
)
from pegasus_server.meta.worker_lease import (
    BeaconAnswered,
    LeaderChanged,
    LeaseEffect,
    LeaseGranted,
    LeaseInput,
    LeaseLapsed,
    LeaseTick,
    Leave,
    SendBeacon,
    SendBye,
    WorkerLease,
)
from pegasus_tab.base.cluster import (
    BeaconAck,
    ConfigNotice,
    ConfigProposal,
    ConfigQuery,
    ConfigSync,
    ConfigSyncReply,
    ConfigUpdate,
    ConfigUpdateReply,
    Learner,
    PartitionConfig,
    ProposalKind,
    ReplicaReport,
    ReplicaStatus,
    UpdateReason,
)
from pegasus_tab.base.ids import Ballot, Decree, Gpid, NodeName, Signature

RESEND_US = 1_000_000
SYNC_US = 5_000_000

SendToMeta = Callable[[NodeName, NodeName, ToMeta], None]


@dataclass
class FakeReplica:
    """One replica; ``ballot``, ``decree``, ``is_suspect`` and ``is_broken`` survive a crash."""

    gpid: Gpid
    ballot: int = 0
    decree: int = 0
    is_suspect: bool = False
    is_broken: bool = False
    status: ReplicaStatus = ReplicaStatus.INACTIVE
    config: PartitionConfig | None = None
    confirmed_epoch: int = 0
    lapsed_us: int | None = None
    pending: ConfigUpdate | None = None
    pending_us: int = 0
    learners: dict[NodeName, int] = field(default_factory=dict)
    """Learner -> when it will have learned, microseconds."""


class FakeReplicaServer:
    """One server; ``send`` takes (sender, meta or "*", message)."""

    def __init__(
        self,
        name: NodeName,
        metas: list[NodeName],
        numbers: LeaseNumbers,
        send: SendToMeta,
        peers: dict[NodeName, "FakeReplicaServer"],
        host: str,
    ) -> None:
        self.name = name
        self.host = host
        self.is_up = False
        self.incarnation = 0
        self.replicas: dict[Gpid, FakeReplica] = {}
        self.tables: dict[int, TableNotice] = {}
        self._metas = metas
        self._numbers = numbers
        self._send = send
        self._peers = peers
        self._leader: NodeName | None = None
        self._next_sync_us = 0
        self._granted_us = 0
        self.lease = self._new_lease()

    def _new_lease(self) -> WorkerLease:
        return WorkerLease(self.name, self.incarnation, self.host, self._metas, self._numbers)

    # Life and death.

    def start(self) -> None:
        self.is_up = True
        self.incarnation += 1
        self.lease = self._new_lease()
        self._leader = None
        for replica in self.replicas.values():
            replica.status = ReplicaStatus.ERROR if replica.is_broken else ReplicaStatus.INACTIVE
            replica.config = replica.pending = replica.lapsed_us = None
            replica.learners = {}

    def kill(self) -> None:
        self.is_up = False

    def leave(self, now_us: int) -> None:
        self._perform(self.lease.step(Leave(), now_us), now_us)
        self.is_up = False

    # Time.

    def next_us(self) -> int | None:
        return self.lease.next_deadline() if self.is_up else None

    def tick(self, now_us: int) -> None:
        if not self.is_up:
            return
        self._feed(LeaseTick(), now_us)
        if self._leader is not None and now_us >= self._next_sync_us:
            self.sync(now_us, 0)
        for replica in self.replicas.values():
            self._tick_replica(replica, now_us)

    def _tick_replica(self, replica: FakeReplica, now_us: int) -> None:
        if replica.pending is not None and now_us - replica.pending_us >= RESEND_US:
            replica.pending_us = now_us
            self._to_leader(replica.pending)
        if replica.lapsed_us is not None:
            self._to_leader(ConfigQuery(replica.gpid, self.name, now_us))
        if self.leads(replica) and replica.pending is None:
            self._group_check(replica, now_us)
            if replica.pending is None:
                self._teach(replica, now_us)

    def _group_check(self, replica: FakeReplica, now_us: int) -> None:
        """Tell the secondaries of the ballot; let go who is no use any more."""
        config = replica.config
        assert config is not None
        for node in config.secondaries:
            peer = self._peers[node]
            theirs = peer.replicas.get(replica.gpid)
            if not peer.is_up:
                continue
            if theirs is not None and theirs.ballot < replica.ballot:
                peer.adopt(theirs, config)
            is_idle = theirs is not None and theirs.status == ReplicaStatus.INACTIVE
            if theirs is None or theirs.is_suspect or (is_idle and theirs.lapsed_us is None):
                left = tuple(each for each in config.secondaries if each != node)
                wanted = replace(config, ballot=Ballot(config.ballot + 1), secondaries=left)
                self._ask(replica, wanted, UpdateReason.DROP_SECONDARY, node, now_us)
                return

    def _teach(self, replica: FakeReplica, now_us: int) -> None:
        for node, ready_us in list(replica.learners.items()):
            peer = self._peers[node]
            theirs = peer.replicas.get(replica.gpid)
            if not peer.is_up or theirs is None or theirs.status != ReplicaStatus.LEARNER:
                del replica.learners[node]
            elif now_us >= ready_us:
                assert replica.config is not None
                theirs.decree = replica.decree
                config = replica.config
                wanted = replace(
                    config,
                    ballot=Ballot(config.ballot + 1),
                    secondaries=(*config.secondaries, node),
                )
                self._ask(replica, wanted, UpdateReason.ADD_SECONDARY, node, now_us)
                return

    # The lease.

    def _feed(self, event: LeaseInput, now_us: int) -> None:
        self._perform(self.lease.step(event, now_us), now_us)

    def _perform(self, effects: list[LeaseEffect], now_us: int) -> None:
        for effect in effects:
            match effect:
                case SendBeacon():
                    self._send(self.name, effect.to, effect.beacon)
                case SendBye():
                    self._send(self.name, effect.to, effect.bye)
                case LeaseGranted() | LeaderChanged():
                    self._leader = effect.leader
                    if isinstance(effect, LeaseGranted):
                        self._granted_us = now_us
                        self._lapse(now_us)
                    self.sync(now_us, 0)
                case LeaseLapsed():
                    self._lapse(now_us)

    def _lapse(self, now_us: int) -> None:
        for replica in self.replicas.values():
            if replica.status in (ReplicaStatus.PRIMARY, ReplicaStatus.SECONDARY):
                replica.status = ReplicaStatus.INACTIVE
                replica.lapsed_us = now_us

    def leads(self, replica: FakeReplica) -> bool:
        return replica.status == ReplicaStatus.PRIMARY

    def serves(self, gpid: Gpid, now_us: int) -> bool:
        """Tell whether a read would be answered now (A13)."""
        replica = self.replicas.get(gpid)
        if not self.is_up or replica is None or replica.status != ReplicaStatus.PRIMARY:
            return False
        return self.lease.is_held(now_us) and replica.confirmed_epoch == self.lease.lease_epoch

    # What meta says.

    def receive(self, sender: NodeName, message: FromMeta, now_us: int) -> None:
        if not self.is_up:
            return
        match message:
            case BeaconAck():
                self._feed(BeaconAnswered(sender, message), now_us)
            case SyncRequest():
                self.sync(now_us, message.survey, sender)
            case StoredRequest():
                reports = tuple(self.report(each) for each in self.replicas.values())
                stored = Stored(self.name, reports, tuple(self.tables.values()))
                self._send(self.name, sender, stored)
            case TableNotice():
                self.tables[message.app_id] = message
            case ConfigProposal():
                self._on_proposal(message, now_us)
            case ConfigUpdateReply():
                self._on_reply(message)
            case ConfigNotice():
                self._on_config(message, now_us)
            case ConfigSyncReply():
                self._on_sync_reply(message, now_us)

    def _on_sync_reply(self, reply: ConfigSyncReply, now_us: int) -> None:
        for notice in reply.notices:
            self._on_config(notice, now_us)
        for gpid in tuple(self.replicas):
            if gpid in reply.garbage or gpid.app_id in reply.purged:
                del self.replicas[gpid]

    def sync(self, now_us: int, survey: int, to: NodeName | None = None) -> None:
        self._next_sync_us = now_us + SYNC_US
        reports = tuple(self.report(each) for each in self.replicas.values())
        sync = ConfigSync(self.name, reports, self.incarnation, now_us, survey)
        if to is not None:
            self._send(self.name, to, sync)
        else:
            self._to_leader(sync)

    def report(self, replica: FakeReplica) -> ReplicaReport:
        learners = tuple(Learner(each, Signature(1)) for each in replica.learners)
        decree = Decree(replica.decree)
        return ReplicaReport(
            node=self.name,
            gpid=replica.gpid,
            status=replica.status,
            ballot=Ballot(replica.ballot),
            durable=Decree(0),
            applied=decree,
            committed=decree,
            prepared=decree,
            logged_ballot=Ballot(replica.ballot),
            suspect=replica.is_suspect,
            learners=learners,
        )

    def _to_leader(self, message: ToMeta) -> None:
        if self._leader is not None:
            self._send(self.name, self._leader, message)

    def _on_proposal(self, proposal: ConfigProposal, now_us: int) -> None:
        gpid, config = proposal.gpid, proposal.config
        kind, node = proposal.kind, proposal.node
        if kind in (ProposalKind.ASSIGN_PRIMARY, ProposalKind.UPGRADE_TO_PRIMARY):
            replica = self.replicas.setdefault(gpid, FakeReplica(gpid))
            self._stand(replica, proposal, now_us)
            return
        mine = self.replicas.get(gpid)
        if mine is None or not self.leads(mine) or mine.pending or mine.ballot != config.ballot:
            return
        own = mine.config
        assert own is not None
        ballot = Ballot(own.ballot + 1)
        if kind == ProposalKind.ADD_LEARNER:
            self._add_learner(mine, node, now_us)
        elif kind == ProposalKind.DOWNGRADE_TO_SECONDARY:
            secondaries = (*own.secondaries, self.name)
            wanted = replace(own, ballot=ballot, primary=None, secondaries=secondaries)
            self._ask(mine, wanted, UpdateReason.STEP_DOWN, node, now_us)
        elif node in own.secondaries:
            left = tuple(each for each in own.secondaries if each != node)
            wanted = replace(own, ballot=ballot, secondaries=left)
            self._ask(mine, wanted, UpdateReason.DROP_SECONDARY, node, now_us)

    def _stand(self, replica: FakeReplica, proposal: ConfigProposal, now_us: int) -> None:
        config = proposal.config
        is_fit = replica.status not in (ReplicaStatus.LEARNER, ReplicaStatus.ERROR)
        if proposal.kind == ProposalKind.UPGRADE_TO_PRIMARY:
            is_fit = is_fit and self.name in config.members and not replica.is_suspect
        serves = self.leads(replica) and replica.ballot == config.ballot
        if not is_fit or serves or replica.pending or config.ballot < replica.ballot:
            self._to_leader(self.report(replica))
            return
        assert config.primary in (None, self.name)
        others = tuple(each for each in config.secondaries if each != self.name)
        wanted = replace(
            config, ballot=Ballot(config.ballot + 1), primary=self.name, secondaries=others
        )
        self._ask(replica, wanted, UpdateReason.BECOME_PRIMARY, self.name, now_us)

    def _add_learner(self, mine: FakeReplica, node: NodeName, now_us: int) -> None:
        peer = self._peers[node]
        assert mine.config is not None
        if node in mine.learners or node in mine.config.members or not peer.is_up:
            return
        theirs = peer.replicas.setdefault(mine.gpid, FakeReplica(mine.gpid))
        if theirs.ballot > mine.ballot or theirs.pending is not None:
            return
        theirs.status = ReplicaStatus.LEARNER
        theirs.ballot = mine.ballot
        theirs.is_suspect = theirs.is_broken = False
        theirs.lapsed_us = None
        mine.learners[node] = now_us + 500_000

    def _ask(
        self,
        replica: FakeReplica,
        config: PartitionConfig,
        reason: UpdateReason,
        node: NodeName,
        now_us: int,
    ) -> None:
        expected = Ballot(config.ballot - 1)
        replica.pending = ConfigUpdate(replica.gpid, self.name, expected, config, reason, node)
        replica.pending_us = now_us
        self._to_leader(replica.pending)

    def _on_reply(self, reply: ConfigUpdateReply) -> None:
        replica = self.replicas.get(reply.gpid)
        if replica is None:
            return
        pending = replica.pending
        if pending is not None and pending.expected_ballot == reply.expected_ballot:
            replica.pending = None
        if reply.config.ballot > replica.ballot:
            self.adopt(replica, reply.config)

    def _on_config(self, notice: ConfigNotice, now_us: int) -> None:
        gpid, config, asked_us = notice.gpid, notice.config, notice.asked_us
        replica = self.replicas.get(gpid)
        if replica is None or replica.status == ReplicaStatus.ERROR:
            return
        if config.ballot > replica.ballot:
            self.adopt(replica, config)
        elif config.ballot == replica.ballot and replica.lapsed_us is not None:
            if not self.lease.is_held(now_us) or asked_us < self._granted_us:
                return
            assert self.name in config.members, "A8: a ballot has one configuration"
            is_primary = config.primary == self.name
            replica.lapsed_us = None
            replica.confirmed_epoch = self.lease.lease_epoch
            replica.status = ReplicaStatus.PRIMARY if is_primary else ReplicaStatus.SECONDARY

    def adopt(self, replica: FakeReplica, config: PartitionConfig) -> None:
        """Take a higher ballot, as far as this replica is fit for its role."""
        if replica.status == ReplicaStatus.ERROR:
            return
        is_learner = replica.status == ReplicaStatus.LEARNER
        if is_learner and config.primary == self.name:
            return
        assert config.ballot > replica.ballot, "A6"
        replica.ballot = config.ballot
        replica.config = config
        replica.lapsed_us = None
        replica.learners = {}
        replica.confirmed_epoch = self.lease.lease_epoch
        if replica.pending is not None and replica.pending.new_config.ballot <= config.ballot:
            replica.pending = None
        if config.primary == self.name:
            replica.status = ReplicaStatus.PRIMARY
        elif self.name in config.secondaries:
            replica.status = ReplicaStatus.SECONDARY
        else:
            replica.status = ReplicaStatus.INACTIVE
