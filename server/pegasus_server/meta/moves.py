"""The moves of a plan under way: a few at a time, each given up when it makes no sense any more."""

from collections import deque
from collections.abc import Callable, Iterable

from pegasus_server.meta.balance import Move, MoveKind
from pegasus_server.meta.lease_numbers import US_PER_SECOND
from pegasus_server.meta.partition_watch import PartitionWatch
from pegasus_tab.base.cluster import PartitionConfig
from pegasus_tab.base.ids import Gpid, NodeName

MOVES_MAX = 1024
"""Moves in a plan; the next plan has the rest."""
MOVES_RUNNING_MAX = 8
"""Moves at a time: handing over interrupts a partition shortly, copying loads the disks."""
MOVE_US_MAX = 3600 * US_PER_SECOND
"""A move that takes longer is given up."""


class Moves:
    """Carries out moves by writing wishes into the watches; the cure fulfils them.

    Invariants: at most MOVES_RUNNING_MAX run; a partition has one running move at most.
    """

    def __init__(self) -> None:
        self._waiting: deque[Move] = deque()
        self._running: dict[Gpid, tuple[Move, int]] = {}

    def __len__(self) -> int:
        return len(self._waiting) + len(self._running)

    def add(self, moves: Iterable[Move]) -> None:
        """Queue moves; those beyond MOVES_MAX are left out."""
        for move in moves:
            if len(self._waiting) < MOVES_MAX:
                self._waiting.append(move)

    def look(
        self,
        config: Callable[[Gpid], PartitionConfig | None],
        watch: Callable[[Gpid], PartitionWatch],
        is_alive: Callable[[NodeName], bool],
        now_us: int,
    ) -> list[Gpid]:
        """Finish what is done or senseless, begin what there is room for.

        Returns:
            The partitions whose wishes changed.
        """
        changed = []
        for gpid, (move, since_us) in list(self._running.items()):
            current = config(gpid)
            is_late = now_us - since_us >= MOVE_US_MAX
            if is_late or not _goes_on(move, current) or not is_alive(move.target):
                del self._running[gpid]
                if current is not None:
                    _wish(watch(gpid), None)
                    changed.append(gpid)
        return changed + self._begin(config, watch, now_us)

    def _begin(
        self,
        config: Callable[[Gpid], PartitionConfig | None],
        watch: Callable[[Gpid], PartitionWatch],
        now_us: int,
    ) -> list[Gpid]:
        begun = []
        later: deque[Move] = deque()
        held: set[Gpid] = set()
        while self._waiting and len(self._running) < MOVES_RUNNING_MAX:
            move = self._waiting.popleft()
            if move.gpid in self._running or move.gpid in held:
                later.append(move)
                held.add(move.gpid)
            elif _may_begin(move, config(move.gpid)):
                self._running[move.gpid] = (move, now_us)
                _wish(watch(move.gpid), move)
                begun.append(move.gpid)
        later.extend(self._waiting)
        self._waiting = later
        return begun


def _may_begin(move: Move, config: PartitionConfig | None) -> bool:
    if config is None:
        return False
    if move.kind is MoveKind.PRIMARY:
        return config.primary == move.source and move.target in config.secondaries
    if move.kind is MoveKind.REMOVAL:
        return move.source in config.secondaries
    return move.source in config.secondaries and move.target not in config.members


def _goes_on(move: Move, config: PartitionConfig | None) -> bool:
    """Tell whether a running move is neither done nor overtaken by events."""
    if config is None:
        return False
    if move.kind is MoveKind.PRIMARY:
        return config.primary in (None, move.source) and move.target in config.members
    if move.kind is MoveKind.REMOVAL and len(config.members) < config.max_replica_count:
        return True  # until another server took its place
    return move.source in config.secondaries


def _wish(watch: PartitionWatch, move: Move | None) -> None:
    watch.wanted_primary = watch.wanted_learner = watch.wanted_away = None
    if move is None:
        return
    if move.kind is MoveKind.PRIMARY:
        watch.wanted_primary = move.target
        return
    watch.wanted_away = move.source
    if move.kind is MoveKind.REPLICA:
        watch.wanted_learner = move.target
