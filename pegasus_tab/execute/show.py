"""SHOW and DESCRIBE: what the cluster and the session look like, as rows."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pegasus_tab.base.errors import ProgrammingError
from pegasus_tab.execute import show_cluster
from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.context import Context
from pegasus_tab.execute.result import Page, ResultSet, named_result
from pegasus_tab.execute.table_text import create_table_text
from pegasus_tab.execute.transfer import show_jobs
from pegasus_tab.sql.catalog import Table
from pegasus_tab.sql.column_types import BOOLEAN, INT, TEXT, TIMESTAMP
from pegasus_tab.sql.plan_nodes import Show
from pegasus_tab.sql.render import literal
from pegasus_tab.sql.settings import SETTINGS, current
from pegasus_tab.tabular.schema import SCHEMA_ENV, Column
from pegasus_tab.wire.codes import AppStatus


@dataclass(frozen=True, slots=True)
class ShowExecutor:
    """Carries one SHOW or DESCRIBE out."""

    plan: Show

    def execute(self, context: Context, bindings: Bindings) -> ResultSet:  # noqa: ARG002 -- as all executors
        """Return the report."""
        match self.plan.what:
            case "tables":
                return _tables(context)
            case "dropped":
                return _dropped(context)
            case "option":
                return _options(context, self.plan.name)
            case "nodes":
                return show_cluster.show_nodes(context)
            case "jobs":
                return show_jobs(context)
            case "cluster":
                return show_cluster.show_cluster(context)
            case "partitions":
                return show_cluster.show_partitions(context, self._table())
            case "create":
                return _create(context, self._table())
            case "describe":
                return _describe(self._table())

    def _table(self) -> Table:
        assert self.plan.table is not None  # the binder resolved it
        return self.plan.table


def _tables(context: Context) -> ResultSet:
    columns = {"name": TEXT, "kind": TEXT, "partitions": INT, "replicas": INT, "id": INT}
    rows: Page = [
        (
            info.app_name,
            "table" if SCHEMA_ENV in info.envs else "raw",
            info.partition_count,
            info.max_replica_count,
            info.app_id,
        )
        for info in context.meta.list_tables()
    ]
    return named_result(columns, rows)


def _dropped(context: Context) -> ResultSet:
    columns = {"id": INT, "name": TEXT, "dropped_at": TIMESTAMP, "recallable_until": TIMESTAMP}
    rows: Page = [
        (info.app_id, info.app_name, _moment(info.drop_second), _moment(info.expire_second))
        for info in context.meta.list_tables(AppStatus.DROPPED)
    ]
    return named_result(columns, rows)


def _moment(unix_seconds: int) -> datetime | None:
    if not unix_seconds:
        return None
    return datetime.fromtimestamp(unix_seconds, UTC).replace(tzinfo=None)


def _create(context: Context, table: Table) -> ResultSet:
    info = context.meta.table_info(table.name)
    if info is None:
        raise ProgrammingError(f'table "{table.name}" does not exist', sqlstate="42P01")
    text = create_table_text(table, info.max_replica_count)
    return named_result({"name": TEXT, "statement": TEXT}, [(table.name, text)])


def _describe(table: Table) -> ResultSet:
    columns = {
        "column": TEXT,
        "type": TEXT,
        "key": TEXT,
        "nullable": BOOLEAN,
        "default": TEXT,
        "family": TEXT,
    }
    schema = table.schema
    keys: dict[int, str] = dict.fromkeys(schema.hash_key, "hash")
    for part in schema.sort_key:
        keys[part.column] = "sort desc" if part.descending else "sort"
    rows: Page = [
        (
            column.name,
            str(column.type),
            keys.get(column.id, ""),
            not column.not_null,
            _default_text(column),
            schema.families.get(column.family, "main"),
        )
        for column in schema.columns
    ]
    return named_result(columns, rows)


def _default_text(column: Column) -> str | None:
    return None if column.default is None else literal(column.default)


def _options(context: Context, name: str | None) -> ResultSet:
    names = list(SETTINGS) if name is None else [name]
    rows: list[tuple[Any, ...]] = [
        (one, str(current(context.settings, one)), SETTINGS[one].accepts) for one in names
    ]
    return named_result({"name": TEXT, "value": TEXT, "accepts": TEXT}, rows)
