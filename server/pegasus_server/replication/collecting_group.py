"""The group of client writes that waits for a place in the window."""

from collections.abc import Sequence

from pegasus_server.replication.inputs import ClientWrites
from pegasus_server.replication.mutation import Change
from pegasus_tab.base.limits import KIB, MIB

GROUP_OPERATIONS_MAX = 8192
"""A group with this many client requests takes no more."""
GROUP_BYTES_MAX = 4 * MIB
"""A group whose keys and values reach this many bytes takes no more."""
SIZEABLE_OPERATIONS = 32
SIZEABLE_BYTES = 64 * KIB
"""From so many client requests or bytes on, sharing a mutation with later ones saves little."""


class CollectingGroup:
    """Client writes that arrived while the window was full; they will share one mutation.

    Invariant: the sums equal those of the members. A group may pass its bounds by the last
    writes it took, so that writes larger than the bound are still possible.
    """

    def __init__(self) -> None:
        self._members: list[ClientWrites] = []
        self._operations = 0
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """Tell whether further writes must be refused."""
        return self._operations >= GROUP_OPERATIONS_MAX or self._bytes >= GROUP_BYTES_MAX

    @property
    def is_sizeable(self) -> bool:
        """Tell whether it is worth a mutation of its own while others are in flight."""
        return self._operations >= SIZEABLE_OPERATIONS or self._bytes >= SIZEABLE_BYTES

    def __len__(self) -> int:
        """Count the ClientWrites collected."""
        return len(self._members)

    def add(self, writes: ClientWrites) -> None:
        """Take writes in; the group must not be full."""
        assert not self.is_full
        assert writes.operations >= 1
        self._members.append(writes)
        self._operations += writes.operations
        self._bytes += writes.bytes

    def take(self) -> tuple[Sequence[Change], int, tuple[object, ...]]:
        """Empty the group.

        Returns:
            One physical batch, its size in bytes, and the tokens of the members, in order.
        """
        members, size = self._members, self._bytes
        assert members
        self._members, self._operations, self._bytes = [], 0, 0
        if len(members) == 1:
            return members[0].changes, size, (members[0].token,)
        changes = [change for each in members for change in each.changes]
        return changes, size, tuple([each.token for each in members])
