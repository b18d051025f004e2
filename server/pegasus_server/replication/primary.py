"""The primary of one partition (PacificA section 2, pegasus-features.md d4).

Theory of operation. A turn's client writes come in as one physical batch. While fewer than
WINDOW_MUTATIONS_MAX mutations are in flight they become a mutation at once: it gets the next
decree, a place in the prepare list, and leaves for the log. Otherwise they join the collecting
group, which becomes one mutation when a place is free; that is where batching under load comes
from. The disk answers with LogAppended, in any order; mutations commit in decree order; each
commit asks for an Apply, and only after it the clients are answered.

The configuration has one member in this version: the own disk is the only acknowledgement a
commit waits for. Secondaries become further acknowledgements in the prepare list.
"""

from pegasus_server.replication.collecting_group import CollectingGroup
from pegasus_server.replication.effects import AppendLog, Apply, PrimaryEffect, Refuse
from pegasus_server.replication.inputs import Applied, ClientWrites, LogAppended, PrimaryInput
from pegasus_server.replication.prepare_list import Prepared, PrepareList
from pegasus_server.replication.timestamps import Timestamps
from pegasus_tab.base.ids import Ballot, Decree, Gpid

WINDOW_MUTATIONS_MAX = 4
"""Mutations in flight per partition; more only lengthens the queue in front of one disk."""

GROUP_FULL = "ERR_CAPACITY_EXCEEDED"
"""Answer to writes beyond the collecting group's bounds (protocol reference 7)."""


class Primary:
    """Orders the writes of one partition.

    Invariants (reliability reference 2.1), asserted at every step:
      A1  applied <= committed <= prepared; none of them falls.
      A2  one mutation per decree, no holes, ballots never fall (in PrepareList).
      A4  decree d commits only if d == committed + 1 and it is logged; clients hear of d only
          through Apply(d), and Apply effects come in decree order.

    Args:
        gpid: the partition.
        ballot: the configuration this primary serves under, >= 1.
        committed: decree everything up to which is applied already, >= 0.
        timestamps: the partition's timestamp source, shared with whoever evaluates its writes.
    """

    def __init__(
        self, gpid: Gpid, ballot: Ballot, committed: Decree, timestamps: Timestamps
    ) -> None:
        assert ballot >= 1
        self.gpid = gpid
        self.ballot = ballot
        self._timestamps = timestamps
        self._prepare_list = PrepareList(committed)
        self._collecting = CollectingGroup()
        self._applied = committed

    @property
    def applied(self) -> Decree:
        """The highest decree the engine reported as applied."""
        return self._applied

    @property
    def committed(self) -> Decree:
        """The highest committed decree."""
        return self._prepare_list.committed

    @property
    def prepared(self) -> Decree:
        """The highest decree given out."""
        return self._prepare_list.prepared

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
        return self._applied == self.prepared and not self._collecting

    def step(self, event: PrimaryInput, now_us: int) -> list[PrimaryEffect]:
        """Advance by one input.

        Args:
            event: what happened.
            now_us: wall clock, microseconds since 1970.

        Returns:
            Effects in the order to carry them out.
        """
        effects = self._react(event, now_us)
        assert self._applied <= self.committed <= self.prepared, "A1"
        return effects

    def _react(self, event: PrimaryInput, now_us: int) -> list[PrimaryEffect]:
        match event:
            case ClientWrites():
                return self._on_client_writes(event, now_us)
            case LogAppended():
                return self._on_log_appended(event, now_us)
            case Applied():
                return self._on_applied(event)

    def _on_client_writes(self, writes: ClientWrites, now_us: int) -> list[PrimaryEffect]:
        if self._collecting.is_full:
            return [Refuse(GROUP_FULL, writes.token)]
        self._collecting.add(writes)
        return self._prepare_collected(now_us)

    def _on_log_appended(self, event: LogAppended, now_us: int) -> list[PrimaryEffect]:
        self._prepare_list.note_logged(event.decree)
        effects: list[PrimaryEffect] = []
        while entry := self._prepare_list.commit_next():
            effects.append(Apply(entry.decree, entry.changes, entry.tokens))
        return effects + self._prepare_collected(now_us)

    def _on_applied(self, event: Applied) -> list[PrimaryEffect]:
        assert event.decree == self._applied + 1, "A4: apply in decree order"
        self._applied = event.decree
        return []

    def _prepare_collected(self, now_us: int) -> list[PrimaryEffect]:
        """Turn the collecting group into the next mutation if the window has a place."""
        if not self._collecting or len(self._prepare_list) >= WINDOW_MUTATIONS_MAX:
            return []
        changes, tokens = self._collecting.take()
        entry = Prepared(
            ballot=self.ballot,
            decree=Decree(self.prepared + 1),
            timestamp_us=self._timestamps.next(now_us),
            changes=changes,
            tokens=tokens,
        )
        self._prepare_list.add(entry)
        return [AppendLog(entry.ballot, entry.decree, entry.timestamp_us, changes)]
