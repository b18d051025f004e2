"""The prepare list: mutations that have a decree but are not committed yet.

Follows the prepare list of PacificA (MSR-TR-2008-25, section 2) as the ancestor keeps it
(pegasus-features.md d3): the decrees (committed, prepared], without holes, in decree order. It
outlives the roles of its replica: a secondary that becomes primary goes on with the same list.
"""

from collections import deque
from collections.abc import Iterable, Iterator

from pegasus_server.replication.mutation import Mutation, Prepared
from pegasus_server.replication.recent_mutations import RecentMutations
from pegasus_tab.base.ids import Ballot, Decree


class PrepareList:
    """The uncommitted mutations of one replica, and its watermarks.

    Invariants:
      * decrees are committed + 1, committed + 2, ..., prepared (no holes, A2);
      * applied <= committed <= logged <= prepared; the first two never fall (A1);
      * (d, b) replaces (d, b') only if b > b' and d > committed (A7).

    Ballots rise with the decree as far as one primary prepared the list. Beyond the last decree
    prepared under the newest ballot, mutations of older ballots may remain until their turn to
    be prepared again comes: they may be committed ones, so they are dropped only once something
    below them tells that they are not (``born``).

    Args:
        committed: decree everything up to which is committed and applied, >= 0.
        restored: mutations the log gave back, in decree order, the first at committed + 1. What
            follows a hole is left out: an acknowledgement covers all decrees below, so nothing
            beyond a hole was ever acknowledged.
        keeps_recent: keep committed mutations for learners.
        committed_us: timestamp of the mutation at ``committed``, 0 if not known.

    Attributes:
        is_ahead: the data up to ``committed`` is still on its way to this learner.
        recent: the last committed mutations.
    """

    def __init__(
        self,
        committed: Decree,
        restored: Iterable[Mutation] = (),
        *,
        keeps_recent: bool = False,
        committed_us: int = 0,
    ) -> None:
        assert committed >= 0
        self._applied = committed
        self._committed = committed
        self._logged = committed
        self._entries: deque[Prepared] = deque()
        self._keeps_recent = keeps_recent
        self.is_ahead = False
        self._committed_us = committed_us
        self.recent = RecentMutations()
        for mutation in restored:
            if mutation.decree == self.prepared + 1:
                self._entries.append(Prepared(mutation, logged=True))
        self._logged = self.prepared

    def emptied(self, committed: Decree, *, is_ahead: bool = False) -> "PrepareList":
        """Return a list to go on with when the data was, or will be, that of ``committed``."""
        emptied = PrepareList(committed, keeps_recent=self._keeps_recent)
        emptied.is_ahead = is_ahead
        return emptied

    @property
    def noted(self) -> Decree:
        """The commit point to note in the log: none as long as the data below is not here."""
        return Decree(0) if self.is_ahead else self._committed

    @property
    def applied(self) -> Decree:
        """The highest decree the engine reported as applied."""
        return self._applied

    @property
    def committed(self) -> Decree:
        """The highest committed decree."""
        return self._committed

    @property
    def committed_us(self) -> int:
        """Timestamp of the mutation at ``committed``, 0 if not known."""
        return self._committed_us

    @property
    def logged(self) -> Decree:
        """The highest decree up to which the own disk holds every mutation as it stands here."""
        return self._logged

    @property
    def prepared(self) -> Decree:
        """The highest decree given out."""
        return Decree(self._committed + len(self._entries))

    def __len__(self) -> int:
        """Count the mutations in flight."""
        return len(self._entries)

    def __iter__(self) -> Iterator[Prepared]:
        """Go through the mutations in flight, in decree order."""
        return iter(self._entries)

    def get(self, decree: Decree) -> Prepared | None:
        """Return the mutation in flight at ``decree``, None if there is none."""
        index = decree - self._committed - 1
        return self._entries[index] if 0 <= index < len(self._entries) else None

    def add(self, entry: Prepared) -> None:
        """Append the next mutation; its decree must be prepared + 1."""
        mutation = entry.mutation
        assert mutation.decree == self.prepared + 1, "A2: one mutation per decree, no holes"
        if self._entries:
            last = self._entries[-1].mutation
            assert mutation.ballot >= last.ballot, "A2: ballots never fall"
            assert mutation.born >= last.born, "A2: a later primary adds above earlier ones"
            assert mutation.timestamp_us > last.timestamp_us
        self._entries.append(entry)

    def replace(self, mutation: Mutation) -> Prepared:
        """Put a mutation of a higher ballot in the place of the one in flight at its decree."""
        entry = self.get(mutation.decree)
        assert entry is not None, "A7: a committed mutation is never replaced"
        assert mutation.ballot > entry.ballot, "A7: only a higher ballot replaces"
        if mutation.timestamp_us != entry.mutation.timestamp_us:
            assert not entry.tokens, "A7: a replica keeps the writes it took itself"
        entry.mutation = mutation
        entry.logged = False
        self._logged = min(self._logged, Decree(mutation.decree - 1))
        following = self.get(Decree(mutation.decree + 1))
        if following is not None and following.mutation.born < mutation.born:
            # A later primary went another way here. ``born`` never falls along what is committed,
            # so nothing beyond was; and it must not come back, for it was evaluated on a past
            # that did not happen.
            self.truncate(mutation.decree)
        return entry

    def truncate(self, decree: Decree) -> None:
        """Drop everything above ``decree``, which must be committed or in flight."""
        assert self._committed <= decree, "A1: what is committed stays"
        while self.prepared > decree:
            self._entries.pop()
        self._logged = min(self._logged, decree)

    def note_logged(self, decree: Decree, ballot: Ballot) -> None:
        """Record that the own disk holds (decree, ballot).

        Answers for mutations that were replaced, dropped or committed meanwhile do not matter.
        """
        entry = self.get(decree)
        if entry is None or entry.ballot != ballot:
            return
        entry.logged = True
        if decree == self._logged + 1:
            while entry is not None and entry.logged:
                self._logged = entry.decree
                entry = self.get(Decree(self._logged + 1))

    def commit_next(self, limit: Decree) -> Prepared | None:
        """Commit and return the mutation at committed + 1.

        Args:
            limit: the highest decree that may be committed.

        Returns:
            None if it is not logged here or lies beyond the limit (A4).
        """
        if limit <= self._committed or not self._entries:
            return None
        entry = self._entries[0]
        if not entry.logged:
            return None
        self._entries.popleft()
        mutation = entry.mutation
        assert mutation.decree == self._committed + 1, "A4: commit in decree order"
        self._committed = mutation.decree
        self._committed_us = mutation.timestamp_us
        if self._keeps_recent:
            self.recent.add(mutation)
        return entry

    def note_applied(self, decree: Decree) -> None:
        """Record that the engine applied ``decree``."""
        assert decree == self._applied + 1, "A4: apply in decree order"
        self._applied = decree

    def check(self, durable: int = 0) -> None:
        """Assert A1, with the decree that the engine is on disk up to."""
        assert durable <= self._applied <= self._committed <= self._logged, "A1"
        assert self._logged <= self._committed + len(self._entries), "A1"
