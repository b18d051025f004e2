"""Drives the machine of a cluster's meta server: messages and requests in, effects carried out.

The store answers later, so that a slow one does not stop the beacons. Decides nothing.
"""

import logging
from collections.abc import Callable, Sequence

from pegasus_server.meta.cluster_effects import ClusterEffect, Resign, Send
from pegasus_server.meta.cluster_inputs import (
    Administer,
    ClusterCommand,
    ClusterInput,
    ClusterTick,
    Deposed,
    Elected,
    Received,
    StoreAlive,
)
from pegasus_server.meta.cluster_meta import ClusterMeta
from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.effects import Reply
from pegasus_server.meta.failure_detector import Node
from pegasus_server.meta.function_level import FunctionLevel
from pegasus_server.meta.guardian import Guardian
from pegasus_server.meta.inputs import MetaRequest
from pegasus_server.meta.messages import ToMeta
from pegasus_server.meta.store_effects import LoadStore, StoreEffect
from pegasus_server.meta.store_inputs import StoreInput
from pegasus_server.runtime.clock import boottime_us, unix_seconds
from pegasus_server.runtime.machine_loop import MachineLoop
from pegasus_server.runtime.meta_store import MetaStore
from pegasus_tab.base.cluster import PartitionConfig
from pegasus_tab.base.ids import Decree, Gpid, NodeName

logger = logging.getLogger(__name__)


class MetaDriver:
    """The meta machine of a cluster, with its store and the servers it directs.

    Args:
        meta: the machine.
        store: where it keeps its state.
        send: sends a message to a replica server.
        on_resign: the machine leads no more of its own accord; the text says why.
    """

    def __init__(
        self,
        meta: ClusterMeta,
        store: MetaStore,
        send: Callable[[NodeName, object], None],
        on_resign: Callable[[str], None],
    ) -> None:
        self._meta = meta
        self._store = store
        self._send = send
        self._on_resign = on_resign
        self._term = 0
        self._loop: MachineLoop[ClusterInput, ClusterEffect] = MachineLoop(
            lambda event: meta.step(event, boottime_us()), self._perform
        )

    # Questions.

    @property
    def is_leading(self) -> bool:
        """Tell whether questions are answered here."""
        return self._meta.surely_leads(boottime_us())

    @property
    def forward(self) -> NodeName | None:
        """Whom to ask instead, if known."""
        return self._meta.forward

    @property
    def state(self) -> ClusterState:
        """The stored catalog; only while leading."""
        return self._meta.tables

    @property
    def level(self) -> FunctionLevel:
        """The function level; only while leading."""
        return self._meta.guardian.ward.level

    @property
    def guardian(self) -> Guardian:
        """Partitions and servers, to look at; only while leading."""
        return self._meta.guardian

    def partition(self, gpid: Gpid) -> tuple[PartitionConfig, Decree]:
        """Return a partition's configuration, and its last committed decree as far as is known."""
        ward = self._meta.guardian.ward
        config = ward.partitions.record(gpid).config
        report = None if config.primary is None else ward.reports.report(config.primary, gpid)
        return config, Decree(0) if report is None else report.committed

    def nodes(self) -> Sequence[Node]:
        """List the replica servers, by name."""
        nodes = self._meta.guardian.ward.detector.nodes
        return [nodes[name] for name in sorted(nodes)]

    # What happens.

    def take_election(self, event: Elected | Deposed | StoreAlive) -> None:
        """Take what became of an election."""
        if isinstance(event, Elected):
            self._loop.feed(ClusterTick(unix_seconds()))  # it will purge tables by this clock
        self._loop.feed(event)

    def ask(self, request: MetaRequest) -> None:
        """Take an administrative request; its token must be a function that takes the Reply."""
        self._loop.feed(Administer(request, unix_seconds()))

    def command(self, command: ClusterCommand) -> None:
        """Take the operator's order; its token must be a function that takes the Reply."""
        self._loop.feed(command)

    def take(self, message: ToMeta) -> None:
        """Take what a replica server says."""
        self._loop.feed(Received(message))

    def tick(self) -> None:
        """Let time pass; call every few milliseconds."""
        due_us = self._meta.next_deadline()
        if due_us is not None and due_us <= boottime_us():
            self._loop.feed(ClusterTick(unix_seconds()))

    def _perform(self, effect: ClusterEffect) -> None:
        match effect:
            case Send():
                self._send(effect.to, effect.message)
            case Reply():
                assert callable(effect.token)
                effect.token(effect)
            case Resign():
                self._on_resign(effect.reason)
            case _:
                self._store_away(effect)

    def _store_away(self, effect: StoreEffect) -> None:
        """Ask the store; what it answers to an earlier term is of no use in a later one."""
        if isinstance(effect, LoadStore):
            self._term += 1
        term = self._term

        def answer(answered: StoreInput) -> None:
            if term == self._term:
                self._loop.feed(answered)

        self._store.ask(effect, answer)
