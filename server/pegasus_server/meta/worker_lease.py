"""A replica server's half of the failure detector (reliability reference 2.2, A13).

Theory of operation. A beacon leaves every interval. The lease runs from the moment the last
acknowledged beacon was *sent*, on the worker's own clock, so an answer that was long on its way
gives less time, never more. Before anything else each step asks whether the lease ran out since
the step before: a process that slept must notice that it slept, even if the acknowledgement of a
fresh beacon is the first thing it sees. A lapse begins a new lease epoch, and so does the next
grant: what was confirmed in an older one, or in between, must be confirmed again before it is
served.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pegasus_server.meta.lease_numbers import LeaseNumbers
from pegasus_server.meta.messages import Bye
from pegasus_tab.base.cluster import Beacon, BeaconAck
from pegasus_tab.base.ids import NodeName

BEACONS_REMEMBERED = 32
"""Acknowledgements of older beacons are ignored; their lease would be over anyway."""


@dataclass(frozen=True, slots=True)
class LeaseTick:
    """Time passed; due at ``next_deadline``, harmless at any time."""


@dataclass(frozen=True, slots=True)
class BeaconAnswered:
    """A meta server answered a beacon."""

    sender: NodeName
    ack: BeaconAck


@dataclass(frozen=True, slots=True)
class Leave:
    """The server stopped serving and will end: give the lease back."""


LeaseInput: TypeAlias = LeaseTick | BeaconAnswered | Leave


@dataclass(frozen=True, slots=True)
class SendBeacon:
    """Send it, from the thread that serves reads: a stuck server must lose its lease."""

    to: NodeName
    beacon: Beacon


@dataclass(frozen=True, slots=True)
class SendBye:
    """Send it once, best effort: without it meta waits for the grace to pass."""

    to: NodeName
    bye: Bye


@dataclass(frozen=True, slots=True)
class LeaseGranted:
    """The server may serve what ``leader`` confirms from now on: send it a ConfigSync now.

    Every replica must ask for confirmation, also one that took a new role since the lapse.
    """

    lease_epoch: int
    leader: NodeName


@dataclass(frozen=True, slots=True)
class LeaderChanged:
    """Another meta server leads; the lease goes on. Send it a ConfigSync now."""

    leader: NodeName


@dataclass(frozen=True, slots=True)
class LeaseLapsed:
    """Stop serving: every primary and secondary becomes inactive until confirmed again."""

    lease_epoch: int


LeaseEffect: TypeAlias = SendBeacon | SendBye | LeaseGranted | LeaderChanged | LeaseLapsed


class WorkerLease:
    """Holds the lease of one replica server.

    Invariants, asserted at every step:
      * the lease ends ``lease_us`` after some beacon of this process was sent, or earlier;
      * lease epoch and leader epoch never fall; an acknowledgement of a lower leader epoch
        changes nothing;
      * a lease that was left is never taken up again.

    Args:
        node: this server.
        incarnation: rises with every start of this server.
        host_label: servers with one label share a machine.
        metas: all meta servers, >= 1.
        numbers: the cluster's.
        durability: class of this server's log, to tell meta.

    Attributes:
        lease_until_us: end of the lease, 0 before the first; compare it with the clock after a
            read, not before (A13).
        lease_epoch: counts lapses and grants; remember it with what meta confirmed.
        leader_epoch: the highest heard of.
    """

    def __init__(
        self,
        node: NodeName,
        incarnation: int,
        host_label: str,
        metas: Sequence[NodeName],
        numbers: LeaseNumbers,
        durability: str = "",
    ) -> None:
        assert metas, "a replica server needs a meta server"
        self.lease_until_us = 0
        self.lease_epoch = 0
        self.leader_epoch = 0
        self._node = node
        self._incarnation = incarnation
        self._host_label = host_label
        self._durability = durability
        self._metas = tuple(metas)
        self._numbers = numbers
        self._target = self._metas[0]
        self._leader: NodeName | None = None
        self._sent: deque[int] = deque(maxlen=BEACONS_REMEMBERED)
        self._next_beacon_us = 0
        self._give_up_us: int | None = None
        self._may_redirect = True
        self._has_left = False
        self._is_held = False

    def is_held(self, now_us: int) -> bool:
        """Tell whether the lease holds at this moment."""
        return self._is_held and now_us < self.lease_until_us

    def next_deadline(self) -> int | None:
        """Return when the next LeaseTick is due, None after leaving."""
        if self._has_left:
            return None
        times = [self._next_beacon_us]
        if self._give_up_us is not None:
            times.append(self._give_up_us)
        if self._is_held:
            times.append(self.lease_until_us)
        return min(times)

    def step(self, event: LeaseInput, now_us: int) -> list[LeaseEffect]:
        """Advance by one input.

        Args:
            event: what happened.
            now_us: CLOCK_BOOTTIME of this machine, microseconds.

        Returns:
            Effects in the order to carry them out.
        """
        before = (self.lease_epoch, self.leader_epoch)
        effects = self._look_for_lapse(now_us)
        if not self._has_left:
            effects += self._react(event, now_us)
        assert (self.lease_epoch, self.leader_epoch) >= before
        if self._is_held:
            assert self.lease_until_us <= now_us + self._numbers.lease_us
            assert not self._has_left
        return effects

    def _look_for_lapse(self, now_us: int) -> list[LeaseEffect]:
        if not self._is_held or now_us < self.lease_until_us:
            return []
        return self._lapse()

    def _lapse(self) -> list[LeaseEffect]:
        self._is_held = False
        self.lease_epoch += 1
        return [LeaseLapsed(self.lease_epoch)]

    def _react(self, event: LeaseInput, now_us: int) -> list[LeaseEffect]:
        match event:
            case LeaseTick():
                return self._on_tick(now_us)
            case BeaconAnswered():
                return self._on_answer(event, now_us)
            case Leave():
                return self._on_leave()

    def _on_tick(self, now_us: int) -> list[LeaseEffect]:
        if self._give_up_us is not None and now_us >= self._give_up_us:
            self._give_up_us = None
            self._target = self._meta_after(self._target)
        if now_us < self._next_beacon_us:
            return []
        self._may_redirect = True
        return self._send_beacon(now_us)

    def _send_beacon(self, now_us: int) -> list[LeaseEffect]:
        self._sent.append(now_us)
        self._next_beacon_us = now_us + self._numbers.beacon_interval_us
        self._give_up_us = now_us + self._numbers.beacon_timeout_us
        beacon = Beacon(self._node, self._incarnation, now_us, self._host_label, self._durability)
        return [SendBeacon(self._target, beacon)]

    def _meta_after(self, meta: NodeName) -> NodeName:
        position = self._metas.index(meta) + 1 if meta in self._metas else 0
        return self._metas[position % len(self._metas)]

    def _on_answer(self, event: BeaconAnswered, now_us: int) -> list[LeaseEffect]:
        # The time comes from outside: one that this process never sent would forge a lease.
        if event.ack.sent_us not in self._sent:
            return []
        if not event.ack.is_leader:
            return self._on_redirect(event, now_us)
        if event.ack.epoch < self.leader_epoch:
            return []
        return self._on_leader(event) + self._extend(event, now_us)

    def _on_redirect(self, event: BeaconAnswered, now_us: int) -> list[LeaseEffect]:
        if event.sender != self._target:
            return []
        self._give_up_us = None
        forward = event.ack.forward
        # Followers may point at each other, or at themselves, while the leader changes: one
        # redirect a beacon is followed at once, then the next meta server has its turn.
        is_useful = forward in self._metas and forward != event.sender and self._may_redirect
        if forward is None or not is_useful:
            self._target = self._meta_after(self._target)
            return []
        self._target = forward
        self._may_redirect = False
        return self._send_beacon(now_us)

    def _on_leader(self, event: BeaconAnswered) -> list[LeaseEffect]:
        is_new = event.ack.epoch > self.leader_epoch
        self.leader_epoch = event.ack.epoch
        self._leader = self._target = event.sender
        if event.ack.sent_us == self._sent[-1]:
            self._give_up_us = None
        return [LeaderChanged(event.sender)] if is_new and self._is_held else []

    def _extend(self, event: BeaconAnswered, now_us: int) -> list[LeaseEffect]:
        until_us = event.ack.sent_us + self._numbers.lease_us
        if until_us <= now_us:
            return []
        self.lease_until_us = max(self.lease_until_us, until_us)
        if self._is_held:
            return []
        self._is_held = True
        self.lease_epoch += 1
        return [LeaseGranted(self.lease_epoch, event.sender)]

    def _on_leave(self) -> list[LeaseEffect]:
        effects = self._lapse() if self._is_held else []
        self._has_left = True
        self.lease_until_us = 0
        bye = Bye(self._node, self._incarnation)
        return [*effects, SendBye(self._leader or self._target, bye)]
