"""The tables of a cluster: the standalone node's machine, with a store of compare-and-set.

``Meta`` decides what changes and when; here its saves become conditional writes of what differs,
and its openings become a look at whether the partitions take writes.
"""

from pegasus_server.meta.cluster_effects import ClusterEffect, Resign
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
from pegasus_server.meta.guardian import Guardian
from pegasus_server.meta.inputs import (
    MetaInput,
    MetaRequest,
    ReplicasFailed,
    ReplicasOpened,
    StateSaved,
    Tick,
)
from pegasus_server.meta.meta import Meta
from pegasus_server.meta.store_effects import PersistTables, ReadTables
from pegasus_server.meta.store_inputs import TablesPersisted, TablesRead, TablesUnknown


class Catalog:
    """The tables in the time of one leader.

    Invariants: the guardian knows exactly the tables the store holds; one write of the catalog is
    under way at most.

    Args:
        state: what the store holds.
        version: the store's version of it.
        guardian: of the tables' partitions.
        opening_us: how long a table may take until its partitions serve.
        unix_seconds: wall clock.
    """

    def __init__(
        self,
        state: ClusterState,
        version: int,
        guardian: Guardian,
        opening_us: int,
        unix_seconds: int,
    ) -> None:
        self._meta = Meta(state, guardian.ward.replica_count_default)
        self._version = version
        self._guardian = guardian
        self._opening_us = opening_us
        self._unix_seconds = unix_seconds
        self._opening: dict[int, int] = {}
        self._saving: ClusterState | None = None
        self._is_reading = False

    @property
    def state(self) -> ClusterState:
        """What the store holds."""
        return self._meta.state

    @property
    def is_opening(self) -> bool:
        """Tell whether a table waits for its partitions."""
        return bool(self._opening)

    def administer(
        self, request: MetaRequest, unix_seconds: int, now_us: int
    ) -> list[ClusterEffect]:
        """Take a request."""
        self._unix_seconds = unix_seconds
        return self._feed(request, now_us)

    def look(self, unix_seconds: int, now_us: int) -> list[ClusterEffect]:
        """Let time pass."""
        self._unix_seconds = unix_seconds
        return self._feed(Tick(), now_us) + self.look_at_openings(now_us)

    def look_at_openings(self, now_us: int) -> list[ClusterEffect]:
        """Find the tables that take writes now, and those that take too long."""
        effects: list[ClusterEffect] = []
        for app_id, since_us in list(self._opening.items()):
            table = self._meta.state.tables[app_id]
            if self._guardian.ward.is_open(table):
                del self._opening[app_id]
                effects += self._feed(ReplicasOpened(app_id), now_us)
            elif now_us - since_us >= self._opening_us:
                del self._opening[app_id]
                reason = (
                    f"the partitions of table {table.name} did not come to serve within "
                    f"{self._opening_us // 1_000_000} s; look at the nodes and try again"
                )
                effects += self._feed(ReplicasFailed(app_id, reason), now_us)
        return effects

    def abandon(self) -> list[Reply]:
        """Answer everybody who waits: this meta server stops leading."""
        return self._meta.abandon()

    def _feed(self, event: MetaInput, now_us: int) -> list[ClusterEffect]:
        effects = self._meta.step(event, self._unix_seconds)
        return [each for effect in effects for each in self._translate(effect, now_us)]

    def _translate(self, effect: MetaEffect, now_us: int) -> list[ClusterEffect]:
        match effect:
            case SaveState():
                self._saving = effect.state
                return [self._persist(effect.state)]
            case OpenReplicas():
                self._opening[effect.table.app_id] = now_us
                return []
            case Reply():
                return [effect]
            case CloseReplicas() | DeleteReplicas() | EnvsChanged():
                # The guardian saw it in the stored catalog (on_tables) and told the servers.
                return []

    def _persist(self, state: ClusterState) -> PersistTables:
        before = self._meta.state.tables
        written = {
            app_id: table for app_id, table in state.tables.items() if before.get(app_id) != table
        }
        removed = tuple(sorted(set(before) - set(state.tables)))
        return PersistTables(
            state.next_app_id, written, removed, self._version, state.level, state.lost_ids
        )

    def on_store_answer(
        self, answer: TablesPersisted | TablesUnknown | TablesRead, now_us: int
    ) -> list[ClusterEffect]:
        """Take the store's answer about the catalog (A8)."""
        if self._saving is None:
            return []
        match answer:
            case TablesPersisted():
                return self._confirm(answer.version, now_us)
            case TablesUnknown():
                self._is_reading = True
                return [ReadTables()]
            case TablesRead():
                return self._on_read(answer, self._saving, now_us)

    def _confirm(self, version: int, now_us: int) -> list[ClusterEffect]:
        state, self._saving = self._saving, None
        assert state is not None
        self._version = version
        effects = self._guardian.on_tables(state, now_us)
        return effects + self._feed(StateSaved(), now_us)

    def _on_read(
        self, answer: TablesRead, wanted: ClusterState, now_us: int
    ) -> list[ClusterEffect]:
        if not self._is_reading:
            return []
        self._is_reading = False
        if answer.version == self._version:
            return [self._persist(wanted)]
        if answer.tables == wanted:
            return self._confirm(answer.version, now_us)
        return [Resign("the catalog of tables was changed by another leader")]
