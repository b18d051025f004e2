"""A cluster of meta servers and replica servers in one process, in simulated time.

Judges look at every moment: one serving primary per partition, one primary per ballot, ballots
that only grow (the store), and no acknowledged write missing at a serving primary.
"""

import heapq
import random
from collections.abc import Callable, Sequence
from itertools import count
from typing import cast

from pegasus_server.meta.cluster_effects import Resign, Send
from pegasus_server.meta.cluster_inputs import (
    Administer,
    ClusterInput,
    ClusterTick,
    Deposed,
    Elected,
    Received,
    StoreAlive,
)
from pegasus_server.meta.cluster_meta import ClusterMeta
from pegasus_server.meta.cluster_numbers import ClusterNumbers
from pegasus_server.meta.effects import Reply
from pegasus_server.meta.inputs import MetaRequest
from pegasus_server.meta.messages import FromMeta, ToMeta
from pegasus_tab.base.ids import Gpid, NodeName
from tests.fakes.meta_store import FakeStore, Fate
from tests.fakes.replica_server import FakeReplicaServer

SESSION_US = 10_000_000
STEP_US = 100_000


class MetaWorld:
    """Everything; ``chance`` decides delays and losses."""

    def __init__(
        self,
        servers: int = 3,
        metas: int = 1,
        seed: int = 0,
        numbers: ClusterNumbers | None = None,
        hosts: Sequence[str] = (),
    ) -> None:
        self.numbers = numbers or ClusterNumbers()
        self.chance = random.Random(seed)
        self.now_us = 0
        self.loss = 0.0
        self.delay_us = 1000
        self.store = FakeStore()
        self.replies: list[Reply] = []
        self.trace: list[str] | None = None
        self.cut: set[frozenset[str]] = set()
        self.paused: set[str] = set()
        self._held: list[Callable[[], None]] = []
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()
        self._epoch = 0
        self.term: dict[NodeName, int] = {}
        self.leader: NodeName | None = None
        names = [NodeName(f"m{number + 1}") for number in range(metas)]
        self.metas = {name: ClusterMeta(self.numbers) for name in names}
        self.servers: dict[NodeName, FakeReplicaServer] = {}
        for number in range(servers):
            name = NodeName(f"r{number + 1}")
            host = hosts[number] if hosts else name
            self.servers[name] = FakeReplicaServer(
                name, names, self.numbers.lease, self._send, self.servers, host
            )
        self.committed: dict[Gpid, int] = {}
        self.primaries: dict[tuple[Gpid, int], NodeName] = {}

    # Events.

    def after(self, delay_us: int, action: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now_us + delay_us, next(self._order), action))

    def run(self, duration_us: int) -> None:
        """Let time pass; everything that is due happens, judges look after each step."""
        until_us = self.now_us + duration_us
        while self.now_us < until_us:
            self._tick_everybody()
            next_us = min(until_us, self.now_us + STEP_US)
            while self._events and self._events[0][0] <= next_us:
                self.now_us, _, action = heapq.heappop(self._events)
                action()
                self._judge()
            self.now_us = next_us
            self._write()
            self._judge()

    def run_until(self, condition: Callable[[], bool], limit_us: int) -> None:
        until_us = self.now_us + limit_us
        while not condition():
            assert self.now_us < until_us, "it does not come about: " + self.account()
            self.run(STEP_US)

    def _tick_everybody(self) -> None:
        for name, server in self.servers.items():
            if name not in self.paused:
                server.tick(self.now_us)
        for name, meta in self.metas.items():
            due_us = meta.next_deadline()
            if name not in self.paused and due_us is not None and self.now_us >= due_us:
                self.feed(name, ClusterTick(self.now_us // 1_000_000))
            if name == self.leader and name not in self.paused:
                self.feed(name, StoreAlive(self.now_us))

    def feed(self, meta: NodeName, event: ClusterInput) -> None:
        """Give a meta server an input and carry out what it wants."""
        for effect in self.metas[meta].step(event, self.now_us):
            match effect:
                case Send():
                    self._deliver(meta, effect.to, effect.message)
                case Reply():
                    self.replies.append(effect)
                case Resign():
                    self.after(self.delay_us, lambda: self.feed(meta, Deposed(self.leader)))
                    if self.leader == meta:
                        self.leader = None
                case _:
                    answer = self.store.perform(effect)
                    term = self.term.get(meta, 0)
                    self.after(self.delay_us, self._answer(meta, term, answer))

    def _answer(self, meta: NodeName, term: int, answer: ClusterInput) -> Callable[[], None]:
        def deliver() -> None:
            if meta in self.paused:
                self._held.append(deliver)
            elif self.term.get(meta, 0) == term:
                self.feed(meta, answer)

        return deliver

    # Network.

    def _send(self, sender: NodeName, to: NodeName, message: ToMeta) -> None:
        self._deliver(sender, to, message)

    def _deliver(self, sender: NodeName, to: NodeName, message: ToMeta | FromMeta) -> None:
        if self.chance.random() < self.loss or frozenset((sender, to)) in self.cut:
            return
        delay_us = self.delay_us
        if self.loss:
            delay_us = int(self.delay_us * self.chance.expovariate(0.02))

        def arrive() -> None:
            if to in self.paused:
                self._held.append(arrive)
            elif to in self.metas:
                self.feed(to, Received(cast("ToMeta", message)))
            else:
                self.servers[to].receive(sender, cast("FromMeta", message), self.now_us)

        self.after(delay_us, arrive)

    def pause(self, name: str) -> None:
        self.paused.add(name)

    def resume(self, name: str) -> None:
        self.paused.discard(name)
        held, self._held = self._held, []
        for action in held:
            self.after(0, action)

    # Life of the cluster.

    def elect(self, meta: NodeName) -> None:
        """Let a meta server lead, after nobody did for long enough."""
        self.leader = meta
        self._epoch += 1
        self.term[meta] = self._epoch
        self.feed(meta, Elected(self._epoch, SESSION_US, self.now_us))

    def hand_over(self, meta: NodeName) -> None:
        """Have the leader resign, and another elected at once."""
        self.leader = None
        for other in self.metas:
            self.depose(other)
        self.elect(meta)
        for other in self.metas:
            if other != meta:
                self.depose(other)

    def usurp(self, meta: NodeName) -> None:
        """Cut the leader off the store; when its session is over another is elected.

        The one cut off hears nothing of it, and goes on as far as it dares.
        """
        self.leader = None
        expected = self._epoch

        def elect() -> None:
            if self._epoch == expected and self.leader is None and meta not in self.paused:
                self.elect(meta)

        self.after(SESSION_US, elect)

    def depose(self, meta: NodeName) -> None:
        self.term[meta] = 0
        self.feed(meta, Deposed(self.leader))

    def start_all(self) -> None:
        for server in self.servers.values():
            if not server.is_up:
                server.start()

    def administer(self, request: MetaRequest) -> None:
        assert self.leader is not None
        self.feed(self.leader, Administer(request, self.now_us // 1_000_000))

    @property
    def meta(self) -> ClusterMeta:
        assert self.leader is not None
        return self.metas[self.leader]

    def is_whole(self) -> bool:
        """Tell whether the leader wants for nothing and every partition is served."""
        if self.leader is None or not self.meta.is_leading:
            return False
        guardian = self.meta.guardian
        for gpid in guardian.ward.partitions:
            primary = guardian.ward.partitions.record(gpid).config.primary
            if primary is None or not self.servers[primary].serves(gpid, self.now_us):
                return False
        return guardian.is_settled

    def account(self) -> str:
        if self.leader is None or not self.meta.is_leading:
            return "nobody leads"
        ward = self.meta.guardian.ward
        return "; ".join(f"{gpid} {ward.watch(gpid).reason}" for gpid in sorted(ward.unsettled))

    # Writes and judges.

    def _write(self) -> None:
        """Write once to every partition that takes it: all members of the group acknowledge."""
        for name, server in self.servers.items():
            for gpid in server.replicas:
                if name not in self.paused:
                    self._write_to(server, gpid)

    def _write_to(self, server: FakeReplicaServer, gpid: Gpid) -> None:
        mine = server.replicas[gpid]
        config = mine.config
        if not server.is_up or not server.leads(mine) or mine.pending is not None:
            return
        assert config is not None
        if len(config.members) < min(2, config.max_replica_count):
            return
        group = [self.servers[each] for each in config.secondaries]
        for peer in group:
            theirs = peer.replicas.get(gpid)
            if not peer.is_up or peer.name in self.paused or theirs is None:
                return
            if theirs.ballot > mine.ballot or frozenset((peer.name, server.name)) in self.cut:
                return
            if theirs.status != "secondary" and theirs.ballot == mine.ballot:
                return
        decree = max(mine.decree, self.committed.get(gpid, 0)) + 1
        assert mine.decree == decree - 1, "the primary lacks an acknowledged write"
        for peer in group:
            theirs = peer.replicas[gpid]
            theirs.decree = decree
            if theirs.ballot < mine.ballot:
                peer.adopt(theirs, config)
        mine.decree = decree
        self.committed[gpid] = decree

    def _judge(self) -> None:
        serving: dict[Gpid, NodeName] = {}
        for name, server in self.servers.items():
            for gpid, replica in server.replicas.items():
                if server.is_up and server.leads(replica):
                    known = self.primaries.setdefault((gpid, replica.ballot), name)
                    assert known == name, f"A5: two primaries of {gpid} in {replica.ballot}"
                if server.serves(gpid, self.now_us):
                    assert gpid not in serving, f"A5: {serving[gpid]} and {name} serve {gpid}"
                    serving[gpid] = name
                    acknowledged = self.committed.get(gpid, 0)
                    assert replica.decree >= acknowledged, f"{name} lost a write of {gpid}"


def unreliable(chance: random.Random, share: float) -> Callable[[], Fate]:
    """Return fates of which a share are unknown outcomes."""

    def fate() -> Fate:
        if chance.random() >= share:
            return Fate.DONE
        return Fate.LOST if chance.random() < 0.5 else Fate.ANSWER_LOST

    return fate
