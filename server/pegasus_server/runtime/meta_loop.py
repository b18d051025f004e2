"""Drives the meta machine: requests in, effects carried out, answers back.

The state file is written, and replicas are opened and deleted, in the background, so that a slow
disk does not stop the data path. Decides nothing.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Protocol

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
    MetaInput,
    MetaRequest,
    ReplicasFailed,
    ReplicasOpened,
    SaveFailed,
    StateSaved,
    Tick,
)
from pegasus_server.meta.meta import Meta
from pegasus_server.meta.table import Table
from pegasus_server.runtime.background import RunInBackground
from pegasus_server.runtime.machine_loop import MachineLoop
from pegasus_server.runtime.meta_store_file import MetaStoreFile

logger = logging.getLogger(__name__)

TICK_SECONDS = 5.0


class Replicas(Protocol):
    """The node's replicas, as meta directs them."""

    def open_table(self, table: Table, *, create: bool, done: Callable[[str | None], None]) -> None:
        """Open every partition of a table; ``done`` gets None, or why it failed."""

    def close_table(self, app_id: int) -> None:
        """Stop serving a table; its data stays."""

    def delete_table(self, app_id: int) -> None:
        """Delete the data of a table, after closing it."""

    def set_envs(self, app_id: int, envs: Mapping[str, str]) -> None:
        """Pass new settings on."""


class MetaLoop:
    """The meta machine of a node, with its store and its replicas.

    Args:
        meta: the machine.
        store: where it keeps its state.
        replicas: what it directs.
        run_in_background: for writing the state file.
        unix_seconds: reads the wall clock.
    """

    def __init__(
        self,
        meta: Meta,
        store: MetaStoreFile,
        replicas: Replicas,
        run_in_background: RunInBackground,
        unix_seconds: Callable[[], int],
    ) -> None:
        self._meta = meta
        self._store = store
        self._replicas = replicas
        self._run_in_background = run_in_background
        self._loop: MachineLoop[MetaInput, MetaEffect] = MachineLoop(
            lambda event: meta.step(event, unix_seconds()), self._perform
        )

    @property
    def state(self) -> ClusterState:
        """The saved state, for questions."""
        return self._meta.state

    def ask(self, request: MetaRequest) -> None:
        """Take an administrative request; its token must be a function that takes the Reply."""
        self._loop.feed(request)

    def tick(self) -> None:
        """Let time pass; call every TICK_SECONDS."""
        self._loop.feed(Tick())

    def _perform(self, effect: MetaEffect) -> None:
        match effect:
            case SaveState():
                state = effect.state
                self._run_in_background(
                    lambda: self._store.save(state),
                    lambda _: self._loop.feed(StateSaved()),
                    self._on_save_failed,
                )
            case OpenReplicas():
                self._open(effect)
            case CloseReplicas():
                self._replicas.close_table(effect.app_id)
            case DeleteReplicas():
                self._replicas.delete_table(effect.app_id)
            case EnvsChanged():
                self._replicas.set_envs(effect.app_id, effect.envs)
            case Reply():
                assert callable(effect.token)
                effect.token(effect)

    def _open(self, effect: OpenReplicas) -> None:
        app_id = effect.table.app_id

        def done(fault: str | None) -> None:
            if fault is not None:
                logger.error("table %s could not be opened: %s", effect.table.name, fault)
            self._loop.feed(
                ReplicasOpened(app_id) if fault is None else ReplicasFailed(app_id, fault)
            )

        self._replicas.open_table(effect.table, create=effect.create, done=done)

    def _on_save_failed(self, error: Exception) -> None:
        logger.error("the table state could not be saved: %s", error)
        self._loop.feed(SaveFailed(f"the state file could not be written: {error}"))
