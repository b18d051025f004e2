"""The last committed mutations, kept to teach a learner that is only a little behind."""

from collections import deque

from pegasus_server.replication.mutation import Mutation
from pegasus_tab.base.ids import Decree
from pegasus_tab.base.limits import MIB

RECENT_MUTATIONS_MAX = 1000
RECENT_BYTES_MAX = 4 * MIB


class RecentMutations:
    """Committed mutations in decree order, bounded in number and in bytes.

    Invariants: decrees are first, first + 1, ..., last; the bounds hold after every call, except
    that the newest mutation always stays.
    """

    def __init__(self) -> None:
        self._mutations: deque[Mutation] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        """Count the mutations kept."""
        return len(self._mutations)

    def add(self, mutation: Mutation) -> None:
        """Take the mutation committed last."""
        kept = self._mutations
        if kept:
            assert mutation.decree == kept[-1].decree + 1
        kept.append(mutation)
        self._bytes += mutation.bytes
        while len(kept) > RECENT_MUTATIONS_MAX or (
            self._bytes > RECENT_BYTES_MAX and len(kept) > 1
        ):
            self._bytes -= kept.popleft().bytes

    def get(self, decree: Decree) -> Mutation | None:
        """Return the mutation at ``decree``, None if it is not kept."""
        if not self._mutations:
            return None
        index = decree - self._mutations[0].decree
        return self._mutations[index] if 0 <= index < len(self._mutations) else None

    def since(self, first: Decree) -> tuple[Mutation, ...] | None:
        """Return everything from ``first`` on; None unless ``first`` itself is kept."""
        if self.get(first) is None:
            return None
        index = first - self._mutations[0].decree
        return tuple(list(self._mutations)[index:])

    def clear(self) -> None:
        """Forget everything: the data was replaced."""
        self._mutations.clear()
        self._bytes = 0
