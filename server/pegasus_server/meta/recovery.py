"""Rebuilding a lost store, step by step: ask every server, rebuild, write, and only then lead.

The catalog is written last: a recovery that breaks off before leaves a store without tables, which
can be recovered again.
"""

from collections.abc import Mapping

from pegasus_server.meta import error_names
from pegasus_server.meta.cluster_effects import ClusterEffect, Resign, Send
from pegasus_server.meta.cluster_inputs import Recover
from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.effects import Reply
from pegasus_server.meta.lease_numbers import US_PER_SECOND
from pegasus_server.meta.messages import Stored, StoredRequest
from pegasus_server.meta.partition_configurations import (
    PartitionConfigurations,
    StoreAnswer,
    Superseded,
    Versioned,
)
from pegasus_server.meta.rebuild import RebuildError, Rebuilt, rebuild
from pegasus_server.meta.store_effects import PersistTables, ReadTables
from pegasus_server.meta.store_inputs import TablesPersisted, TablesRead, TablesUnknown
from pegasus_tab.base.ids import Gpid, NodeName

ASK_AGAIN_US = 2 * US_PER_SECOND


class Recovery:
    """One recovery.

    Args:
        command: what the operator asked for.
        stored: partitions the store has all the same, from a recovery that broke off.
        tables_version: of the empty catalog.
        wait_us: how long servers may take to answer.
        now_us: CLOCK_BOOTTIME.

    Attributes:
        is_over: it failed, or everything is written.
        rebuilt: what was written, None if it failed.
        tables_version: of the catalog.
    """

    def __init__(
        self,
        command: Recover,
        stored: Mapping[Gpid, Versioned],
        tables_version: int,
        wait_us: int,
        now_us: int,
    ) -> None:
        self.is_over = False
        self.rebuilt: Rebuilt | None = None
        self.tables_version = tables_version
        self._command = command
        self._partitions = PartitionConfigurations(stored)
        self._until_us = now_us + wait_us
        self._asked_us: int | None = None
        self._stored: dict[NodeName, Stored] = {}

    @property
    def partitions(self) -> dict[Gpid, Versioned]:
        """The partitions as the store holds them now."""
        return self._partitions.stored()

    def look(self, unix_seconds: int, now_us: int) -> list[ClusterEffect]:
        """Ask who has not answered; go on without them when time is up."""
        if self.rebuilt is not None or self.is_over:
            return []
        silent = [each for each in self._command.nodes if each not in self._stored]
        if not silent:
            return self._rebuild(unix_seconds)
        if now_us >= self._until_us:
            if self._command.skip_silent:
                return self._rebuild(unix_seconds)
            return self._fail(
                f"no answer from {', '.join(silent)}; start them, or skip silent servers"
            )
        if self._asked_us is not None and now_us - self._asked_us < ASK_AGAIN_US:
            return []
        self._asked_us = now_us
        return [Send(each, StoredRequest()) for each in silent]

    def on_stored(self, stored: Stored) -> None:
        """Take a server's answer."""
        if stored.node in self._command.nodes:
            self._stored[stored.node] = stored

    def abandon(self) -> list[ClusterEffect]:
        """Answer the operator: the term ends before the recovery does."""
        if self.is_over:
            return []
        hint = "another meta server leads now; look at the tables, and recover again without any"
        return [Reply(self._command.token, error_names.TIMEOUT, hint)]

    def _fail(self, reason: str) -> list[ClusterEffect]:
        self.is_over = True
        self.rebuilt = None
        return [Reply(self._command.token, error_names.INVALID_STATE, reason)]

    def _rebuild(self, unix_seconds: int) -> list[ClusterEffect]:
        answers = [self._stored[each] for each in sorted(self._stored)]
        try:
            self.rebuilt = rebuild(answers, unix_seconds, skip_lost=self._command.skip_lost)
        except RebuildError as error:
            return self._fail(str(error))
        effects: list[ClusterEffect] = []
        for gpid, record in self.rebuilt.partitions.items():
            effects += self._partitions.restore(gpid, record)
        return effects or self._write_catalog()

    def _write_catalog(self) -> list[ClusterEffect]:
        assert self.rebuilt is not None
        tables = self.rebuilt.tables
        return [
            PersistTables(
                tables.next_app_id,
                tables.tables,
                (),
                self.tables_version,
                tables.level,
                tables.lost_ids,
            )
        ]

    def on_partition(self, answer: StoreAnswer) -> list[ClusterEffect]:
        """Take the store's answer about a partition; after the last, write the catalog."""
        requests, outcome = self._partitions.on_answer(answer)
        if isinstance(outcome, Superseded):
            return [*requests, *self._give_up()]
        if outcome is not None and not self._partitions.is_any_changing:
            return [*requests, *self._write_catalog()]
        return [*requests]

    def on_catalog(
        self, answer: TablesPersisted | TablesUnknown | TablesRead
    ) -> list[ClusterEffect]:
        """Take the store's answer about the catalog."""
        if self.rebuilt is None:
            return []
        match answer:
            case TablesPersisted():
                return self._finish(answer.version)
            case TablesUnknown():
                return [ReadTables()]
            case TablesRead():
                if answer.version == self.tables_version:
                    return self._write_catalog()
                if answer.tables == self.rebuilt.tables:
                    return self._finish(answer.version)
                return self._give_up()

    def _finish(self, version: int) -> list[ClusterEffect]:
        assert self.rebuilt is not None
        self.is_over = True
        self.tables_version = version
        findings = "\n".join(self.rebuilt.findings)
        return [Reply(self._command.token, error_names.OK, findings)]

    def _give_up(self) -> list[ClusterEffect]:
        reason = "the store was written by another leader during the recovery"
        return [*self._fail(reason), Resign(reason)]


def may_recover(tables: ClusterState) -> bool:
    """Tell whether a store is empty enough to be rebuilt: it never had a table."""
    return tables.next_app_id == 1
