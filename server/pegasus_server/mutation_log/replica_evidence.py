"""What the log proves about one replica: its mutations, and what must be missing. Pure."""

from collections.abc import Iterator

from pegasus_server.mutation_log.describe import describe_ranges
from pegasus_server.mutation_log.mutation import ContentOf, Mutation, whole_body
from pegasus_server.mutation_log.record import Written
from pegasus_tab.base.ids import Decree


class ReplicaEvidence:
    """Collects, in log order, what was written for one replica above its durable decree.

    Invariants: ``_contents`` and ``_known`` hold no decree <= durable; ``_contents`` holds the
    highest readable ballot of a decree.

    Args:
        durable: decree up to which the replica's engine holds everything on disk.
        content_of: what two records of one (ballot, decree) must have in common.
    """

    def __init__(self, durable: Decree, content_of: ContentOf = whole_body) -> None:
        self._durable = durable
        self._content_of = content_of
        self._contents: dict[int, Mutation] = {}
        self._known: dict[int, int] = {}
        """Highest ballot of decrees that are known without their content."""
        self._last: Written | Mutation | None = None
        self._uncertain: str | None = None

    def add_known(self, written: Written) -> None:
        """Note that a mutation exists, from a list of the log's contents."""
        if written.decree > self._durable:
            known = self._known.get(written.decree, -1)
            self._known[written.decree] = max(written.ballot, known)

    def add_lost(self, written: Written) -> None:
        """Note that a mutation was written here and cannot be read."""
        self.add_known(written)
        self._last = written

    def add_mutation(self, mutation: Mutation) -> None:
        """Note a readable mutation; the highest ballot of a decree wins (A2 of reliability 2.1)."""
        self._last = mutation
        decree = mutation.decree
        if decree <= self._durable:
            return
        held = self._contents.setdefault(decree, mutation)
        if held is mutation:
            return
        if held.ballot < mutation.ballot:
            self._contents[decree] = mutation
        elif held.ballot == mutation.ballot and not self._is_same(held, mutation):
            # A7: ballot and decree name the content.
            self._uncertain = f"ballot {held.ballot} decree {decree} was logged with two contents"

    def _is_same(self, held: Mutation, again: Mutation) -> bool:
        """Tell whether a mutation was logged again, as happens after a quick change of roles."""
        if held.timestamp_us != again.timestamp_us:
            return False
        return self._content_of(held.body) == self._content_of(again.body)

    def judge_damage_before(self, written: Written | Mutation, damage: str) -> None:
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
        self._known = {key: ballot for key, ballot in self._known.items() if key <= decree}
        self._last = None
        self._uncertain = None

    def verdict(self) -> tuple[list[Mutation], str | None]:
        """Judge, after the end of the log.

        Returns:
            The mutations from durable + 1 on, without a hole, each the newest of its decree; and
            what is missing or contradictory, None when nothing is.
        """
        mutations: list[Mutation] = []
        decree = self._durable + 1
        while (held := self._readable(decree)) is not None:
            mutations.append(held)
            decree += 1
        suspect = self._uncertain
        if suspect is None and (lost := list(self._lost_from(decree))):
            suspect = f"lost: {describe_ranges(lost)}"
        return mutations, suspect

    def _lost_from(self, expected: int) -> Iterator[tuple[int, int]]:
        """Yield the ranges of unreadable decrees from ``expected`` to the highest known."""
        above = sorted(decree for decree in {*self._contents, *self._known} if decree >= expected)
        for decree in above:
            if self._readable(decree) is None:
                continue
            if decree > expected:
                yield expected, decree - 1
            expected = decree + 1
        if above and above[-1] >= expected:
            yield expected, above[-1]

    def _readable(self, decree: int) -> Mutation | None:
        held = self._contents.get(decree)
        if held is None or held.ballot < self._known.get(decree, 0):
            return None
        return held
