"""The prepare list: mutations that have a decree but are not committed yet.

Follows the prepare list of PacificA (MSR-TR-2008-25, section 2) as the ancestor keeps it
(pegasus-features.md d3): the decrees (committed, prepared], without holes, in decree order.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from pegasus_server.replication.inputs import Change
from pegasus_tab.base.ids import Ballot, Decree


@dataclass(slots=True)
class Prepared:
    """One mutation between prepare and commit.

    Attributes:
        ballot: the configuration it was prepared under.
        decree: its position.
        timestamp_us: when the primary prepared it, strictly increasing in the decree.
        changes: the physical batch.
        tokens: names of the client writes inside.
        logged: the own disk answered. Becomes one acknowledgement among several when
            secondaries join.
    """

    ballot: Ballot
    decree: Decree
    timestamp_us: int
    changes: Sequence[Change]
    tokens: tuple[object, ...]
    logged: bool = False


class PrepareList:
    """The uncommitted mutations of one replica.

    Invariants:
      * decrees are committed + 1, committed + 2, ..., prepared (no holes, A2);
      * ballots and timestamps never fall with the decree;
      * committed and prepared never fall, and committed <= prepared (A1).

    Args:
        committed: the decree everything up to which is committed, >= 0.
    """

    def __init__(self, committed: Decree) -> None:
        assert committed >= 0
        self._committed = committed
        self._entries: deque[Prepared] = deque()

    @property
    def committed(self) -> Decree:
        """The highest committed decree."""
        return self._committed

    @property
    def prepared(self) -> Decree:
        """The highest decree given out."""
        return Decree(self._committed + len(self._entries))

    def __len__(self) -> int:
        """Count the mutations in flight."""
        return len(self._entries)

    def add(self, entry: Prepared) -> None:
        """Append the next mutation; its decree must be prepared + 1."""
        assert entry.decree == self.prepared + 1, "A2: one mutation per decree, no holes"
        if self._entries:
            last = self._entries[-1]
            assert entry.ballot >= last.ballot, "A2: ballots never fall"
            assert entry.timestamp_us > last.timestamp_us
        self._entries.append(entry)

    def note_logged(self, decree: Decree) -> None:
        """Record that the own disk holds ``decree``; it must be in flight and new."""
        assert self._committed < decree <= self.prepared, "the disk answered for an unknown decree"
        entry = self._entries[decree - self._committed - 1]
        assert not entry.logged, "the disk answered twice for one decree"
        entry.logged = True

    def commit_next(self) -> Prepared | None:
        """Commit and return the mutation at committed + 1 if every member has it, else None (A4)."""
        if not self._entries or not self._entries[0].logged:
            return None
        entry = self._entries.popleft()
        assert entry.decree == self._committed + 1, "A4: commit in decree order"
        self._committed = entry.decree
        return entry
