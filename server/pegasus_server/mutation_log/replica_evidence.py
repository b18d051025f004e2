"""What the log proves about one replica: its mutations, and what must be missing. Pure."""

from collections.abc import Iterator

from pegasus_server.mutation_log.describe import describe_ranges
from pegasus_server.mutation_log.mutation import Mutation
from pegasus_server.mutation_log.record import Written
from pegasus_tab.base.ids import Decree


class ReplicaEvidence:
    """Collects, in log order, what was written for one replica above its durable decree.

    Invariants: every decree of ``_contents`` is in ``_written``, with a ballot at least as high;
    neither holds a decree <= durable.

    Args:
        durable: decree up to which the replica's engine holds everything on disk.
    """

    def __init__(self, durable: Decree) -> None:
        self._durable = durable
        self._contents: dict[int, Mutation] = {}
        self._written: dict[int, int] = {}
        self._last: Written | None = None
        self._uncertain: str | None = None

    def add_known(self, written: Written) -> None:
        """Note that a mutation exists, from a list of the log's contents."""
        if written.decree > self._durable:
            known = self._written.get(written.decree, -1)
            self._written[written.decree] = max(written.ballot, known)

    def add_lost(self, written: Written) -> None:
        """Note that a mutation was written here and cannot be read."""
        self.add_known(written)
        self._last = written

    def add_mutation(self, mutation: Mutation) -> None:
        """Note a readable mutation; the highest ballot of a decree wins (A2 of reliability 2.1)."""
        gpid, ballot, decree, _, _ = mutation
        self._last = Written(gpid, ballot, decree)
        if decree <= self._durable:
            return
        self.add_known(self._last)
        held = self._contents.get(decree)
        if held is None or held.ballot < ballot:
            self._contents[decree] = mutation
        elif held.ballot == ballot and held != mutation:  # A7: ballot and decree name the content
            self._uncertain = f"ballot {ballot} decree {decree} was logged with two contents"

    def judge_damage_before(self, written: Written, damage: str) -> None:
        """Decide whether unreadable bytes just before ``written`` can have held this replica's.

        They cannot when ``written`` continues the last mutation; and when decrees are missing in
        between, the gap will show by itself. But when the ballot changed across the damage, the
        new ballot may have replaced earlier decrees in the part that is lost.
        """
        last = self._last
        covered = written.decree <= self._durable + 1
        gap = last is None or written.decree > last.decree + 1
        if covered or gap:
            return
        assert last is not None
        if (written.ballot, written.decree) != (last.ballot, last.decree + 1):
            self._uncertain = (
                f"ballot {last.ballot} decree {last.decree} is followed by ballot {written.ballot}"
                f" decree {written.decree} across {damage}, which may have held replacements"
            )

    def discard_above(self, decree: Decree) -> None:
        """Forget what was written above ``decree`` so far: its owner gave it up."""
        self._contents = {key: held for key, held in self._contents.items() if key <= decree}
        self._written = {key: ballot for key, ballot in self._written.items() if key <= decree}
        self._last = None
        self._uncertain = None

    def replayable(self) -> list[Mutation]:
        """List the mutations from durable + 1 on, without a hole, each the newest of its decree."""
        mutations: list[Mutation] = []
        decree = self._durable + 1
        while self._is_readable(decree):
            mutations.append(self._contents[decree])
            decree += 1
        return mutations

    def suspicion(self) -> str | None:
        """Say what is missing or contradictory, None when nothing is."""
        if self._uncertain is not None:
            return self._uncertain
        lost = list(self._lost())
        return f"lost: {describe_ranges(lost)}" if lost else None

    def _lost(self) -> Iterator[tuple[int, int]]:
        """Yield the ranges of decrees between durable and the highest known that are unreadable."""
        expected = self._durable + 1
        for decree in sorted(self._contents):
            if not self._is_readable(decree):
                continue
            if decree > expected:
                yield expected, decree - 1
            expected = decree + 1
        highest = max(self._written, default=self._durable)
        if highest >= expected:
            yield expected, highest

    def _is_readable(self, decree: int) -> bool:
        held = self._contents.get(decree)
        return held is not None and held.ballot >= self._written[decree]
