"""The state machine of the tables: a standalone node's whole meta, and a part of a cluster's.

Theory of operation. Requests wait in a queue while a save is under way. A request that changes
something leads to SaveState; only when the store confirmed are its consequences spoken: replicas
opened or closed, envs passed on, the client answered ("save, then speak", style 3.1). Making and
recalling a table takes two saves: the first (CREATING, RECALLING) before its replicas are touched,
the second (AVAILABLE) once they serve, so that a crash in between is finished at the next start.
Opening replicas takes its time, in a cluster that of other servers; requests for other tables go
on meanwhile, and a second creation of the table waits for the outcome of the first. Questions are answered from ``state``, which is always what the store holds.
"""

from collections import deque
from collections.abc import Callable, Sequence
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
    SetLevel,
    SetReplicaCount,
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


class Meta:
    """Owns the tables.

    Invariants:
      * ``state`` is what the store holds; nothing that depends on a newer state is ever spoken;
      * at most one save is under way, and one opening of replicas per table;
      * app ids are never reused (ClusterState).

    Args:
        state: what the store holds.
        replica_count: tells how many copies a new table gets that does not say.
    """

    def __init__(self, state: ClusterState, replica_count: Callable[[], int] = lambda: 1) -> None:
        state.check()
        self._replica_count = replica_count
        self.state = state
        self._saving: _Saving | None = None
        self._opening: dict[int, object] = {}
        self._opened: deque[ReplicasOpened | ReplicasFailed] = deque()
        self._waiting: deque[MetaRequest] = deque()
        self._until_opened: list[tuple[int, MetaRequest]] = []

    def step(self, event: MetaInput, now: int) -> list[MetaEffect]:
        """Advance by one input.

        Args:
            event: what happened.
            now: unix seconds.

        Returns:
            Effects in the order to carry them out.
        """
        effects = self._react(event, now)
        while self._saving is None and (self._opened or self._waiting):
            if self._opened:
                effects += self._on_opened(self._opened.popleft())
            else:
                effects += self._on_request(self._waiting.popleft(), now)
        self.state.check()
        return effects

    def abandon(self) -> list[Reply]:
        """Answer everybody who waits, when this machine is about to be thrown away.

        Requests that did not begin can be repeated elsewhere; the outcome of the others is open.
        """
        begun = [] if self._saving is None else [self._saving.token]
        begun += self._opening.values()
        unknown = "another meta server leads now; look whether the change was made"
        return [
            *(
                Reply(token, error_names.TIMEOUT, unknown)
                for token in begun
                if token is not _NO_REQUEST
            ),
            *(
                Reply(each.token, error_names.FORWARD_TO_OTHERS, "another meta server leads now")
                for each in (*self._waiting, *(later for _, later in self._until_opened))
            ),
        ]

    def _react(self, event: MetaInput, now: int) -> list[MetaEffect]:
        match event:
            case StateSaved():
                return self._on_saved()
            case SaveFailed():
                return self._on_save_failed(event)
            case ReplicasOpened() | ReplicasFailed():
                assert event.app_id in self._opening, "replicas were opened that nobody asked for"
                self._opened.append(event)
                return []
            case Tick():
                return self._on_tick(now)
            case _:
                return self._take(event)

    def _take(self, request: MetaRequest) -> list[MetaEffect]:
        if len(self._waiting) + len(self._until_opened) >= REQUESTS_WAITING_MAX:
            return [Reply(request.token, error_names.BUSY, "too many administrative requests")]
        self._waiting.append(request)
        return []

    def _on_request(self, request: MetaRequest, now: int) -> list[MetaEffect]:
        app_id = self._app_id_awaited(request)
        if app_id is not None:
            self._until_opened.append((app_id, request))
            return []
        outcome = evaluate(request, self.state, now, self._replica_count())
        match outcome:
            case Refused():
                return [Reply(request.token, outcome.error, outcome.hint)]
            case Unchanged():
                return [Reply(request.token, error_names.OK, table=outcome.table)]
            case Changed():
                then = _consequences(request, outcome.table)
                return self._save(outcome.state, then, request.token)

    def _app_id_awaited(self, request: MetaRequest) -> int | None:
        """Find the table under way that decides what ``request`` leads to, None if there is none.

        Programs that start together all make their tables "unless they exist"; each is answered
        when the table serves, none is told to try again.
        """
        if not isinstance(request, CreateTable):
            return None
        table = self.state.by_name(request.name)
        return table.app_id if table is not None and table.app_id in self._opening else None

    def _save(
        self, state: ClusterState, then: Sequence[MetaEffect], token: object
    ) -> list[MetaEffect]:
        assert self._saving is None
        state.check()
        self._saving = _Saving(state, tuple(then), token)
        return [SaveState(state)]

    def _on_saved(self) -> list[MetaEffect]:
        saving = self._saving
        assert saving is not None, "the store confirmed a save nobody asked for"
        self.state = saving.state
        self._saving = None
        for effect in saving.then:
            if isinstance(effect, OpenReplicas):
                self._opening[effect.table.app_id] = saving.token
        return list(saving.then)

    def _on_save_failed(self, event: SaveFailed) -> list[MetaEffect]:
        saving = self._saving
        assert saving is not None, "the store refused a save nobody asked for"
        self._saving = None
        if saving.token is _NO_REQUEST:
            return []
        return [Reply(saving.token, error_names.FILE_OPERATION_FAILED, event.reason)]

    def _on_opened(self, event: ReplicasOpened | ReplicasFailed) -> list[MetaEffect]:
        token = self._opening.pop(event.app_id)
        self._waiting += [each for app_id, each in self._until_opened if app_id == event.app_id]
        self._until_opened = [each for each in self._until_opened if each[0] != event.app_id]
        if isinstance(event, ReplicasOpened):
            return self._on_replicas_opened(event, token)
        return self._on_replicas_failed(event, token)

    def _on_replicas_opened(self, event: ReplicasOpened, token: object) -> list[MetaEffect]:
        table = replace(
            self.state.tables[event.app_id],
            status=TableStatus.AVAILABLE,
            drop_second=0,
            expire_second=0,
        )
        then = [Reply(token, error_names.OK, table=table)]
        if token is _NO_REQUEST:
            then = []
        return self._save(self.state.with_table(table), then, token)

    def _on_replicas_failed(self, event: ReplicasFailed, token: object) -> list[MetaEffect]:
        """Take the table back to where it was: gone if it was being made, dropped if recalled."""
        table = self.state.tables[event.app_id]
        then: list[MetaEffect] = []
        if table.status == TableStatus.CREATING:
            state = self.state.without(event.app_id)
            then.append(DeleteReplicas(event.app_id))
        else:
            state = self.state.with_table(replace(table, status=TableStatus.DROPPED))
        if token is not _NO_REQUEST:
            then.append(Reply(token, error_names.FILE_OPERATION_FAILED, event.reason))
        return self._save(state, then, token)

    def _on_tick(self, now: int) -> list[MetaEffect]:
        """Finish what a crash or a failed save left half done, and purge what is held no longer."""
        if self._saving is not None:
            return []
        effects: list[MetaEffect] = []
        for table in self.state.tables.values():
            if table.app_id not in self._opening and table.is_unfinished:
                self._opening[table.app_id] = _NO_REQUEST
                effects.append(OpenReplicas(table, create=table.status == TableStatus.CREATING))
        for table in self.state.tables.values():
            if table.status == TableStatus.DROPPED and table.expire_second <= now:
                state = self.state.without(table.app_id)
                return effects + self._save(state, [DeleteReplicas(table.app_id)], _NO_REQUEST)
        return effects


def _consequences(request: MetaRequest, table: Table | None) -> list[MetaEffect]:
    """List what to do once the change is saved."""
    done = Reply(request.token, error_names.OK, table=table)
    if table is None:
        return [done]
    match request:
        case CreateTable():
            return [OpenReplicas(table, create=True)]
        case RecallTable():
            return [OpenReplicas(table, create=False)]
        case DropTable():
            return [CloseReplicas(table.app_id), done]
        case SetEnvs() | DeleteEnvs() | ClearEnvs():
            return [EnvsChanged(table.app_id, table.envs), done]
        case RenameTable() | SetReplicaCount() | SetLevel():
            return [done]
