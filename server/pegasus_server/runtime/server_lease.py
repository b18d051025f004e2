"""Drives a replica server's lease: beacons out, acknowledgements in, replicas told of a lapse."""

import logging
from collections.abc import Callable

from pegasus_server.meta.worker_lease import (
    LeaderChanged,
    LeaseEffect,
    LeaseGranted,
    LeaseInput,
    LeaseLapsed,
    LeaseTick,
    SendBeacon,
    SendBye,
    WorkerLease,
)
from pegasus_server.replication.lease import Lease
from pegasus_server.runtime.clock import boottime_us
from pegasus_tab.base.ids import NodeName

logger = logging.getLogger(__name__)


class ServerLease:
    """The lease of one replica server.

    Invariant: ``lease`` ends when the machine says, and begins a new epoch with every grant.

    Args:
        machine: the lease's.
        lease: what the replicas look at.
        send: sends a message to a server.
        on_leader: a meta server leads, or another one does: it wants an account.
        on_lapse: every replica must be told.

    Attributes:
        leader: the meta server that granted the lease last, None before.
    """

    def __init__(
        self,
        machine: WorkerLease,
        lease: Lease,
        send: Callable[[NodeName, object], None],
        on_leader: Callable[[], None],
        on_lapse: Callable[[], None],
    ) -> None:
        self.leader: NodeName | None = None
        self._machine = machine
        self._lease = lease
        self._send = send
        self._on_leader = on_leader
        self._on_lapse = on_lapse

    def tick(self, now_us: int) -> None:
        """Let time pass; call every few milliseconds, from the thread that serves reads."""
        due_us = self._machine.next_deadline()
        if due_us is not None and due_us <= now_us:
            self.step(LeaseTick())

    def step(self, event: LeaseInput) -> None:
        """Feed the machine and carry its effects out."""
        now_us = boottime_us()
        effects = self._machine.step(event, now_us)
        if any(isinstance(effect, LeaseGranted) for effect in effects):
            self._lease.since_us = now_us
        self._lease.until_us = self._machine.lease_until_us
        for effect in effects:
            self._perform(effect)

    def _perform(self, effect: LeaseEffect) -> None:
        match effect:
            case SendBeacon():
                self._send(effect.to, effect.beacon)
            case SendBye():
                self._send(effect.to, effect.bye)
            case LeaseGranted() | LeaderChanged():
                logger.info("meta server %s leads", effect.leader)
                self.leader = effect.leader
                self._on_leader()
            case LeaseLapsed():
                logger.warning("the lease ended: nothing is served until meta confirms it again")
                self._on_lapse()
