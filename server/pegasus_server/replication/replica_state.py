"""What a replica keeps whatever its role is."""

from dataclasses import dataclass

from pegasus_server.replication.effects import Apply
from pegasus_server.replication.messages import NO_SIGNATURE
from pegasus_server.replication.prepare_list import PrepareList
from pegasus_server.replication.timestamps import Timestamps
from pegasus_tab.base.ids import Ballot, Decree, Gpid, NodeName, Signature


@dataclass(slots=True)
class ReplicaState:
    """Identity, ballot and mutations of one replica.

    Attributes:
        gpid: the partition.
        node: where this replica is.
        ballot: the highest persisted; never falls.
        mutations: the prepare list.
        timestamps: the partition's timestamp source, shared with whoever evaluates its writes.
        durable: decree the engine is on disk up to.
        suspect: it may lack what it acknowledged, or never had it: its log is not trusted, or it
            began to learn. Only completed learning makes it whole (A9).
        signature: of its latest learning, persisted before the learning began. A restarted
            replica must not begin the same attempt twice: it would drop what it acknowledged.
    """

    gpid: Gpid
    node: NodeName
    ballot: Ballot
    mutations: PrepareList
    timestamps: Timestamps
    durable: Decree
    suspect: bool = False
    signature: Signature = NO_SIGNATURE

    def commit(self, limit: Decree) -> list[Apply]:
        """Commit in decree order what is logged here and not beyond ``limit``."""
        effects: list[Apply] = []
        while entry := self.mutations.commit_next(limit):
            mutation = entry.mutation
            effects.append(Apply(mutation.decree, mutation.changes, entry.tokens))
        return effects
