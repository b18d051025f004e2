"""The primary of one partition (PacificA section 2, pegasus-features.md d4, d5).

Theory of operation. A turn's client writes come in as one physical batch. If no mutation is in
flight they become one at once: it gets the next decree, a place in the prepare list, and leaves for
the log and for every member of the group at the same time. Otherwise they join the collecting
group, which becomes one mutation when what is in flight is committed, or before that when fewer than
WINDOW_MUTATIONS_MAX are in flight and the group is a sizeable one, or nobody else is waited for.
That is where batching under load comes from, and it is what makes load cheap: a mutation costs the
machines of three servers about 100 us whatever it carries, a write in it about 13 us. A mutation
commits when the own disk and every member hold it, in decree order; each commit asks for an Apply,
and only after it the clients are answered. The own disk is a member like the others.

A new ballot makes every mutation in flight be prepared again under it, in order, before anything
new: acknowledgements of an old ballot count for nothing. A *new* primary closes that with a NOOP
of its own and serves nobody until the NOOP is committed (A10); by then every mutation an earlier
primary may have answered is committed and applied here. A prepare list has no holes (A2), so the
NOOPs with which PacificA fills them are never needed.

While meta is asked for another configuration nothing commits (A18), though prepares go on.
"""

from collections.abc import Sequence

from pegasus_server.replication.collecting_group import CollectingGroup
from pegasus_server.replication.effects import Abandon, Effect, Refuse, Send, append
from pegasus_server.replication.group import Group, Member
from pegasus_server.replication.inputs import (
    Applied,
    ClientWrites,
    LogAppended,
    PrimaryInput,
    Tick,
)
from pegasus_server.replication.messages import (
    NO_SIGNATURE,
    GroupCheck,
    Prepare,
    PrepareAck,
    PrepareOutcome,
)
from pegasus_server.replication.mutation import Change, Mutation, Prepared
from pegasus_server.replication.prepare_list import PrepareList
from pegasus_server.replication.replica_state import ReplicaState
from pegasus_server.replication.timestamps import Timestamps
from pegasus_tab.base.cluster import Learner, PartitionConfig
from pegasus_tab.base.ids import Ballot, Decree, Gpid, NodeName, Signature

WINDOW_MUTATIONS_MAX = 4
"""Mutations in flight per partition; more only lengthens the queue in front of one disk."""
RECONCILE_MUTATIONS_MAX = 64
"""Mutations in flight while those of an earlier ballot are prepared again."""

PREPARE_RESEND_US = 500_000
PREPARE_TIMEOUT_US = 3_000_000
"""A secondary that takes longer is taken out of the configuration (pegasus-features.md d4)."""
LEARNER_TIMEOUT_US = 5_000_000
OWN_DISK_TIMEOUT_US = 4_000_000
"""A primary whose own disk takes longer steps down (fault matrix F28)."""
GROUP_CHECK_SOON_US = 1_000_000
"""How long secondaries of an idle partition may not know the commit point."""
GROUP_CHECK_US = 10_000_000

GROUP_FULL = "ERR_CAPACITY_EXCEEDED"
"""Answer to writes beyond the collecting group's bounds (protocol reference 7)."""
TOO_FEW = "ERR_NOT_ENOUGH_MEMBER"
"""Answer to writes while fewer than two replicas would hold them."""
NOT_SERVING = "ERR_INVALID_STATE"
"""Answer of a replica that is not, or not yet, the primary to turn to."""


class Primary:
    """Orders the writes of one partition.

    Invariants (reliability reference 2.1), asserted at every step:
      A1  applied <= committed <= logged <= prepared; none but the third ever falls.
      A2  one mutation per decree, no holes, ballots never fall (in PrepareList).
      A4  decree d commits only if d == committed + 1, it is logged here and every secondary and
          joined learner acknowledged it under this ballot; clients hear of d only through
          Apply(d), and Apply effects come in decree order.
      A10 serves only once its own NOOP is committed.
      A18 commits nothing while ``frozen``.

    Args:
        state: the replica's; its ballot is the configuration's.
        config: the configuration this primary serves under.
        reconcile: prepare what is in flight again and close it with a NOOP. Only a partition
            with one replica ever may do without: nobody else can have acknowledged anything.
        now_us: CLOCK_BOOTTIME, microseconds.

    Attributes:
        frozen: a change of configuration is under way.
        leaving: the configuration in which it asked meta not to be primary any more. Meta may
            have named another one the moment it was asked, so no read is answered from then on.
        learners: whom it teaches, for the configuration in group checks; kept by Teaching.
    """

    def __init__(
        self, state: ReplicaState, config: PartitionConfig, *, reconcile: bool, now_us: int
    ) -> None:
        assert config.ballot == state.ballot
        assert state.ballot >= 1
        self._state = state
        self._list = state.mutations
        self._config = config
        self._is_short = _is_short(config)
        self._group = Group()
        self._group.restart(config.secondaries, self._list.committed)
        self._collecting = CollectingGroup()
        self._carried = self._list.committed if reconcile else self._list.prepared
        self._owes_noop = reconcile
        self._serves_from: Decree | None = None if reconcile else self._list.committed
        self._wall_us = 0
        self._checked_us = now_us
        self._spread = self._list.committed
        self.frozen = False
        self.leaving: PartitionConfig | None = None
        self.learners: tuple[Learner, ...] = ()

    @classmethod
    def alone(
        cls, gpid: Gpid, ballot: Ballot, committed: Decree, timestamps: Timestamps
    ) -> "Primary":
        """Make the primary of a partition that has one replica and never had another."""
        node = NodeName("")
        state = ReplicaState(gpid, node, ballot, PrepareList(committed), timestamps, committed)
        config = PartitionConfig(ballot, node, (), max_replica_count=1)
        return cls(state, config, reconcile=False, now_us=0)

    @property
    def gpid(self) -> Gpid:
        """The partition."""
        return self._state.gpid

    @property
    def ballot(self) -> Ballot:
        """The configuration it serves under."""
        return self._config.ballot

    @property
    def config(self) -> PartitionConfig:
        """The configuration it serves under."""
        return self._config

    @property
    def group(self) -> Group:
        """Whom it waits for."""
        return self._group

    @property
    def applied(self) -> Decree:
        """The highest decree the engine reported as applied."""
        return self._list.applied

    @property
    def committed(self) -> Decree:
        """The highest committed decree."""
        return self._list.committed

    @property
    def prepared(self) -> Decree:
        """The highest decree given out."""
        return self._list.prepared

    @property
    def collecting(self) -> int:
        """How many ClientWrites wait for a place in the window."""
        return len(self._collecting)

    @property
    def is_full(self) -> bool:
        """Tell whether ClientWrites would be refused now, so that none need be evaluated."""
        return self._collecting.is_full

    @property
    def is_idle(self) -> bool:
        """Tell whether every write taken so far is applied."""
        return self.applied == self.prepared and not self._collecting

    @property
    def is_serving(self) -> bool:
        """Tell whether everything earlier primaries may have answered is visible here (A10)."""
        return self._serves_from is not None and self._list.applied >= self._serves_from

    def step(self, event: PrimaryInput, now_us: int) -> list[Effect]:
        """Advance by one local input.

        Args:
            event: what happened.
            now_us: CLOCK_BOOTTIME, microseconds.

        Returns:
            Effects in the order to carry them out.
        """
        effects = self.react(event, now_us)
        self._list.check()
        return effects

    def react(self, event: PrimaryInput, now_us: int) -> list[Effect]:
        """Do the same for a caller that checks the prepare list itself."""
        match event:
            case ClientWrites():
                return self._on_client_writes(event, now_us)
            case LogAppended():
                return self._on_log_appended(event, now_us)
            case Applied():
                self._list.note_applied(event.decree)
                return []
            case Tick():
                return self._on_tick(now_us)

    def _on_client_writes(self, writes: ClientWrites, now_us: int) -> list[Effect]:
        refusal = self._refusal()
        if refusal is not None:
            return [Refuse(refusal, writes.token)]
        self._wall_us = writes.wall_us
        self._collecting.add(writes)
        return self.advance(now_us)

    def _refusal(self) -> str | None:
        """Return why client writes cannot be taken now."""
        if self._is_short:
            return TOO_FEW
        if not self.is_serving:
            # Writes are evaluated against the engine, which does not show everything yet.
            return NOT_SERVING
        return GROUP_FULL if self._collecting.is_full else None

    def _on_log_appended(self, event: LogAppended, now_us: int) -> list[Effect]:
        if event.ballot == self.ballot:
            entry = self._list.get(event.decree)
            assert entry is not None, "the disk answered for an unknown decree"
            assert not entry.logged, "the disk answered twice for one decree"
        self._list.note_logged(event.decree, event.ballot)
        return self._commit(now_us)

    def on_prepare_ack(self, sender: NodeName, ack: PrepareAck, now_us: int) -> list[Effect]:
        """Take a member's word on its prepares; acks of an earlier ballot count for nothing."""
        assert ack.ballot <= self.ballot, "A5: a ballot has one primary"
        if ack.ballot < self.ballot or ack.decree > self._list.prepared:
            return []
        if ack.outcome == PrepareOutcome.OK:
            member = self._group.note_ack(sender, ack.signature, ack.decree)
            return [] if member is None else self._commit(now_us)
        member = self._group.get(sender)
        if member is None or member.signature != ack.signature:
            return []
        if ack.outcome == PrepareOutcome.GAP:
            return self._send_again(member, Decree(ack.decree + 1), now_us)
        if ack.outcome == PrepareOutcome.LATER and not member.pinned:
            return self.leave(sender, now_us)
        member.lost = True
        return []

    def leave(self, node: NodeName, now_us: int) -> list[Effect]:
        """Wait no longer for a learner that is not pinned, if it joined at all."""
        self._group.leave(node)
        return self._commit(now_us)

    def _commit(self, now_us: int) -> list[Effect]:
        """Commit what every member holds, then use the places that became free."""
        if self.frozen:
            return []
        committed = self._list.committed
        limit = self._group.acked(self._carried)
        if limit <= committed:
            return []  # no place became free, so nothing waits that did not have to before
        effects: list[Effect] = [*self._state.commit(limit)]
        if self._list.committed == committed:
            return effects
        return effects + self.advance(now_us)

    def advance(self, now_us: int) -> list[Effect]:
        """Prepare what waits, oldest first, as far as the window has places.

        Args:
            now_us: CLOCK_BOOTTIME, microseconds.

        Returns:
            Effects in the order to carry them out.
        """
        effects: list[Effect] = []
        while (place := self._carried - self._list.committed) < RECONCILE_MUTATIONS_MAX:
            if self._carried < self._list.prepared:
                effects += self._carry_next(now_us)
            elif self._owes_noop:
                effects += self._close(now_us)
            elif self._may_take(place):
                effects += self._prepare(*self._collecting.take(), now_us)
            else:
                break
        return effects

    def _may_take(self, in_flight: int) -> bool:
        """Tell whether the collecting group is to become a mutation now."""
        if not self._collecting or in_flight >= WINDOW_MUTATIONS_MAX:
            return False
        # Without others a mutation costs no messages, and the log syncs many at once.
        return in_flight == 0 or not self._group or self._collecting.is_sizeable

    def _carry_next(self, now_us: int) -> list[Effect]:
        """Prepare the next mutation of an earlier ballot again, under this one."""
        entry = self._list.get(Decree(self._carried + 1))
        assert entry is not None
        mutation = entry.mutation.under(self.ballot)
        return self._send_prepare(self._list.replace(mutation), now_us)

    def _close(self, now_us: int) -> list[Effect]:
        """Prepare the NOOP that ends reconciliation."""
        self._owes_noop = False
        entry = Prepared(self._mutation((), 0))
        self._list.add(entry)
        self._serves_from = entry.decree
        return self._send_prepare(entry, now_us)

    def _prepare(
        self, changes: Sequence[Change], size: int, tokens: tuple[object, ...], now_us: int
    ) -> list[Effect]:
        entry = Prepared(self._mutation(changes, size), tokens)
        self._list.add(entry)
        return self._send_prepare(entry, now_us)

    def _mutation(self, changes: Sequence[Change], size: int) -> Mutation:
        return Mutation(
            ballot=self.ballot,
            decree=Decree(self._list.prepared + 1),
            timestamp_us=self._state.timestamps.next(self._wall_us),
            changes=changes,
            bytes=size,
            born=self.ballot,
        )

    def _send_prepare(self, entry: Prepared, now_us: int) -> list[Effect]:
        """Let a mutation leave for the own disk and for every member."""
        assert entry.decree == self._carried + 1, "prepares leave in decree order"
        self._carried = entry.decree
        entry.sent_us = now_us
        mutation = entry.mutation
        effects: list[Effect] = [append(mutation, self._list.committed)]
        if not self._group:
            return effects
        self._spread = self._list.committed
        if not self._has_absent_learner():
            self._checked_us = now_us
        committed = self._list.committed
        if self._group.secondaries:
            effects.append(Send(self._group.secondaries, Prepare(mutation, committed)))
        for learner in self._group.learners:
            prepare = Prepare(mutation, committed, learner.signature)
            effects.append(Send((learner.node,), prepare))
        return effects

    def _send_again(self, member: Member, first: Decree, now_us: int) -> list[Effect]:
        """Send a member what is in flight from ``first`` on, at most once in a while."""
        if now_us < member.sent_us + PREPARE_RESEND_US:
            return []
        member.sent_us = now_us
        effects: list[Effect] = []
        for entry in self._list:
            if first <= entry.decree <= self._carried:
                prepare = Prepare(entry.mutation, self._list.committed, member.signature)
                effects.append(Send((member.node,), prepare))
        return effects

    def join(
        self, node: NodeName, signature: Signature, now_us: int
    ) -> tuple[Decree, list[Effect]]:
        """Let a learner take part from now on.

        Args:
            node: the learner.
            signature: of its attempt.
            now_us: CLOCK_BOOTTIME, microseconds.

        Returns:
            The decree from which on the primary waits for it, and the prepares in flight.
        """
        decree = Decree(self._list.committed + 1)
        member = self._group.join(node, signature, decree)
        return decree, self._send_again(member, decree, now_us)

    def reconfigure(self, config: PartitionConfig, now_us: int) -> list[Effect]:
        """Go on as primary under the next configuration.

        Args:
            config: confirmed by meta, its ballot persisted.
            now_us: CLOCK_BOOTTIME, microseconds.

        Returns:
            Group checks that tell the members, and what is in flight, prepared again.
        """
        assert config.ballot > self._config.ballot
        assert config.ballot == self._state.ballot
        self._config = config
        self._is_short = _is_short(config)
        self._group.restart(config.secondaries, self._list.committed)
        self._carried = self._list.committed
        self.frozen = False
        self.leaving = None
        return self.check_group(now_us) + self.advance(now_us)

    def thaw(self, now_us: int) -> list[Effect]:
        """Go on under the same configuration: the change did not come about."""
        self.frozen = False
        return self._commit(now_us)

    def retire(self) -> list[Effect]:
        """End this role: clients are told that the outcome of their writes is unknown.

        Returns:
            Refuse for writes that never got a decree, newest first, then Abandon, newest first.
        """
        tokens = self._collecting.take()[2] if self._collecting else ()
        effects: list[Effect] = [Refuse(NOT_SERVING, token) for token in reversed(tokens)]
        for entry in reversed(tuple(self._list)):
            effects += [Abandon(token) for token in reversed(entry.tokens)]
            entry.tokens = ()
        return effects

    def check_group(self, now_us: int) -> list[Effect]:
        """Tell members and learners the configuration and the commit point."""
        self._checked_us = now_us
        self._spread = self._list.committed
        config = self._config
        whole = PartitionConfig(
            config.ballot,
            config.primary,
            config.secondaries,
            config.max_replica_count,
            self.learners,
        )
        to = (*config.secondaries, *[each.node for each in self.learners])
        return [Send(to, GroupCheck(whole, self._list.committed))] if to else []

    def _on_tick(self, now_us: int) -> list[Effect]:
        effects: list[Effect] = []
        for member in self._group:
            oldest = self._oldest_sent_us(member)
            if oldest is not None and now_us >= oldest + PREPARE_RESEND_US:
                effects += self._send_again(member, Decree(member.acked + 1), now_us)
        if now_us >= self._check_due_us():
            effects += self.check_group(now_us)
        return effects

    def _oldest_sent_us(self, member: Member) -> int | None:
        """Return when the oldest prepare a member has not acknowledged was first sent."""
        if member.acked >= self._carried:
            return None
        entry = self._list.get(Decree(max(member.acked, self._list.committed) + 1))
        return None if entry is None else entry.sent_us

    def _check_due_us(self) -> int:
        is_soon = self._spread < self._list.committed or self._has_absent_learner()
        return self._checked_us + (GROUP_CHECK_SOON_US if is_soon else GROUP_CHECK_US)

    def _has_absent_learner(self) -> bool:
        """Tell whether a learner does not take part yet: prepares do not reach it, checks must.

        Its server may have been down when it was invited.
        """
        return any(self._group.get(each.node) is None for each in self.learners)

    def member_to_drop(self, now_us: int) -> Member | None:
        """Return a member that is lost or takes too long, None if all do their part."""
        for member in self._group:
            limit = PREPARE_TIMEOUT_US if member.signature == NO_SIGNATURE else LEARNER_TIMEOUT_US
            oldest = self._oldest_sent_us(member)
            if member.lost or (oldest is not None and now_us >= oldest + limit):
                return member
        return None

    def disk_deadline(self) -> int | None:
        """Return when the own disk took so long that another replica should be primary."""
        if self._list.logged >= self._carried:
            return None
        entry = self._list.get(Decree(self._list.logged + 1))
        return None if entry is None else entry.sent_us + OWN_DISK_TIMEOUT_US

    def next_deadline(self) -> int:
        """Return the CLOCK_BOOTTIME, microseconds, at which a Tick is due at the latest."""
        due = [self._check_due_us()]
        for member in self._group:
            oldest = self._oldest_sent_us(member)
            if oldest is not None:
                due.append(max(oldest, member.sent_us) + PREPARE_RESEND_US)
        return min(due)


def _is_short(config: PartitionConfig) -> bool:
    """Tell whether a write would be held by fewer replicas than the table was promised, or two."""
    return len(config.members) < min(2, config.max_replica_count)
