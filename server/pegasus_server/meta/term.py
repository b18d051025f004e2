"""A leader at work: everything a meta server knows and does from one election to its end."""

from pegasus_server.meta import error_names
from pegasus_server.meta.balance import plan_balance
from pegasus_server.meta.catalog import Catalog
from pegasus_server.meta.cluster_effects import ClusterEffect
from pegasus_server.meta.cluster_inputs import Administer, Recover
from pegasus_server.meta.cluster_numbers import ClusterNumbers
from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.effects import Reply
from pegasus_server.meta.function_level import FunctionLevel
from pegasus_server.meta.guardian import Guardian
from pegasus_server.meta.inputs import CreateTable, RecallTable, SetReplicaCount
from pegasus_server.meta.lease_numbers import US_PER_SECOND
from pegasus_server.meta.messages import Bye, Stored
from pegasus_server.meta.orders import Order, obey
from pegasus_server.meta.partition_configurations import StoreAnswer, Versioned
from pegasus_server.meta.recovery import Recovery, may_recover
from pegasus_server.meta.store_inputs import (
    StoreLoaded,
    TablesPersisted,
    TablesRead,
    TablesUnknown,
)
from pegasus_server.meta.ward import Ward
from pegasus_tab.base.cluster import ConfigQuery, ConfigSync, ConfigUpdate, ReplicaReport
from pegasus_tab.base.ids import Gpid

TICK_US = US_PER_SECOND
"""How often a leader looks around when everything is whole."""

CatalogAnswer = TablesPersisted | TablesUnknown | TablesRead
Account = Bye | ConfigUpdate | ConfigQuery | ConfigSync | ReplicaReport | Stored


class Term:
    """One term of a leader.

    Invariant: while a lost store is rebuilt, nothing else is decided.

    Args:
        loaded: what the store holds.
        numbers: the cluster's.
        unix_seconds: wall clock.
        now_us: CLOCK_BOOTTIME.

    Attributes:
        guardian: partitions, servers, level and moves.
        catalog: the tables.
    """

    def __init__(
        self, loaded: StoreLoaded, numbers: ClusterNumbers, unix_seconds: int, now_us: int
    ) -> None:
        self._numbers = numbers
        self._unix_seconds = unix_seconds
        self._recovery: Recovery | None = None
        stored = {gpid: Versioned(*each) for gpid, each in loaded.partitions.items()}
        self._begin(loaded.tables, loaded.tables_version, stored, now_us)

    def _begin(
        self, tables: ClusterState, version: int, stored: dict[Gpid, Versioned], now_us: int
    ) -> None:
        self._version = version
        # A recovery or a purge that broke off leaves records of tables that are not there.
        known = {gpid: each for gpid, each in stored.items() if gpid.app_id in tables.tables}
        self._orphans = {gpid: each for gpid, each in stored.items() if gpid not in known}
        self.guardian = Guardian(Ward(tables, known, self._numbers, now_us))
        self.catalog = Catalog(
            tables, version, self.guardian, self._numbers.opening_us, self._unix_seconds
        )
        self._look_us = now_us
        self._balanced_us = now_us

    def next_deadline(self) -> int:
        """Return when ``tick`` is due."""
        lost_us = self.guardian.ward.detector.next_deadline()
        return self._look_us if lost_us is None else min(self._look_us, lost_us)

    def settle(self, now_us: int) -> list[ClusterEffect]:
        """End a step: decide what the events before called for."""
        if self._recovery is not None:
            return []
        return self.guardian.settle(now_us) + self.catalog.look_at_openings(now_us)

    def tick(self, unix_seconds: int, now_us: int) -> list[ClusterEffect]:
        """Let time pass."""
        self._unix_seconds = unix_seconds
        if self._recovery is not None:
            effects = self._recovery.look(unix_seconds, now_us)
            self._look_us = now_us + self._numbers.look_us
            return effects + self._after_recovery(now_us)
        self.guardian.look(now_us)
        self._balance_now_and_then(now_us)
        effects = self.catalog.look(unix_seconds, now_us)
        is_busy = self.catalog.is_opening or not self.guardian.is_settled
        self._look_us = now_us + (self._numbers.look_us if is_busy else TICK_US)
        return effects

    def _balance_now_and_then(self, now_us: int) -> None:
        ward = self.guardian.ward
        is_due = now_us - self._balanced_us >= self._numbers.balance_us
        if not is_due or ward.effective_level < FunctionLevel.LIVELY:
            return
        if self.guardian.is_settled:
            self._balanced_us = now_us
            configs = ward.whole_configs()
            nodes, moves_max = ward.detector.nodes, self._numbers.balance_moves
            plan = plan_balance(configs, nodes, moves_max, resting=ward.resting(now_us))
            self.guardian.moves.add(plan)

    def on_account(self, message: Account, now_us: int) -> list[ClusterEffect]:
        """Take what a replica server says, beacons apart."""
        match message:
            case Bye():
                self.guardian.on_bye(message, now_us)
                return []
            case ConfigUpdate():
                return self.guardian.on_update(message)
            case ConfigQuery():
                return self.guardian.on_query(message)
            case ConfigSync():
                return self.guardian.on_sync(message, now_us)
            case ReplicaReport():
                self.guardian.on_report(message, now_us)
                return []
            case Stored():
                return self._on_stored(message, now_us)

    def on_partition(self, answer: StoreAnswer, now_us: int) -> list[ClusterEffect]:
        """Take the store's answer about a partition."""
        if self._recovery is not None:
            return self._recovery.on_partition(answer)
        return self.guardian.on_store_answer(answer, now_us)

    def on_catalog(self, answer: CatalogAnswer, now_us: int) -> list[ClusterEffect]:
        """Take the store's answer about the catalog."""
        if self._recovery is not None:
            return self._recovery.on_catalog(answer) + self._after_recovery(now_us)
        return self.catalog.on_store_answer(answer, now_us)

    def administer(self, event: Administer, now_us: int) -> list[ClusterEffect]:
        """Take a request about tables."""
        self._unix_seconds = event.unix_seconds
        refusal = self._refusal(event)
        if refusal is not None:
            return [refusal]
        return self.catalog.administer(event.request, event.unix_seconds, now_us)

    def _refusal(self, event: Administer) -> Reply | None:
        """Refuse what the servers that are alive could not carry out."""
        request, ward = event.request, self.guardian.ward
        if self._recovery is not None:
            return Reply(request.token, error_names.BUSY, "the store is being recovered")
        if isinstance(request, CreateTable | RecallTable) and ward.is_frozen:
            return Reply(request.token, error_names.STATE_FREEZED, ward.why_frozen)
        if isinstance(request, CreateTable):
            wanted = request.replica_count or ward.replica_count_default()
            return self._lack_of_servers(wanted, request.token) or self._lost_store(request.token)
        if isinstance(request, SetReplicaCount):
            return self._lack_of_servers(request.replica_count, request.token)
        return None

    def _lack_of_servers(self, wanted: int, token: object) -> Reply | None:
        alive = len(self.guardian.ward.detector.alive())
        if wanted <= alive:
            return None
        hint = f"{wanted} replicas need as many servers; {alive} are alive"
        return Reply(token, error_names.INVALID_PARAMETERS, hint)

    def _lost_store(self, token: object) -> Reply | None:
        """Refuse a new table that might get the id of one whose metadata is lost."""
        unknown = self.guardian.ward.unknown_app_id()
        if unknown is not None:
            hint = (
                f"replica servers hold table {unknown}, which the store never heard of: it was "
                "lost or is another cluster's; recover it before making tables"
            )
            return Reply(token, error_names.INVALID_STATE, hint)
        return None

    def on_order(self, order: Order, now_us: int) -> list[ClusterEffect]:
        """Take the operator's order."""
        if self._recovery is not None:
            return [Reply(order.token, error_names.BUSY, "the store is being recovered")]
        self._look_us = now_us
        return [obey(order, self.guardian, now_us)]

    def on_recover(self, command: Recover, now_us: int) -> list[ClusterEffect]:
        """Begin to rebuild an empty store."""
        if self._recovery is not None:
            return [Reply(command.token, error_names.BUSY, "a recovery is under way")]
        if not command.nodes:
            hint = "no replica server is known here; name those of the cluster"
            return [Reply(command.token, error_names.INVALID_PARAMETERS, hint)]
        if not may_recover(self.catalog.state):
            hint = "the store has tables, so it is not lost; recovery would overwrite them"
            return [Reply(command.token, error_names.INVALID_STATE, hint)]
        self._recovery = Recovery(
            command, self._orphans, self._version, self._numbers.recovery_us, now_us
        )
        self._look_us = now_us
        return []

    def _on_stored(self, stored: Stored, now_us: int) -> list[ClusterEffect]:
        if self._recovery is None:
            return []
        self._recovery.on_stored(stored)
        self._look_us = now_us
        return []

    def _after_recovery(self, now_us: int) -> list[ClusterEffect]:
        """Lead on with what was rebuilt; the beacons since then are heard again soon."""
        recovery = self._recovery
        if recovery is None or not recovery.is_over:
            return []
        self._recovery = None
        if recovery.rebuilt is not None:
            version = recovery.tables_version
            self._begin(recovery.rebuilt.tables, version, recovery.partitions, now_us)
        return []

    def abandon(self) -> list[ClusterEffect]:
        """Answer everybody who waits: the term is over."""
        recovery = [] if self._recovery is None else self._recovery.abandon()
        return [*self.catalog.abandon(), *recovery]
