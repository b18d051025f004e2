"""Three replicas under any order of delivery, loss, disk answers, crashes and changes of meta.

The judge of ``ReplicaCluster`` looks after every step (A3, A5, A7, A13, A16: no acknowledged write
is missing where reads are answered). At the end everything is healed, and the group must come back
to three equal replicas that accept writes.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from pegasus_tab.base.cluster import ReplicaStatus
from pegasus_tab.base.ids import NodeName
from tests.fakes.replica_cluster import Link, ReplicaCluster

NAMES = ("r1", "r2", "r3")
HEALING_ROUNDS_MAX = 60
picks = st.integers(0, 1000)
servers = st.sampled_from([NodeName(each) for each in NAMES])


class GroupMachine(RuleBasedStateMachine):
    """Drives a group that formed in the regular way."""

    def __init__(self) -> None:
        super().__init__()
        self.cluster = ReplicaCluster(NAMES)
        self.cluster.form(NAMES)
        self.written = 0

    def links(self) -> list[Link]:
        return sorted(link for link, queue in self.cluster.network.items() if queue)

    def link(self, pick: int) -> Link:
        links = self.links()
        return links[pick % len(links)]

    def is_up(self, server: NodeName) -> bool:
        return self.cluster.nodes[server].replica is not None

    @rule(server=servers)
    def write(self, server: NodeName) -> None:
        self.written += 1
        self.cluster.write(server, f"w{self.written}")

    @precondition(lambda self: self.links())
    @rule(pick=picks, count=st.integers(1, 4))
    def deliver(self, pick: int, count: int) -> None:
        link = self.link(pick)
        for _ in range(min(count, len(self.cluster.network[link]))):
            self.cluster.deliver(*link)

    @precondition(lambda self: self.links())
    @rule(pick=picks)
    def lose(self, pick: int) -> None:
        self.cluster.network[self.link(pick)].popleft()

    @precondition(lambda self: self.links())
    @rule(pick=picks)
    def duplicate(self, pick: int) -> None:
        queue = self.cluster.network[self.link(pick)]
        queue.append(queue[0])

    @rule(server=servers, count=st.integers(1, 4))
    def disk_answers(self, server: NodeName, count: int) -> None:
        for _ in range(min(count, len(self.cluster.nodes[server].pending))):
            self.cluster.disk(server)

    @rule(server=servers, fails=st.booleans())
    def file_work_ends(self, server: NodeName, fails: bool) -> None:
        if self.cluster.nodes[server].jobs:
            self.cluster.work(server, fails=fails)

    @rule(milliseconds=st.sampled_from([100, 600, 1100, 3100, 12000]))
    def time_passes(self, milliseconds: int) -> None:
        self.cluster.tick(self.cluster.now_us + milliseconds * 1000)

    @rule(server=servers)
    def crash_or_restart(self, server: NodeName) -> None:
        if self.is_up(server):
            self.cluster.nodes[server].crash()
        else:
            self.cluster.nodes[server].restart()
            self.cluster.renew(server)

    @rule(server=servers, forgets=st.booleans())
    def flush(self, server: NodeName, forgets: bool) -> None:
        node = self.cluster.nodes[server]
        if node.replica is not None:
            self.cluster.flush(server)
            if forgets:
                node.replica.state.mutations.recent.clear()

    @rule(server=servers)
    def lapse(self, server: NodeName) -> None:
        if self.is_up(server):
            self.cluster.lapse(server)

    @rule(server=servers)
    def renew(self, server: NodeName) -> None:
        self.cluster.renew(server)

    @rule(server=servers)
    def notify(self, server: NodeName) -> None:
        self.cluster.notify(server)

    @rule(server=servers, kind=st.sampled_from(["remove", "downgrade_to_secondary"]))
    def propose_less(self, server: NodeName, kind: str) -> None:
        config = self.cluster.meta.config
        if config.primary is not None and config.secondaries:
            self.cluster.propose(kind, server)

    @rule()
    def cure(self) -> None:
        config = self.cluster.meta.config
        if config.primary is None:
            if alive := [each for each in config.secondaries if self.is_up(each)]:
                self.cluster.propose("upgrade_to_primary", alive[0])
            return
        for name in NAMES:
            if NodeName(name) not in config.members:
                self.cluster.propose("add_learner", name)

    @rule()
    def bury_the_primary(self) -> None:
        """Its lease is over before meta takes it out, as the lengths of the two guarantee."""
        config = self.cluster.meta.config
        if config.primary is None or not config.secondaries:
            return
        if self.is_up(config.primary):
            self.cluster.lapse(config.primary)
        self.cluster.nodes[config.primary].lease.until_us = 0
        self.cluster.meta.bury()

    def teardown(self) -> None:
        for queue in self.cluster.network.values():
            queue.clear()
        for name, node in self.cluster.nodes.items():
            if node.replica is None:
                node.restart()
            self.cluster.renew(name)
        self.heal()
        self.pass_quietly(15)
        self.heal()
        self.check_end()

    def heal(self) -> None:
        for _ in range(HEALING_ROUNDS_MAX):
            for name in self.cluster.nodes:
                self.cluster.notify(name)
            self.cluster.settle()
            self.pass_quietly(2)
            if self.is_whole():
                return
            self.cure_patiently()
            self.cluster.settle()
        raise AssertionError("the group does not come back")

    def pass_quietly(self, seconds: int) -> None:
        self.cluster.tick(self.cluster.now_us + seconds * 1_000_000)
        self.cluster.settle()

    def cure_patiently(self) -> None:
        primary = self.cluster.meta.config.primary
        if primary is not None:
            replica = self.cluster.nodes[primary].replica
            assert replica is not None
            if replica.status != ReplicaStatus.PRIMARY and not replica.is_lapsed:
                self.cluster.propose("upgrade_to_primary", primary)
                return
        self.cure()

    def is_whole(self) -> bool:
        active = (ReplicaStatus.PRIMARY, ReplicaStatus.SECONDARY)
        config = self.cluster.meta.config
        replicas = [each.replica for each in self.cluster.nodes.values()]
        return len(config.members) == len(NAMES) and all(
            each is not None and each.status in active and each.ballot == config.ballot
            for each in replicas
        )

    def check_end(self) -> None:
        cluster, primary = self.cluster, self.cluster.meta.config.primary
        assert primary is not None
        cluster.write(primary, "last")
        cluster.settle()
        self.pass_quietly(2)
        assert "last" in cluster.judge.acknowledged
        first, *others = [each.engine for each in cluster.nodes.values()]
        stamps = {decree: mutation.timestamp_us for decree, mutation in first.items()}
        for engine in others:
            assert {d: mutation.timestamp_us for d, mutation in engine.items()} == stamps
        for token, decree in cluster.judge.acknowledged.items():
            held = b" ".join(key for key, _ in first[decree].changes).decode().split()
            assert token in held, f"acknowledged write {token} is lost"


TestGroup = GroupMachine.TestCase
TestGroup.settings = settings(max_examples=40, stateful_step_count=50, deadline=None)
