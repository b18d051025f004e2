"""Judges what several replicas do together: the oracle's half of A3, A5, A7 and A16."""

from collections.abc import Mapping

from pegasus_server.replication.mutation import Mutation
from pegasus_tab.base.cluster import ReplicaStatus
from pegasus_tab.base.ids import NodeName
from tests.fakes.replica_node import ReplicaNode


class ReplicaJudge:
    """Remembers what was committed and acknowledged; raises at the first contradiction.

    Attributes:
        committed: the content of every decree any replica applied.
        acknowledged: the decree of every token whose client was answered.
    """

    def __init__(self) -> None:
        self.committed: dict[int, Mutation] = {}
        self.acknowledged: dict[str, int] = {}
        self._primaries: dict[int, NodeName] = {}
        self._contents: dict[tuple[int, int], int] = {}

    def on_append(self, ballot: int, decree: int, timestamp_us: int) -> None:
        """A7: (decree, ballot) names one content, on every replica."""
        known = self._contents.setdefault((ballot, decree), timestamp_us)
        assert known == timestamp_us, f"A7: two contents at {ballot}.{decree}"

    def on_apply(self, mutation: Mutation, tokens: tuple[object, ...]) -> None:
        """A16: one mutation per decree, whoever applies it."""
        known = self.committed.setdefault(mutation.decree, mutation)
        same = known.timestamp_us == mutation.timestamp_us
        assert same, f"decree {mutation.decree} committed twice with different contents"
        for token in tokens:
            self.acknowledged[str(token)] = mutation.decree

    def accept_loss(self) -> None:
        """Begin anew: the operator assigned a primary that lacks acknowledged writes."""
        self.committed.clear()
        self.acknowledged.clear()

    def check(self, nodes: Mapping[NodeName, ReplicaNode], now_us: int) -> None:
        """A5: at most one primary per ballot, at most one that answers reads; A3."""
        replicas = [each.replica for each in nodes.values() if each.replica is not None]
        for replica in replicas:
            if replica.status == ReplicaStatus.PRIMARY:
                known = self._primaries.setdefault(replica.ballot, replica.node)
                assert known == replica.node, f"A5: two primaries of ballot {replica.ballot}"
        readers = [each for each in replicas if each.may_reply_read(now_us)]
        assert len(readers) <= 1, "A13: two replicas answer reads"
        for reader in readers:
            self._check_reader(nodes[reader.node])
        for primary in replicas:
            if primary.status != ReplicaStatus.PRIMARY:
                continue
            for each in replicas:
                if (each.status, each.ballot) == (ReplicaStatus.SECONDARY, primary.ballot):
                    limit = primary.state.mutations.committed
                    assert limit <= each.state.mutations.prepared, "A3"
                    if primary.primary is not None and primary.primary.is_serving:
                        # Before, a secondary may know of commits the new primary does not.
                        assert each.state.mutations.committed <= limit, "A3"

    def _check_reader(self, node: ReplicaNode) -> None:
        """What was acknowledged is visible to every read that is answered."""
        for token, decree in self.acknowledged.items():
            assert decree in node.engine, f"acknowledged write {token} at {decree} is not visible"
            known = self.committed[decree].timestamp_us
            assert node.engine[decree].timestamp_us == known, f"write {token} was replaced"
