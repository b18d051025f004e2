"""Plans that spread primaries and replicas evenly (pegasus-features.md a5, "load balance").

A plan is a list of moves to read before it is carried out. Primaries come first, because handing
over copies no data: each table's primaries are moved along chains of servers (a primary of A goes
to its secondary on B, one of B to C), so a server without a direct partner gets its share too.
Then replicas are copied from the fullest to the emptiest servers. Every chain or copy lowers the
spread within a table, or keeps that and lowers the spread over all, so planning ends. Copies can open
ways for primaries that were not there before; the next plan finds them.
"""

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum, unique

from pegasus_server.meta.failure_detector import Node
from pegasus_server.meta.placement import Loads
from pegasus_tab.base.cluster import PartitionConfig
from pegasus_tab.base.ids import Gpid, NodeName


@unique
class MoveKind(StrEnum):
    """What a move changes."""

    PRIMARY = "move primary"
    REPLICA = "copy replica"
    REMOVAL = "remove replica"


@dataclass(frozen=True, slots=True)
class Move:
    """One step of a plan: the primary's role, or a secondary's replica, goes to another server.

    A removal, which no plan has and an operator may order, leaves it to the cure who is next; its
    target is the source.
    """

    gpid: Gpid
    kind: MoveKind
    source: NodeName
    target: NodeName

    def __str__(self) -> str:
        where = "" if self.kind is MoveKind.REMOVAL else f" to {self.target}"
        return f"{self.kind} {self.gpid} from {self.source}{where}"


Configs = dict[Gpid, PartitionConfig]


def plan_balance(
    configs: Mapping[Gpid, PartitionConfig],
    nodes: Mapping[NodeName, Node],
    moves_max: int,
    kinds: frozenset[MoveKind] = frozenset(MoveKind),
    resting: Collection[NodeName] = (),
) -> tuple[Move, ...]:
    """Plan moves.

    Args:
        configs: of the partitions that are whole; the others are left alone.
        nodes: replica servers; only living ones take part.
        moves_max: plan at most so many, >= 0.
        kinds: plan moves of these kinds.
        resting: servers that take no part, being slow.

    Returns:
        Moves in the order to carry them out.
    """
    assert moves_max >= 0
    return _Planning(dict(sorted(configs.items())), nodes, moves_max, resting).run(kinds)


class _Planning:
    """A plan in the making: configurations and loads as they will be after its moves."""

    def __init__(
        self,
        configs: Configs,
        nodes: Mapping[NodeName, Node],
        moves_max: int,
        resting: Collection[NodeName],
    ) -> None:
        self._configs = configs
        self._nodes = nodes
        self._alive = sorted(
            each.name for each in nodes.values() if each.is_alive and each.name not in resting
        )
        self._loads = Loads(configs.items())
        self._moves: list[Move] = []
        self._moves_max = moves_max

    def run(self, kinds: frozenset[MoveKind]) -> tuple[Move, ...]:
        tables = sorted({gpid.app_id for gpid in self._configs})
        steps = {MoveKind.PRIMARY: self._move_primary, MoveKind.REPLICA: self._copy_replica}
        for step in [step for kind, step in steps.items() if kind in kinds]:
            # A move for one table can make room for one of another.
            while len(self._moves) < self._moves_max and any(step(each) for each in tables):
                pass
        return tuple(self._moves[: self._moves_max])

    def _move_primary(self, app_id: int) -> bool:
        """Find one chain that evens out a table's primaries; apply it."""
        for source in sorted(self._alive, key=lambda each: self._primary_rank(each, app_id))[::-1]:
            chain = self._chain(source, app_id)
            if chain:
                for move in chain:
                    self._apply_primary(move)
                return True
        return False

    def _primary_rank(self, node: NodeName, app_id: int) -> tuple[int, int, NodeName]:
        return self._loads.primaries(node, app_id), self._loads.primaries(node), node

    def _chain(self, source: NodeName, app_id: int) -> list[Move]:
        """Search breadth first from a full server to one it may relieve itself to."""
        edges = self._edges(app_id)
        came: dict[NodeName, Move] = {}
        queue = deque([source])
        while queue:
            node = queue.popleft()
            if node != source and self._relieves(source, node, app_id):
                return _path(source, node, came)
            for move in edges.get(node, ()):
                if move.target != source and move.target not in came:
                    came[move.target] = move
                    queue.append(move.target)
        return []

    def _edges(self, app_id: int) -> dict[NodeName, list[Move]]:
        edges: dict[NodeName, list[Move]] = {}
        for gpid, config in self._configs.items():
            if gpid.app_id != app_id or config.primary is None:
                continue
            for node in sorted(config.secondaries):
                if node in self._alive:
                    move = Move(gpid, MoveKind.PRIMARY, config.primary, node)
                    edges.setdefault(config.primary, []).append(move)
        return edges

    def _relieves(self, source: NodeName, target: NodeName, app_id: int) -> bool:
        of_table = self._loads.primaries(source, app_id) - self._loads.primaries(target, app_id)
        of_all = self._loads.primaries(source) - self._loads.primaries(target)
        return of_table >= 2 or (of_table == 1 and of_all >= 2)

    def _apply_primary(self, move: Move) -> None:
        config = self._configs[move.gpid]
        assert config.primary == move.source
        others = tuple(each for each in config.secondaries if each != move.target)
        self._configs[move.gpid] = replace(
            config, primary=move.target, secondaries=(*others, move.source)
        )
        self._loads.add_primary(move.source, move.gpid.app_id, -1)
        self._loads.add_primary(move.target, move.gpid.app_id)
        self._moves.append(move)

    def _copy_replica(self, app_id: int) -> bool:
        """Find one replica to copy from the fullest possible to the emptiest server."""
        ranked = sorted(self._alive, key=lambda each: self._replica_rank(each, app_id))
        for source in reversed(ranked):
            for target in ranked:
                move = self._copy(source, target, app_id)
                if move is not None:
                    self._apply_replica(move)
                    return True
        return False

    def _replica_rank(self, node: NodeName, app_id: int) -> tuple[int, int, NodeName]:
        return self._loads.replicas(node, app_id), self._loads.replicas(node), node

    def _copy(self, source: NodeName, target: NodeName, app_id: int) -> Move | None:
        of_table = self._loads.replicas(source, app_id) - self._loads.replicas(target, app_id)
        of_all = self._loads.replicas(source) - self._loads.replicas(target)
        if not (of_table >= 2 or (of_table == 1 and of_all >= 2)):
            return None
        for gpid, config in self._configs.items():
            fits = gpid.app_id == app_id and source in config.secondaries
            if fits and target not in config.members and self._has_room(config, source, target):
                return Move(gpid, MoveKind.REPLICA, source, target)
        return None

    def _has_room(self, config: PartitionConfig, source: NodeName, target: NodeName) -> bool:
        """No copy may bring two replicas of a partition onto one machine."""
        hosts = {
            self._nodes[each].host_label
            for each in config.members
            if each != source and each in self._nodes
        }
        return self._nodes[target].host_label not in hosts

    def _apply_replica(self, move: Move) -> None:
        config = self._configs[move.gpid]
        others = tuple(each for each in config.secondaries if each != move.source)
        self._configs[move.gpid] = replace(config, secondaries=(*others, move.target))
        self._loads.add_replica(move.source, move.gpid.app_id, -1)
        self._loads.add_replica(move.target, move.gpid.app_id)
        self._moves.append(move)


def _path(source: NodeName, target: NodeName, came: Mapping[NodeName, Move]) -> list[Move]:
    moves = []
    node = target
    while node != source:
        moves.append(came[node])
        node = came[node].source
    return moves
