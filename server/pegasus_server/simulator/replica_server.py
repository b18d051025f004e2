"""One life of a replica server: recovery, its replicas, its lease, its accounts to meta."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pegasus_server.meta.lease_numbers import LeaseNumbers
from pegasus_server.meta.messages import StoredRequest, SyncRequest, TableNotice, ToMeta
from pegasus_server.meta.worker_lease import (
    BeaconAnswered,
    LeaderChanged,
    LeaseEffect,
    LeaseGranted,
    LeaseInput,
    LeaseLapsed,
    LeaseTick,
    SendBeacon,
    SendBye,
    WorkerLease,
)
from pegasus_server.mutation_log.files import SharedLog
from pegasus_server.mutation_log.segment_birth import SegmentBirth
from pegasus_server.replication import log_body
from pegasus_server.replication.inputs import LeaseLapsed as ReplicaLeaseLapsed
from pegasus_server.replication.inputs import Received
from pegasus_server.replication.lease import Lease
from pegasus_server.simulator.entropy import Entropy
from pegasus_server.simulator.hosted_replica import NOT_SERVING, HostedReplica
from pegasus_server.simulator.knobs import Knobs
from pegasus_server.simulator.log_writer import LogWriter
from pegasus_server.simulator.machine_disk import MachineDisk
from pegasus_server.simulator.parcels import (
    ClientAnswer,
    ClientQuestion,
    FileAnswer,
    FileQuestion,
    ReplicaParcel,
)
from pegasus_server.simulator.process import Process
from pegasus_server.simulator.replica_host import ReplicaHost
from pegasus_server.simulator.server_parts import ServerParts
from pegasus_server.simulator.witness import Witness
from pegasus_tab.base.cluster import (
    BeaconAck,
    ConfigNotice,
    ConfigProposal,
    ConfigSync,
    ConfigSyncReply,
    ConfigUpdateReply,
)
from pegasus_tab.base.ids import Ballot, Decree, Gpid, NodeName

CLUSTER = "simulated"
ACCOUNT_US = 2_000_000
"""Between two ConfigSyncs."""
LOG_SEGMENTS_WANTED = 8


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every server of a world shares.

    Attributes:
        knobs: of the world.
        entropy: of the world.
        witness: sees everything.
        carry: sends ``(source, target, message)``.
        acks_early: the canary's planted bug, see LogWriter.
    """

    knobs: Knobs
    entropy: Entropy
    witness: Witness
    carry: Callable[[str, str, object], None]
    acks_early: bool = False


class ReplicaServer:
    """A replica server from start to death.

    Args:
        node: its name.
        metas: all meta servers.
        process: the program.
        disk: what the lives before left.
        surroundings: the world around it.
        crash: ends this life because the disk failed.

    Attributes:
        node: its name.
    """

    def __init__(
        self,
        node: NodeName,
        metas: tuple[NodeName, ...],
        process: Process,
        disk: MachineDisk,
        surroundings: Surroundings,
        crash: Callable[[], None],
    ) -> None:
        knobs, entropy = surroundings.knobs, surroundings.entropy
        disk.incarnation += 1
        self.node = node
        self._process = process
        self._disk = disk
        self._lease = Lease()
        self._incarnation = disk.incarnation
        self._worker = WorkerLease(node, disk.incarnation, node, metas, LeaseNumbers())
        self._leader: NodeName = metas[0]
        self._tick_at: int | None = None
        life = f"{node}.{disk.incarnation}"
        birth = SegmentBirth(disk.log, CLUSTER, node, entropy.stream("segment", life).bytes)
        log, replay = SharedLog.open_with(
            birth, knobs.segment_bytes, disk.durable(), log_body.content
        )
        writer = LogWriter(
            process,
            disk.log,
            log,
            entropy.stream("sync", life),
            knobs.sync_us,
            crash,
            acks_early=surroundings.acks_early,
        )
        self._parts = ServerParts(
            node,
            process,
            disk,
            writer,
            knobs,
            surroundings.witness,
            entropy.stream("file", life),
            partial(surroundings.carry, node),
            self._tell_leader,
        )
        self._host = ReplicaHost(self._parts, self._lease, replay.replicas)
        self._lease_step(LeaseTick())
        process.after(ACCOUNT_US, self._account_again)

    @property
    def log_bytes(self) -> int:
        """How many bytes the log holds."""
        return self._parts.log.bytes_held

    @property
    def replicas(self) -> dict[Gpid, HostedReplica]:
        """Its replicas by partition."""
        return self._host.replicas

    # Messages.

    def receive(self, sender: str, message: object) -> None:
        """Take a message."""
        match message:
            case ReplicaParcel():
                event = Received(NodeName(sender), message.message)
                self._host.drive(message.gpid, event)
            case ClientQuestion():
                self._on_client(sender, message)
            case FileQuestion():
                self._on_file_question(sender, message)
            case FileAnswer():
                if message.gpid in self.replicas:
                    self.replicas[message.gpid].learning.on_answer(message)
            case BeaconAck():
                self._lease_step(BeaconAnswered(NodeName(sender), message))
            case ConfigProposal() | ConfigUpdateReply() | ConfigNotice():
                self._host.drive(message.gpid, message)
            case ConfigSyncReply():
                self._on_account_answered(message)
            case SyncRequest():
                self._account(message.survey)
            case TableNotice() | StoredRequest():
                pass
            case _:
                raise AssertionError(f"a replica server does not understand {message}")

    def _on_client(self, client: str, question: ClientQuestion) -> None:
        replica = self.replicas.get(question.gpid)
        if replica is not None:
            replica.on_client(client, question)
            return
        answer = ClientAnswer(question.request_id, NOT_SERVING, None, Ballot(0), Decree(0))
        self._parts.answer(client, answer)

    def _on_file_question(self, sender: str, question: FileQuestion) -> None:
        replica = self.replicas.get(question.gpid)
        if replica is not None:
            replica.learning.on_question(sender, question)
            return
        answer = FileAnswer(question.gpid, question.name, question.ticket, None)
        self._parts.carry(sender, answer)

    # The lease.

    def _lease_step(self, event: LeaseInput) -> None:
        effects = self._worker.step(event, self._process.now_us)
        self._lease.until_us = self._worker.lease_until_us
        for effect in effects:
            self._perform(effect)
        due = self._worker.next_deadline()
        if due is not None and due != self._tick_at:
            self._tick_at = due
            self._process.at(due, self._on_lease_timer, due)

    def _on_lease_timer(self, due_us: int) -> None:
        if due_us == self._tick_at:
            self._tick_at = None
            self._lease_step(LeaseTick())

    def _perform(self, effect: LeaseEffect) -> None:
        match effect:
            case SendBeacon():
                self._parts.carry(effect.to, effect.beacon)
            case SendBye():
                self._parts.carry(effect.to, effect.bye)
            case LeaseGranted():
                self._leader = effect.leader
                self._lease.since_us = self._process.now_us
                self._account(0)
            case LeaderChanged():
                self._leader = effect.leader
                self._account(0)
            case LeaseLapsed():
                for replica in tuple(self.replicas.values()):
                    replica.drive(ReplicaLeaseLapsed())

    # Meta.

    def _tell_leader(self, message: ToMeta) -> None:
        self._parts.carry(self._leader, message)

    def _account_again(self) -> None:
        self._account(0)
        self._shorten_log()
        self._process.after(ACCOUNT_US, self._account_again)

    def _shorten_log(self) -> None:
        """Flush what pins a long log: partitions that are written rarely (F36)."""
        if self.log_bytes > LOG_SEGMENTS_WANTED * self._parts.knobs.segment_bytes:
            for replica in self.replicas.values():
                replica.flush()

    def _account(self, survey: int) -> None:
        reports = tuple([each.machine.report() for each in self.replicas.values()])
        now_us = self._process.now_us
        self._tell_leader(ConfigSync(self.node, reports, self._incarnation, now_us, survey))

    def _on_account_answered(self, reply: ConfigSyncReply) -> None:
        for notice in reply.notices:
            self._host.drive(notice.gpid, notice)
        for gpid in reply.garbage:
            self._host.delete(gpid)
        for app_id in reply.purged:
            self._host.delete_table(app_id)
