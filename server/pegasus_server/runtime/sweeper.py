"""Removes expired rows physically, a bounded slice at a time, over all replicas in turn."""

import logging
from collections.abc import Mapping

from pegasus_server.data.ttl import sweep
from pegasus_server.runtime.replica import Replica
from pegasus_server.runtime.turn import Turn
from pegasus_server.storage.engine import EngineDamaged

logger = logging.getLogger(__name__)

SLICE_SECONDS = 0.1
"""Time between two slices."""
SLICE_ROWS_MAX = 512
"""Rows looked at in one slice: under a millisecond of the reactor's time."""
REST_SLICES = 6000
"""Slices skipped between two passes over the node, ten minutes."""


class ExpirySweeper:
    """Visits every replica from its first row to its last, then rests until the next pass.

    Expired rows are invisible to reads at once; this only gives their space back, so being late
    or dropped by a restart does no harm.

    Args:
        replicas: the replicas that serve, by gpid; changed from outside.
        turn: the node's turn, for the time.
    """

    def __init__(self, replicas: Mapping[tuple[int, int], Replica], turn: Turn) -> None:
        self._replicas = replicas
        self._turn = turn
        self._due: list[tuple[int, int]] = []
        self._resume_key: bytes | None = None
        self._rest = REST_SLICES

    def slice(self) -> None:
        """Do one slice of work; call every SLICE_SECONDS."""
        if not self._due:
            self._rest -= 1
            if self._rest < 0:
                self._due = sorted(self._replicas)
                self._rest = REST_SLICES
            return
        replica = self._replicas.get(self._due[-1])
        if replica is None or not replica.may_sweep:
            self._next_replica()
            return
        try:
            expired, resume_key = sweep(
                replica.engine, self._resume_key, SLICE_ROWS_MAX, self._turn.now
            )
            if expired:
                replica.engine.discard(expired)
        except EngineDamaged as error:
            replica.fail(str(error))
            self._next_replica()
            return
        self._resume_key = resume_key
        if resume_key is None:
            self._next_replica()

    def _next_replica(self) -> None:
        self._due.pop()
        self._resume_key = None
