"""The catalog a connection plans against: the cluster's tables as last listed, five seconds long.

A snapshot is a value that is replaced whole, so threads that share a connection need no lock. A new
*generation* begins only when a listing differs from the one before; plans are cached by it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Protocol

from pegasus_tab.base.errors import Error, OperationalError
from pegasus_tab.base.record import record
from pegasus_tab.sql.catalog import Table
from pegasus_tab.tabular.schema import RAW_SCHEMA, SCHEMA_ENV
from pegasus_tab.tabular.schema_json import from_json
from pegasus_tab.wire.messages import AppInfo

LIFE_SECONDS = 5.0


class Lister(Protocol):
    """The key-value client, as far as the catalog needs it."""

    def within(self, limit: int) -> "Lister":
        """Return the same with a limit in milliseconds for each question."""

    def list_tables(self) -> Sequence[AppInfo]:
        """List the living tables."""


@record
class _Snapshot:
    """One listing: ``faults`` are tables whose schema cannot be read, with the reason."""

    apps: Mapping[str, AppInfo] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)
    faults: Mapping[str, Error] = field(default_factory=dict)
    generation: int = 0


class Catalog:
    """Tables by name; satisfies ``sql.catalog.Catalog``.

    Looking a table up asks nobody: ``refresh`` does, at the start of each statement. While meta cannot
    be reached the last listing stays in use: reading and writing known tables does not depend on meta.

    Args:
        client: asks the cluster for its living tables.
        now: monotonic seconds.
    """

    def __init__(self, client: Lister, now: Callable[[], float]) -> None:
        self._client = client
        self._now = now
        self._snapshot = _Snapshot()
        self._stale_at = float("-inf")

    @property
    def generation(self) -> int:
        """Number of the listing's content, 0 before the first listing."""
        return self._snapshot.generation

    def table(self, name: str) -> Table | None:
        """Return the living table of that name, or None.

        Raises:
            InternalError: the table's schema is damaged.
            NotSupportedError: the table's schema is of a newer format.
        """
        snapshot = self._snapshot
        fault = snapshot.faults.get(name)
        if fault is not None:
            raise type(fault)(fault.message, sqlstate=fault.sqlstate, hint=fault.hint)
        return snapshot.tables.get(name)

    def names(self) -> list[str]:
        """Return the names of all living tables, sorted."""
        return sorted(self._snapshot.apps)

    def invalidate(self) -> None:
        """Forget that the listing is recent: the next refresh asks the cluster."""
        self._stale_at = float("-inf")

    def refresh(self, left_ms: Callable[[], int]) -> None:
        """List the tables anew, unless that was done within the last five seconds.

        Args:
            left_ms: time left for the statement. With a listing to go on with, meta gets half of it,
                so that a meta server that does not answer leaves time for those that do.

        Raises:
            OperationalError: the first listing could not be had.
        """
        if self._now() < self._stale_at:
            return
        old = self._snapshot
        limit = left_ms() if not old.generation else max(1, left_ms() // 2)
        try:
            apps = {app.app_name: app for app in self._client.within(limit).list_tables()}
        except OperationalError:
            if not old.generation:
                raise
        else:
            if apps != old.apps or not old.generation:
                self._snapshot = _snapshot(apps, old)
        self._stale_at = self._now() + LIFE_SECONDS


def _snapshot(apps: Mapping[str, AppInfo], old: _Snapshot) -> _Snapshot:
    tables: dict[str, Table] = {}
    faults: dict[str, Error] = {}
    for name, app in apps.items():
        if app == old.apps.get(name) and name in old.tables:
            tables[name] = old.tables[name]
            continue
        try:
            tables[name] = table_of(app)
        except Error as fault:
            faults[name] = fault
    return _Snapshot(apps, tables, faults, old.generation + 1)


def table_of(app: AppInfo) -> Table:
    """Return the table of a listing's entry.

    Raises:
        InternalError: its schema is damaged.
        NotSupportedError: its schema is of a newer format.
    """
    text = app.envs.get(SCHEMA_ENV)
    others = tuple(sorted((name, value) for name, value in app.envs.items() if name != SCHEMA_ENV))
    return Table(
        name=app.app_name,
        app_id=app.app_id,
        partition_count=app.partition_count,
        schema=RAW_SCHEMA if text is None else from_json(text),
        raw=text is None,
        envs=others,
    )
