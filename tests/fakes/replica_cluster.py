"""A cluster of pure replicas with a meta stub: nothing happens unless it is told to.

Messages, disk jobs and file jobs wait in queues; the caller decides which is next. Every step is
written into ``trace``, and a judge looks at all replicas after each.
"""

from collections import deque
from collections.abc import Iterable
from typing import TypeAlias

from pegasus_server.replication.collecting_group import SIZEABLE_OPERATIONS
from pegasus_server.replication.describe import describe_effect, describe_replica
from pegasus_server.replication.effects import (
    Abandon,
    AppendLog,
    Apply,
    CancelLearning,
    Effect,
    PersistBallot,
    Quarantine,
    Refuse,
    ReportToMeta,
    Send,
    StatusChanged,
)
from pegasus_server.replication.inputs import (
    Applied,
    ClientWrites,
    Flushed,
    LeaseLapsed,
    Received,
    ReplicaFailed,
    ReplicaInput,
    Tick,
)
from pegasus_server.replication.messages import Message
from pegasus_server.replication.mutation import Mutation
from pegasus_server.replication.replica import Replica
from pegasus_tab.base.cluster import (
    ConfigNotice,
    ConfigProposal,
    ConfigQuery,
    ConfigUpdate,
    ConfigUpdateReply,
    ReplicaReport,
)
from pegasus_tab.base.ids import Decree, NodeName
from tests.fakes.replica_judge import ReplicaJudge
from tests.fakes.replica_meta import MetaStub
from tests.fakes.replica_node import ReplicaNode

META = NodeName("meta")
STEPS_MAX = 20_000
FOREVER_US = 1 << 60

ToMeta: TypeAlias = ConfigUpdate | ConfigQuery | ReplicaReport
FromMeta: TypeAlias = ConfigUpdateReply | ConfigNotice | ConfigProposal
Link: TypeAlias = tuple[NodeName, NodeName]


class ReplicaCluster:
    """Several replicas of one partition.

    Args:
        names: of the servers.
        max_replica_count: of the table.

    Attributes:
        nodes: the servers, by name.
        network: what is under way, by (sender, receiver), in order of sending.
        meta: the meta stub.
        judge: looks at everything.
        now_us: CLOCK_BOOTTIME of all servers.
        trace: what happened, one line each.
    """

    def __init__(self, names: Iterable[str], max_replica_count: int = 3) -> None:
        self.nodes = {NodeName(each): ReplicaNode(each, max_replica_count) for each in names}
        self.network: dict[Link, deque[Message | ToMeta | FromMeta]] = {}
        self.cuts: set[Link] = set()
        self.meta = MetaStub(max_replica_count)
        self.judge = ReplicaJudge()
        self.now_us = 1_000_000
        self.trace: list[str] = []
        self._inputs: deque[tuple[NodeName, ReplicaInput]] = deque()
        for node in self.nodes:
            self.renew(node)

    # Inputs and effects.

    def feed(self, name: NodeName, event: ReplicaInput) -> None:
        """Give one input to a replica, and those that its effects bring about at once."""
        self._inputs.append((name, event))
        while self._inputs:
            node, following = self._inputs.popleft()
            replica = self.nodes[node].replica
            if replica is not None:
                for effect in replica.step(following, self.now_us):
                    self._perform(node, effect)
        self.judge.check(self.nodes, self.now_us)

    def _perform(self, name: NodeName, effect: Effect) -> None:
        self.trace.append(f"{name} {describe_effect(effect)}")
        node = self.nodes[name]
        match effect:
            case AppendLog():
                self.judge.on_append(effect.ballot, effect.decree, effect.timestamp_us)
                node.pending.append(effect)
            case PersistBallot():
                node.pending.append(effect)
            case Apply():
                self._apply(node, effect)
            case Send():
                for receiver in effect.to:
                    self._send(name, receiver, effect.message)
            case ReportToMeta():
                self._send(name, META, effect.message)
            case CancelLearning():
                node.jobs.clear()
            case Refuse() | Abandon() | StatusChanged() | Quarantine():
                pass
            case _:
                node.jobs.append(effect)

    def _apply(self, node: ReplicaNode, effect: Apply) -> None:
        mutation = self._committed(node, effect.decree)
        self.judge.on_apply(mutation, effect.tokens)
        node.apply(effect.decree, mutation)
        self._inputs.append((node.name, Applied(effect.decree)))

    def _committed(self, node: ReplicaNode, decree: Decree) -> Mutation:
        """Find a mutation that was just committed."""
        assert node.replica is not None
        mutation = node.replica.state.mutations.recent.get(decree)
        assert mutation is not None
        return mutation

    def _send(
        self, sender: NodeName, receiver: NodeName, message: Message | ToMeta | FromMeta
    ) -> None:
        self.network.setdefault((sender, receiver), deque()).append(message)

    # What may happen.

    def write(self, name: NodeName, token: str, operations: int = SIZEABLE_OPERATIONS) -> None:
        """Have clients write to a server, by default so much that it is a mutation of its own."""
        change = [(token.encode(), b"")]
        self.feed(name, ClientWrites(change, 1, operations, token, self.now_us))

    def deliver(self, sender: NodeName, receiver: NodeName) -> None:
        """Deliver the oldest message of a link; over a cut link it is lost."""
        message = self.network[sender, receiver].popleft()
        if (sender, receiver) not in self.cuts:
            self.hand_over(sender, receiver, message)

    def hand_over(
        self, sender: NodeName, receiver: NodeName, message: Message | ToMeta | FromMeta
    ) -> None:
        """Let a message arrive."""
        match message:
            case ConfigUpdate() | ConfigQuery() | ReplicaReport():
                answer = self.meta.take(message)
                if answer is not None:
                    self._send(META, sender, answer)
            case ConfigUpdateReply() | ConfigNotice() | ConfigProposal():
                self.feed(receiver, message)
            case _:
                self.feed(receiver, Received(sender, message))

    def disk(self, name: NodeName) -> None:
        """Let the disk finish its oldest job."""
        node = self.nodes[name]
        self.feed(name, node.complete(node.pending.popleft()))

    def work(self, name: NodeName, *, fails: bool = False) -> None:
        """Let a server finish, or fail, its oldest file job."""
        node = self.nodes[name]
        event = node.work(node.jobs.popleft(), lambda other: self.nodes[other], fails=fails)
        if event is not None:
            self.feed(name, event)

    def tick(self, until_us: int) -> None:
        """Let time pass up to a moment, with a Tick at every deadline on the way."""
        while (due := self._next_deadline()) is not None and due <= until_us:
            self.now_us = max(self.now_us, due)
            for name, node in self.nodes.items():
                if node.replica is not None:
                    mine = node.replica.next_deadline(self.now_us)
                    if mine is not None and mine <= self.now_us:
                        self._tick(name, node.replica)
        self.now_us = max(self.now_us, until_us)

    def _tick(self, name: NodeName, replica: Replica) -> None:
        """Tick until nothing is due; what one Tick brings about may make something else due."""
        for _ in range(5):
            self.feed(name, Tick())
            due = replica.next_deadline(self.now_us)
            if due is None or due > self.now_us:
                return
        raise AssertionError(f"{name} ticks for ever")

    def _next_deadline(self) -> int | None:
        replicas = [each.replica for each in self.nodes.values() if each.replica is not None]
        due = [each.next_deadline(self.now_us) for each in replicas]
        return min([each for each in due if each is not None], default=None)

    def renew(self, name: NodeName) -> None:
        """Give a server a lease without end; one that had lapsed is told so first."""
        lease = self.nodes[name].lease
        kept = lease.extend(self.now_us, self.now_us)
        lease.until_us = FOREVER_US
        if not kept:
            self.feed(name, LeaseLapsed())

    def lapse(self, name: NodeName) -> None:
        """End a server's lease, a moment after everything that was asked under it."""
        self.expire(name)
        self.feed(name, LeaseLapsed())

    def expire(self, name: NodeName) -> None:
        """End a server's lease without its replica being told."""
        self.now_us += 1
        self.nodes[name].lease.until_us = self.now_us

    def flush(self, name: NodeName) -> None:
        """Put a server's engine on disk."""
        self.feed(name, Flushed(self.nodes[name].flush()))

    def fail(self, name: NodeName, reason: str) -> None:
        """Let a server's engine fail."""
        self.feed(name, ReplicaFailed(reason))

    def propose(self, kind: str, node: str) -> None:
        """Have meta send a proposal."""
        receiver, proposal = self.meta.propose(kind, node)
        self._send(META, receiver, proposal)

    def notify(self, node: NodeName) -> None:
        """Have meta tell a server the configuration (config sync)."""
        replica = self.nodes[node].replica
        if replica is not None:
            self._send(META, node, ConfigNotice(replica.state.gpid, self.meta.config))

    def settle(self) -> None:
        """Let everything under way arrive and finish, until nothing is left to do."""
        for _ in range(STEPS_MAX):
            if not self._settle_once():
                return
        raise AssertionError("the cluster never comes to rest")

    def _settle_once(self) -> bool:
        busy = False
        for sender, receiver in sorted(self.network):
            while self.network[sender, receiver]:
                self.deliver(sender, receiver)
                busy = True
        for name, node in self.nodes.items():
            while node.pending:
                self.disk(name)
                busy = True
            while node.jobs:
                self.work(name)
                busy = True
        return busy

    def form(self, names: Iterable[str]) -> None:
        """Make the first the primary and the others secondaries, in the regular way."""
        first, *others = names
        self.propose("assign_primary", first)
        self.settle()
        for each in others:
            self.propose("add_learner", each)
            self.settle()

    def states(self) -> list[str]:
        """Describe every server."""
        return [
            describe_replica(node.replica) if node.replica is not None else f"{name} down"
            for name, node in self.nodes.items()
        ]
