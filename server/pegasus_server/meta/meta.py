"""The meta server's state machine: tables of the cluster, for one node in this version.

Theory of operation. Requests wait in a queue and are worked off one at a time. A request that
changes something leads to SaveState; only when the store confirmed are its consequences spoken:
replicas opened or closed, envs passed on, the client answered ("save, then speak", style 3.1).
Making and recalling a table takes two saves: the first (CREATING, RECALLING) before its replicas
are touched, the second (AVAILABLE) once they serve, so that a crash in between is finished at the
next start. Questions are answered from ``state``, which is always what the store holds.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pegasus_server.meta import error_names
from pegasus_server.meta.change import Changed, Refused, Unchanged, evaluate
from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.effects import (
    CloseReplicas,
    DeleteReplicas,
    EnvsChanged,
    MetaEffect,
    OpenReplicas,
    Reply,
    SaveState,
)
from pegasus_server.meta.inputs import (
    ClearEnvs,
    CreateTable,
    DeleteEnvs,
    DropTable,
    MetaInput,
    MetaRequest,
    RecallTable,
    RenameTable,
    ReplicasFailed,
    ReplicasOpened,
    SaveFailed,
    SetEnvs,
    StateSaved,
    Tick,
)
from pegasus_server.meta.table import Table, TableStatus

REQUESTS_WAITING_MAX = 1000
"""Administrative requests in the queue; more are answered ERR_BUSY."""

_NO_REQUEST = object()


@dataclass(frozen=True, slots=True)
class _Saving:
    """A save on its way: what holds and what may be spoken once it is on disk."""

    state: ClusterState
    then: tuple[MetaEffect, ...]
    token: object


@dataclass(frozen=True, slots=True)
class _Opening:
    """Replicas on their way: of which table, and for which request."""

    app_id: int
    token: object


class Meta:
    """Owns the tables.

    Invariants:
      * ``state`` is what the store holds; nothing that depends on a newer state is ever spoken;
      * at most one save or one opening of replicas is under way;
      * app ids are never reused (ClusterState).

    Args:
        state: what the store holds.
    """

    def __init__(self, state: ClusterState) -> None:
        state.check()
        self.state = state
        self._work: _Saving | _Opening | None = None
        self._waiting: deque[MetaRequest] = deque()

    def step(self, event: MetaInput, now: int) -> list[MetaEffect]:
        """Advance by one input.

        Args:
            event: what happened.
            now: unix seconds.

        Returns:
            Effects in the order to carry them out.
        """
        effects = self._react(event, now)
        while self._work is None and self._waiting:
            effects += self._on_request(self._waiting.popleft(), now)
        self.state.check()
        return effects

    def _react(self, event: MetaInput, now: int) -> list[MetaEffect]:
        match event:
            case StateSaved():
                return self._on_saved()
            case SaveFailed():
                return self._on_save_failed(event)
            case ReplicasOpened():
                return self._on_replicas_opened(event)
            case ReplicasFailed():
                return self._on_replicas_failed(event)
            case Tick():
                return self._on_tick(now)
            case _:
                return self._take(event)

    def _take(self, request: MetaRequest) -> list[MetaEffect]:
        if len(self._waiting) >= REQUESTS_WAITING_MAX:
            return [Reply(request.token, error_names.BUSY, "too many administrative requests")]
        self._waiting.append(request)
        return []

    def _on_request(self, request: MetaRequest, now: int) -> list[MetaEffect]:
        outcome = evaluate(request, self.state, now)
        match outcome:
            case Refused():
                return [Reply(request.token, outcome.error, outcome.hint)]
            case Unchanged():
                return [Reply(request.token, error_names.OK, table=outcome.table)]
            case Changed():
                then = _consequences(request, outcome.table)
                return self._save(outcome.state, then, request.token)

    def _save(
        self, state: ClusterState, then: Sequence[MetaEffect], token: object
    ) -> list[MetaEffect]:
        assert self._work is None
        state.check()
        self._work = _Saving(state, tuple(then), token)
        return [SaveState(state)]

    def _on_saved(self) -> list[MetaEffect]:
        work = self._work
        assert isinstance(work, _Saving), "the store confirmed a save nobody asked for"
        self.state = work.state
        self._work = None
        for effect in work.then:
            if isinstance(effect, OpenReplicas):
                self._work = _Opening(effect.table.app_id, work.token)
        return list(work.then)

    def _on_save_failed(self, event: SaveFailed) -> list[MetaEffect]:
        work = self._work
        assert isinstance(work, _Saving), "the store refused a save nobody asked for"
        self._work = None
        if work.token is _NO_REQUEST:
            return []
        return [Reply(work.token, error_names.FILE_OPERATION_FAILED, event.reason)]

    def _on_replicas_opened(self, event: ReplicasOpened) -> list[MetaEffect]:
        opening = self._opening(event.app_id)
        table = replace(
            self.state.tables[event.app_id],
            status=TableStatus.AVAILABLE,
            drop_second=0,
            expire_second=0,
        )
        then = [Reply(opening.token, error_names.OK, table=table)]
        if opening.token is _NO_REQUEST:
            then = []
        return self._save(self.state.with_table(table), then, opening.token)

    def _on_replicas_failed(self, event: ReplicasFailed) -> list[MetaEffect]:
        """Take the table back to where it was: gone if it was being made, dropped if recalled."""
        opening = self._opening(event.app_id)
        table = self.state.tables[event.app_id]
        then: list[MetaEffect] = []
        if table.status == TableStatus.CREATING:
            state = self.state.without(event.app_id)
            then.append(DeleteReplicas(event.app_id))
        else:
            state = self.state.with_table(replace(table, status=TableStatus.DROPPED))
        if opening.token is not _NO_REQUEST:
            then.append(Reply(opening.token, error_names.FILE_OPERATION_FAILED, event.reason))
        return self._save(state, then, opening.token)

    def _opening(self, app_id: int) -> _Opening:
        work = self._work
        assert isinstance(work, _Opening), "replicas were opened that nobody asked for"
        assert work.app_id == app_id
        self._work = None
        return work

    def _on_tick(self, now: int) -> list[MetaEffect]:
        """Finish what a crash or a failed save left half done, and purge what is held no longer."""
        if self._work is not None:
            return []
        for table in self.state.tables.values():
            if table.status in (TableStatus.CREATING, TableStatus.RECALLING):
                self._work = _Opening(table.app_id, _NO_REQUEST)
                return [OpenReplicas(table, create=table.status == TableStatus.CREATING)]
            if table.status == TableStatus.DROPPED and table.expire_second <= now:
                state = self.state.without(table.app_id)
                return self._save(state, [DeleteReplicas(table.app_id)], _NO_REQUEST)
        return []


def _consequences(request: MetaRequest, table: Table) -> list[MetaEffect]:
    """List what to do once the changed table is saved."""
    done = Reply(request.token, error_names.OK, table=table)
    match request:
        case CreateTable():
            return [OpenReplicas(table, create=True)]
        case RecallTable():
            return [OpenReplicas(table, create=False)]
        case DropTable():
            return [CloseReplicas(table.app_id), done]
        case SetEnvs() | DeleteEnvs() | ClearEnvs():
            return [EnvsChanged(table.app_id, table.envs), done]
        case RenameTable():
            return [done]
