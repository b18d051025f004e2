"""Where the next replica goes: by load, and never twice on one machine if that can be helped.

A server that restarts again and again (``Node.is_unstable``) is chosen only when there is no other:
it would not get as far as to be of use, and take its learning's load along each time.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from pegasus_server.meta.failure_detector import Node
from pegasus_tab.base.cluster import PartitionConfig
from pegasus_tab.base.ids import Gpid, NodeName


class Loads:
    """How many primaries and replicas each server has, in all and by table."""

    def __init__(self, configs: Iterable[tuple[Gpid, PartitionConfig]] = ()) -> None:
        self._primaries: Counter[tuple[int | None, NodeName]] = Counter()
        self._replicas: Counter[tuple[int | None, NodeName]] = Counter()
        for gpid, config in configs:
            if config.primary is not None:
                self.add_primary(config.primary, gpid.app_id)
            for node in config.members:
                self.add_replica(node, gpid.app_id)

    def add_primary(self, node: NodeName, app_id: int, count: int = 1) -> None:
        """Count a primary in (or out, with -1); its replica counts apart."""
        self._primaries[None, node] += count
        self._primaries[app_id, node] += count

    def add_replica(self, node: NodeName, app_id: int, count: int = 1) -> None:
        """Count a replica in (or out, with -1)."""
        self._replicas[None, node] += count
        self._replicas[app_id, node] += count

    def primaries(self, node: NodeName, app_id: int | None = None) -> int:
        """Return a server's primaries of one table, or of all."""
        return self._primaries[app_id, node]

    def replicas(self, node: NodeName, app_id: int | None = None) -> int:
        """Return a server's replicas of one table, or of all."""
        return self._replicas[app_id, node]


def choose_primary(
    app_id: int,
    nodes: Mapping[NodeName, Node],
    loads: Loads,
    excluded: frozenset[NodeName] = frozenset(),
) -> NodeName | None:
    """Choose the server for the first replica of a new partition, None if none is alive."""
    return min(
        (each.name for each in nodes.values() if each.is_alive and each.name not in excluded),
        key=lambda name: (
            nodes[name].is_unstable,
            loads.primaries(name, app_id),
            loads.replicas(name, app_id),
            loads.primaries(name),
            loads.replicas(name),
            name,
        ),
        default=None,
    )


def choose_learner(
    app_id: int,
    members: Iterable[NodeName],
    nodes: Mapping[NodeName, Node],
    loads: Loads,
    excluded: frozenset[NodeName] = frozenset(),
) -> NodeName | None:
    """Choose the server for one more replica, None if no living one is without.

    A machine that has a replica already is the last choice: it fails as a whole.
    """
    taken = frozenset(members)
    hosts = {nodes[name].host_label for name in taken if name in nodes}
    return min(
        (
            each.name
            for each in nodes.values()
            if each.is_alive and each.name not in taken and each.name not in excluded
        ),
        key=lambda name: (
            nodes[name].is_unstable,
            nodes[name].host_label in hosts,
            loads.replicas(name, app_id),
            loads.replicas(name),
            name,
        ),
        default=None,
    )


def choose_surplus(
    app_id: int, config: PartitionConfig, nodes: Mapping[NodeName, Node], loads: Loads
) -> NodeName:
    """Choose the secondary to give up when there is one too many.

    One that shares a machine with another member goes first, then the most loaded server's.
    """
    assert config.secondaries, "a surplus partition has secondaries"

    def sharing(name: NodeName) -> bool:
        host = _host(name, nodes)
        return any(_host(each, nodes) == host for each in config.members if each != name)

    return max(
        config.secondaries,
        key=lambda name: (
            sharing(name),
            loads.replicas(name, app_id),
            loads.replicas(name),
            name,
        ),
    )


def _host(name: NodeName, nodes: Mapping[NodeName, Node]) -> str:
    return nodes[name].host_label if name in nodes else name
