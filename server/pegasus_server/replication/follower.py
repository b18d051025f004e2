"""The receiving end of two-phase commit; a secondary and a joined learner share it.

Theory of operation. Prepares of one ballot come in decree order; one that comes too early is
answered with the place of the gap. A mutation goes into the prepare list and to the log, and only
the disk's answer makes an acknowledgement, which covers every decree below as well. The commit
point comes with later prepares and with group checks.

``received`` is the highest decree known to be the primary's: prepared under its ballot, or
committed. What the list holds beyond may be of an earlier primary and is not acknowledged.
"""

from pegasus_server.replication.effects import Effect, Send, append
from pegasus_server.replication.messages import Prepare, PrepareAck, PrepareOutcome
from pegasus_server.replication.mutation import Mutation, Prepared
from pegasus_server.replication.prepare_list import PrepareList
from pegasus_server.replication.timestamps import Timestamps
from pegasus_tab.base.ids import Ballot, Decree, NodeName, Signature

FOLLOWED_MUTATIONS_MAX = 10_000
"""Uncommitted mutations held; a primary's window is far smaller, a copying learner's tail is not."""


class Follower:
    """Takes the prepares of one primary under one ballot.

    Invariants:
      * acked <= min(received, logged): no acknowledgement before the disk answered (A4);
      * commits only up to min(commit point, received, logged), in decree order (A3).

    Args:
        mutations: where the prepares go.
        primary: whom to acknowledge to.
        ballot: the primary's, persisted here.
        signature: of the learning, NO_SIGNATURE for a secondary.
        timestamps: learn of the mutations' timestamps.
        received: everything up to it is known to be the primary's.

    Attributes:
        is_full: a prepare was turned away for want of room; the primary waits no longer.
    """

    def __init__(
        self,
        mutations: PrepareList,
        primary: NodeName,
        ballot: Ballot,
        signature: Signature,
        timestamps: Timestamps,
        received: Decree,
    ) -> None:
        assert received <= mutations.prepared
        self._list = mutations
        self._primary = primary
        self._ballot = ballot
        self._signature = signature
        self._timestamps = timestamps
        self._received = received
        self._acked = received
        self._commit_point = received
        self.is_full = False

    @property
    def commit_limit(self) -> Decree:
        """The highest decree that may be committed here."""
        return min(self._commit_point, self._received)

    def note_commit_point(self, committed: Decree) -> bool:
        """Take the primary's commit point.

        Returns:
            False if mutations are missing here that the primary committed. It cannot have done so
            without this member's acknowledgement: this replica lost them, or never was a member.
        """
        if committed > self._list.prepared:
            return False
        self._commit_point = max(self._commit_point, committed)
        # Every member holds what is committed, whatever ballot it was prepared under (A3).
        self._received = max(self._received, committed)
        return True

    def on_prepare(self, message: Prepare) -> list[Effect]:
        """Take a prepare of this ballot whose commit point was noted already."""
        mutation = message.mutation
        assert mutation.ballot == self._ballot
        decree = mutation.decree
        if decree > self._received + 1:
            return [self._answer(self._received, PrepareOutcome.GAP)]
        if decree - self._list.committed > FOLLOWED_MUTATIONS_MAX:
            self.is_full = True
            return [self._answer(self._received, PrepareOutcome.LATER)]
        self._received = max(self._received, decree)
        return self._hold(mutation)

    def _hold(self, mutation: Mutation) -> list[Effect]:
        entry = self._list.get(mutation.decree)
        if entry is not None and entry.ballot == mutation.ballot:
            same = entry.mutation.timestamp_us == mutation.timestamp_us
            assert same, "A7: (decree, ballot) names one content"
            return self._repeat_ack() if entry.logged else []
        if mutation.decree <= self._list.committed:
            return self._repeat_ack()
        self._timestamps.note(mutation.timestamp_us)
        if entry is None:
            self._list.add(Prepared(mutation))
        else:
            self._list.replace(mutation)
        return [append(mutation, self._list.noted)]

    def acknowledge(self) -> list[Effect]:
        """Acknowledge what the disk holds by now, if that is more than before."""
        decree = min(self._received, self._list.logged)
        if decree <= self._acked:
            return []
        self._acked = decree
        return [self._answer(decree, PrepareOutcome.OK)]

    def _repeat_ack(self) -> list[Effect]:
        """Acknowledge again: the primary asks twice if an answer was lost."""
        self._acked = max(self._acked, min(self._received, self._list.logged))
        return [self._answer(self._acked, PrepareOutcome.OK)]

    def _answer(self, decree: Decree, outcome: PrepareOutcome) -> Effect:
        if outcome == PrepareOutcome.OK:
            assert decree <= self._received, "A4: acknowledged only what the primary sent"
            assert decree <= self._list.logged, "A4: acknowledged only what the disk holds"
        ack = PrepareAck(self._ballot, decree, outcome, self._signature)
        return Send((self._primary,), ack)
