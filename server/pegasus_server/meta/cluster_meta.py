"""The meta server of a cluster, as one state machine (pegasus-features.md a5, d7-d9).

Theory of operation. A meta server follows until it is elected; then it reads the store and leads
for a ``Term``. A follower answers at once with whom to ask. A leader keeps the tables (``Catalog``),
the partitions and the servers that hold them (``Guardian``); every change goes to the store first,
under the version it was read at, and is spoken of when the store confirmed it (A8). A leader that
finds its store changed by somebody else resigns at once: it was replaced and did not hear of it.

Everything that is lost on its way is sent again by somebody: beacons, requests for configurations
and accounts by the replica servers, proposals and questions by the ticks of this machine.
"""

from pegasus_server.meta import error_names
from pegasus_server.meta.cluster_effects import ClusterEffect, Resign, Send
from pegasus_server.meta.cluster_inputs import (
    Administer,
    ClusterCommand,
    ClusterInput,
    ClusterTick,
    Deposed,
    Elected,
    Received,
    Recover,
    StoreAlive,
)
from pegasus_server.meta.cluster_numbers import ClusterNumbers
from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.effects import Reply
from pegasus_server.meta.guardian import Guardian
from pegasus_server.meta.leadership import Leadership, Leading, Loading
from pegasus_server.meta.messages import ToMeta
from pegasus_server.meta.store_effects import LoadStore
from pegasus_server.meta.store_inputs import (
    ConfigPersisted,
    ConfigRead,
    PersistUnknown,
    StoreFailed,
    StoreInput,
    StoreLoaded,
    TablesPersisted,
    TablesRead,
    TablesUnknown,
)
from pegasus_server.meta.term import Term
from pegasus_tab.base.cluster import Beacon, BeaconAck
from pegasus_tab.base.ids import NodeName


class ClusterMeta:
    """One meta server.

    Invariants: it speaks for the cluster only while it leads; it acknowledges a beacon, and takes
    an order, only while its session with the store surely lives; nothing of one term survives into the next.

    Args:
        numbers: the same on every meta server of the cluster.
    """

    def __init__(self, numbers: ClusterNumbers) -> None:
        self._numbers = numbers
        self._leadership = Leadership()
        self._term: Term | None = None
        self._unix_seconds = 0

    @property
    def is_leading(self) -> bool:
        """Tell whether this meta server leads, as far as it knows."""
        return self._term is not None

    def surely_leads(self, now_us: int) -> bool:
        """Tell whether questions are answered here: the store surely knows no other leader."""
        return self._leadership.surely_leads(now_us)

    @property
    def forward(self) -> NodeName | None:
        """Whom to ask instead, if known."""
        return self._leadership.forward

    @property
    def tables(self) -> ClusterState:
        """The stored catalog, to answer questions from; only while leading."""
        assert self._term is not None, "a follower answers nothing"
        return self._term.catalog.state

    @property
    def guardian(self) -> Guardian:
        """Partitions, servers, level and moves, to answer questions from; only while leading."""
        assert self._term is not None, "a follower answers nothing"
        return self._term.guardian

    def next_deadline(self) -> int | None:
        """Return when a ClusterTick is due, None while following."""
        return None if self._term is None else self._term.next_deadline()

    def step(self, event: ClusterInput, now_us: int) -> list[ClusterEffect]:
        """Advance by one input.

        Args:
            event: what happened.
            now_us: CLOCK_BOOTTIME, microseconds; never falls.

        Returns:
            Effects in the order to carry them out.
        """
        effects = self._react(event, now_us)
        if self._term is not None:
            effects += self._term.settle(now_us)
        if any(isinstance(each, Resign) for each in effects):
            effects += self._stop_leading(None)
        assert (self._term is not None) == isinstance(self._leadership.role, Leading)
        return effects

    def _react(self, event: ClusterInput, now_us: int) -> list[ClusterEffect]:
        match event:
            case Elected():
                effects = self._stop_leading(None)
                self._leadership.elect(event.epoch, event.session_us, event.alive_us)
                return [*effects, LoadStore()]
            case Deposed():
                return self._stop_leading(event.leader)
            case StoreAlive():
                self._leadership.note_store_alive(event.sent_us)
                return []
            case Received():
                return self._on_message(event.message, now_us)
            case Administer():
                self._unix_seconds = event.unix_seconds
                if self._term is None or not self.surely_leads(now_us):
                    return [self._elsewhere(event.request.token)]
                return self._term.administer(event, now_us)
            case ClusterTick():
                self._unix_seconds = event.unix_seconds
                return [] if self._term is None else self._term.tick(event.unix_seconds, now_us)
            case (
                StoreLoaded()
                | StoreFailed()
                | ConfigPersisted()
                | PersistUnknown()
                | ConfigRead()
                | TablesPersisted()
                | TablesUnknown()
                | TablesRead()
            ):
                return self._on_store(event, now_us)
            case _:
                return self._on_command(event, now_us)

    def _stop_leading(self, leader: NodeName | None) -> list[ClusterEffect]:
        effects = self._term.abandon() if self._term is not None else []
        self._term = None
        self._leadership.depose(leader)
        return effects

    def _on_command(self, command: ClusterCommand, now_us: int) -> list[ClusterEffect]:
        if self._term is None or not self.surely_leads(now_us):
            return [self._elsewhere(command.token)]
        if isinstance(command, Recover):
            return self._term.on_recover(command, now_us)
        return self._term.on_order(command, now_us)

    def _elsewhere(self, token: object) -> Reply:
        hint = f"ask {self.forward}" if self.forward else "no meta server leads at present"
        if self._term is not None:
            hint = "its store does not answer this meta server, so another may lead"
        return Reply(token, error_names.FORWARD_TO_OTHERS, hint)

    def _on_message(self, message: ToMeta, now_us: int) -> list[ClusterEffect]:
        if isinstance(message, Beacon):
            return self._on_beacon(message, now_us)
        return [] if self._term is None else self._term.on_account(message, now_us)

    def _on_beacon(self, beacon: Beacon, now_us: int) -> list[ClusterEffect]:
        role = self._leadership.role
        if self._term is None or not isinstance(role, Leading):
            ack = BeaconAck(beacon.sent_us, 0, is_leader=False, forward=self.forward)
            return [Send(beacon.node, ack)]
        is_welcome = self._term.guardian.on_beacon(beacon, now_us)
        if not is_welcome or not self._leadership.surely_leads(now_us):
            return []
        return [Send(beacon.node, BeaconAck(beacon.sent_us, role.epoch))]

    def _on_store(self, event: StoreInput, now_us: int) -> list[ClusterEffect]:
        match event:
            case StoreLoaded():
                if isinstance(self._leadership.role, Loading):
                    self._leadership.loaded()
                    self._term = Term(event, self._numbers, self._unix_seconds, now_us)
                return []
            case StoreFailed():
                if isinstance(self._leadership.role, Loading):
                    return [Resign(event.reason)]
                return []
            case ConfigPersisted() | PersistUnknown() | ConfigRead():
                return [] if self._term is None else self._term.on_partition(event, now_us)
            case _:
                return [] if self._term is None else self._term.on_catalog(event, now_us)
