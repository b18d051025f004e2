"""Whether this meta server leads, and whether it can prove it (reliability reference 2.2, F21, F22).

A store reports a lost session only after the connection came back, so a leader that is cut off
would go on extending leases for as long as the cut lasts. It therefore stops by its own clock:
beacons are acknowledged only within STORE_FENCE_SHARE of the session timeout after the moment the
last answered request left for the store. Clients are sent elsewhere then: orders could not be
stored, and what is known here may be old.
"""

from dataclasses import dataclass

from pegasus_server.meta.lease_numbers import STORE_FENCE_SHARE
from pegasus_tab.base.ids import NodeName


@dataclass(frozen=True, slots=True)
class Following:
    """Another meta server leads, or none; requests are forwarded to it."""

    leader: NodeName | None = None


@dataclass(frozen=True, slots=True)
class Loading:
    """This meta server was elected and reads the store."""

    epoch: int


@dataclass(frozen=True, slots=True)
class Leading:
    """This meta server leads."""

    epoch: int


class Leadership:
    """The role of this meta server.

    Invariants: epochs rise; only a leader acknowledges beacons, and only while its session surely
    lives.

    Attributes:
        role: what it is.
    """

    def __init__(self) -> None:
        self.role: Following | Loading | Leading = Following()
        self._epoch = 0
        self._session_us: int | None = None
        self._alive_us = 0

    @property
    def forward(self) -> NodeName | None:
        """The leader to ask, as far as a follower knows."""
        return self.role.leader if isinstance(self.role, Following) else None

    def elect(self, epoch: int, session_us: int | None, alive_us: int) -> None:
        """Begin to lead once the store is read.

        Args:
            epoch: rises with every election of the cluster.
            session_us: negotiated timeout of the store's session; None for a store without.
            alive_us: when the request left whose answer told of the election.
        """
        assert epoch > self._epoch, "epochs rise"
        self._epoch = epoch
        self._session_us = session_us
        self._alive_us = alive_us
        self.role = Loading(epoch)

    def loaded(self) -> None:
        """Lead."""
        assert isinstance(self.role, Loading)
        self.role = Leading(self.role.epoch)

    def depose(self, leader: NodeName | None) -> None:
        """Follow."""
        self.role = Following(leader)

    def note_store_alive(self, sent_us: int) -> None:
        """Take note that a request that left at ``sent_us`` was answered within the session."""
        self._alive_us = max(self._alive_us, sent_us)

    def surely_leads(self, now_us: int) -> bool:
        """Tell whether no other leads: beacons are acknowledged, and clients answered, only then."""
        if not isinstance(self.role, Leading):
            return False
        if self._session_us is None:
            return True
        return now_us < self._alive_us + int(self._session_us * STORE_FENCE_SHARE)
