"""Meta's half of the failure detector (reliability reference 2.2).

A replica server is alive until ``grace`` after its last beacon was received. By the inequality of
LeaseNumbers it has stopped serving by then, so its partitions may go to others. Two things prove
the same without waiting: a Bye, and a beacon of a later incarnation, since two processes cannot
hold one server's data folder and port.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from pegasus_server.meta.lease_numbers import US_PER_SECOND, LeaseNumbers
from pegasus_server.meta.messages import Bye
from pegasus_tab.base.cluster import Beacon
from pegasus_tab.base.ids import NodeName

NODES_MAX = 1000
"""Replica servers of a cluster; beacons of more are not acknowledged."""
STABLE_RUN_US = 600 * US_PER_SECOND
"""A process that was heard of for so long ran well (the ancestor's stable_rs_min_running)."""
SHORT_RUNS_MAX = 5
"""After so many shorter runs in succession a server is unstable."""


@dataclass(frozen=True, slots=True)
class Node:
    """What meta knows of a replica server.

    Attributes:
        name: its address.
        incarnation: of the process heard last, 0 if none was heard in this leader's time.
        host_label: servers with one label share a machine; its own name until it told.
        is_alive: False once its lease is surely over.
        heard_us: when the last beacon was received, or this meta server began to lead.
        durability: class of its log, "" until it told.
        began_us: when the process heard last was heard first.
        short_runs: how many processes before it ended soon, one after the other.
    """

    name: NodeName
    incarnation: int
    host_label: str
    is_alive: bool
    heard_us: int
    durability: str = ""
    began_us: int = 0
    short_runs: int = 0

    @property
    def is_unstable(self) -> bool:
        """Tell whether it restarts so often that others are the better choice for a replica."""
        return self.short_runs >= SHORT_RUNS_MAX


@dataclass(frozen=True, slots=True)
class NodeAppeared:
    """A server is alive that was unknown or dead before."""

    node: NodeName


@dataclass(frozen=True, slots=True)
class NodeRestarted:
    """A server's process was replaced before its grace was over; the old one serves nothing."""

    node: NodeName


@dataclass(frozen=True, slots=True)
class NodeLost:
    """A server's lease is over."""

    node: NodeName


Liveness: TypeAlias = NodeAppeared | NodeRestarted | NodeLost


class FailureDetector:
    """Tells living replica servers from dead ones.

    Invariants: a node is dead only by a Bye or ``grace_us`` after it was last heard; a node's
    incarnation never falls; nobody is lost before ``grace_us`` after this leader began.

    Args:
        numbers: the cluster's.
        known: servers named in the stored configurations: alive until they miss the grace,
            because the leader before may have extended their leases until just now.
        now_us: CLOCK_BOOTTIME.
    """

    def __init__(self, numbers: LeaseNumbers, known: Iterable[NodeName], now_us: int) -> None:
        self._numbers = numbers
        self._nodes = {name: Node(name, 0, name, True, now_us) for name in sorted(known)}

    @property
    def nodes(self) -> Mapping[NodeName, Node]:
        """Every server this leader knows of."""
        return self._nodes

    def alive(self) -> list[NodeName]:
        """List the living servers, sorted."""
        return sorted(each.name for each in self._nodes.values() if each.is_alive)

    def is_alive(self, name: NodeName) -> bool:
        """Tell whether a server may hold a lease."""
        node = self._nodes.get(name)
        return node is not None and node.is_alive

    def next_deadline(self) -> int | None:
        """Return when the next server is lost unless it is heard, None if there is none."""
        times = [each.heard_us for each in self._nodes.values() if each.is_alive]
        return min(times) + self._numbers.grace_us if times else None

    def on_beacon(self, beacon: Beacon, now_us: int) -> list[Liveness] | None:
        """Take a beacon.

        Returns:
            What it changes; None if it must not be acknowledged: it is of a process that was
            replaced, or there are too many servers.
        """
        known = self._nodes.get(beacon.node)
        if known is None and len(self._nodes) >= NODES_MAX:
            return None
        if known is not None and beacon.incarnation < known.incarnation:
            return None
        began_us, short_runs = _run_of(known, beacon.incarnation, now_us)
        self._nodes[beacon.node] = Node(
            beacon.node,
            beacon.incarnation,
            beacon.host_label,
            True,
            now_us,
            beacon.durability,
            began_us,
            short_runs,
        )
        if known is None or not known.is_alive:
            return [NodeAppeared(beacon.node)]
        # Incarnation 0 is what the leader before knew and did not tell: no proof of a restart.
        if 0 < known.incarnation < beacon.incarnation:
            return [NodeRestarted(beacon.node)]
        return []

    def on_bye(self, bye: Bye) -> list[Liveness]:
        """Take a server's word that it serves nothing any more."""
        node = self._nodes.get(bye.node)
        if node is None or not node.is_alive or bye.incarnation != node.incarnation:
            return []
        return [self._lose(node)]

    def look(self, now_us: int) -> list[Liveness]:
        """Find the servers whose grace is over."""
        return [
            self._lose(node)
            for node in sorted(self._nodes.values(), key=lambda each: each.name)
            if node.is_alive and now_us - node.heard_us >= self._numbers.grace_us
        ]

    def _lose(self, node: Node) -> NodeLost:
        self._nodes[node.name] = replace(node, is_alive=False)
        return NodeLost(node.name)

    def forget(self, name: NodeName) -> None:
        """Stop counting a dead server that holds nothing."""
        node = self._nodes.get(name)
        assert node is not None
        assert not node.is_alive, "a living server cannot be forgotten"
        del self._nodes[name]


def _run_of(known: Node | None, incarnation: int, now_us: int) -> tuple[int, int]:
    """Return since when a process runs, and how many short runs in succession were before it."""
    if known is None or known.incarnation == 0:
        return now_us, 0
    if incarnation == known.incarnation:
        is_stable = now_us - known.began_us >= STABLE_RUN_US
        return known.began_us, 0 if is_stable else known.short_runs
    was_short = known.heard_us - known.began_us < STABLE_RUN_US
    return now_us, known.short_runs + 1 if was_short else 0
