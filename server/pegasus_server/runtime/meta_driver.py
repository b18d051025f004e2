"""Drives the machine of a cluster's meta server: messages and requests in, effects carried out.

The store is written in the background, one effect after another, so that a slow disk does not stop
the beacons. Decides nothing.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from pegasus_server.meta.cluster_effects import ClusterEffect, Resign, Send
from pegasus_server.meta.cluster_inputs import (
    Administer,
    ClusterCommand,
    ClusterInput,
    ClusterTick,
    Elected,
    Received,
)
from pegasus_server.meta.cluster_meta import ClusterMeta
from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.effects import Reply
from pegasus_server.meta.failure_detector import Node
from pegasus_server.meta.function_level import FunctionLevel
from pegasus_server.meta.guardian import Guardian
from pegasus_server.meta.inputs import MetaRequest
from pegasus_server.meta.messages import ToMeta
from pegasus_server.meta.store_effects import StoreEffect
from pegasus_server.runtime.background import RunInBackground
from pegasus_server.runtime.clock import boottime_us, unix_seconds
from pegasus_server.runtime.meta_store_folder import MetaStoreFolder
from pegasus_tab.base.cluster import PartitionConfig
from pegasus_tab.base.ids import Decree, Gpid, NodeName

logger = logging.getLogger(__name__)


class MetaDriver:
    """The meta machine of a cluster, with its store and the servers it directs.

    Args:
        meta: the machine.
        store: where it keeps its state.
        run_in_background: for the store; runs in order.
        send: sends a message to a replica server.
        on_fatal: the store cannot be used, or was changed by somebody else; the text says why.
    """

    def __init__(
        self,
        meta: ClusterMeta,
        store: MetaStoreFolder,
        run_in_background: RunInBackground,
        send: Callable[[NodeName, object], None],
        on_fatal: Callable[[str], None],
    ) -> None:
        self._meta = meta
        self._store = store
        self._run_in_background = run_in_background
        self._send = send
        self._on_fatal = on_fatal
        self._inputs: deque[ClusterInput] = deque()
        self._is_driving = False

    # Questions.

    @property
    def is_leading(self) -> bool:
        """Tell whether questions are answered here."""
        return self._meta.is_leading

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

    def lead(self, epoch: int) -> None:
        """Begin to lead: a meta server with a store of its own is the only one."""
        self._drive(ClusterTick(unix_seconds()))
        self._drive(Elected(epoch, None, boottime_us()))

    def ask(self, request: MetaRequest) -> None:
        """Take an administrative request; its token must be a function that takes the Reply."""
        self._drive(Administer(request, unix_seconds()))

    def command(self, command: ClusterCommand) -> None:
        """Take the operator's order; its token must be a function that takes the Reply."""
        self._drive(command)

    def take(self, message: ToMeta) -> None:
        """Take what a replica server says."""
        self._drive(Received(message))

    def tick(self) -> None:
        """Let time pass; call every few milliseconds."""
        due_us = self._meta.next_deadline()
        if due_us is not None and due_us <= boottime_us():
            self._drive(ClusterTick(unix_seconds()))

    def _drive(self, event: ClusterInput) -> None:
        """Feed the machine; inputs that come up while effects run wait for their turn."""
        self._inputs.append(event)
        if self._is_driving:
            return
        self._is_driving = True
        try:
            while self._inputs:
                for effect in self._meta.step(self._inputs.popleft(), boottime_us()):
                    self._perform(effect)
        finally:
            self._is_driving = False

    def _perform(self, effect: ClusterEffect) -> None:
        match effect:
            case Send():
                self._send(effect.to, effect.message)
            case Reply():
                assert callable(effect.token)
                effect.token(effect)
            case Resign():
                self._on_fatal(effect.reason)
            case _:
                self._store_away(effect)

    def _store_away(self, effect: StoreEffect) -> None:
        self._run_in_background(
            partial(self._store.perform, effect),
            self._drive,
            lambda error: self._on_fatal(f"the store failed: {error}"),
        )
