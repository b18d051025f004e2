"""Which meta server to ask: the presumed leader, the next one after a failure, a forward address."""

from collections.abc import Sequence
from typing import Final

from pegasus_tab.wire.address import Address

ADDRESSES_MAX: Final = 16
"""Addresses kept, those learned by forwarding included."""


class Metas:
    """The known meta servers and the one believed to lead.

    Invariants: there is at least one address and at most ``ADDRESSES_MAX``; the leader is one of them.

    Attributes:
        addresses: configured ones first, then those learned from forwards.
        failures: failed or unhelpful attempts since the last useful answer.
    """

    def __init__(self, addresses: Sequence[Address]) -> None:
        assert addresses
        self.addresses = list(dict.fromkeys(addresses))[:ADDRESSES_MAX]
        self.failures = 0
        self._leader = 0

    @property
    def leader(self) -> Address:
        """The server to ask next."""
        return self.addresses[self._leader]

    def all_failed(self) -> bool:
        """Tell whether every known server failed since the last useful answer."""
        return self.failures >= len(self.addresses)

    def answered(self) -> None:
        """Note a useful answer of the leader."""
        self.failures = 0

    def failed(self, address: Address) -> None:
        """Note that a server did not help; when it was the leader, the next one is."""
        if address == self.leader:
            self.failures += 1
            self._leader = (self._leader + 1) % len(self.addresses)

    def forwarded(self, sender: Address, leader: Address) -> None:
        """Follow a forward (protocol reference 4.1).

        Args:
            sender: who answered ERR_FORWARD_TO_OTHERS.
            leader: whom it named; ``NO_ADDRESS`` when it does not know, which is a failure.
        """
        if not leader or leader == sender:
            self.failed(sender)
            return
        self.failures += 1
        if leader not in self.addresses:
            if len(self.addresses) == ADDRESSES_MAX:
                self.addresses.pop()
            self.addresses.append(leader)
        self._leader = self.addresses.index(leader)

    def replace(self, addresses: Sequence[Address]) -> None:
        """Start over with other addresses (an embedded node that came back on another port)."""
        assert addresses
        self.addresses = list(addresses)[:ADDRESSES_MAX]
        self.failures = 0
        self._leader = 0
