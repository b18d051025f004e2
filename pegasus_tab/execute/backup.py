"""BACKUP and SHOW BACKUPS."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.context import Context
from pegasus_tab.execute.errors import arrow_missing
from pegasus_tab.execute.job_wait import wait_for_job
from pegasus_tab.execute.result import Page, ResultSet, named_result
from pegasus_tab.execute.table_text import create_table_text
from pegasus_tab.execute.transfer import absolute, moment
from pegasus_tab.kv.jobs import start_job
from pegasus_tab.sql.catalog import Table
from pegasus_tab.sql.column_types import BIGINT, INT, TEXT, TIMESTAMP
from pegasus_tab.sql.plan_nodes import BackupTables, ListBackups
from pegasus_tab.tabular.schema import RESTORE_ENV
from pegasus_tab.wire.messages_job import JobInfo

if TYPE_CHECKING:
    from pegasus_tab.export.backup_chain import Backup


@dataclass(frozen=True, slots=True)
class BackupExecutor:
    """Starts a backup of each table, and waits for it unless told not to."""

    plan: BackupTables

    def execute(self, context: Context, bindings: Bindings) -> ResultSet:  # noqa: ARG002 -- as all executors
        """Return the rows written, or the numbers of the jobs when nobody waits.

        Raises:
            OperationalError: a job failed; tables before that one are backed up.
        """
        plan = self.plan
        tables = plan.tables or _all_tables(context)
        if not plan.wait:
            jobs = [(self._start(context, table), table.name) for table in tables]
            return named_result({"job": BIGINT, "table": TEXT}, jobs)
        context.deadline.rest()  # it takes as long as it takes; each question has the timeout
        rows, notices = 0, []
        for number, table in enumerate(tables, 1):
            done = self._wait(context, table, tables[number:])
            written = sum(task.rows for task in done.tasks)
            size = sum(task.bytes for task in done.tasks)
            rows += written
            notices.append(f"table {table.name}: {written:,} pairs, {size:,} bytes")
        return ResultSet.of_change(rows, tuple(notices))

    def _wait(self, context: Context, table: Table, others: Sequence[Table]) -> JobInfo:
        try:
            return wait_for_job(context, self._start(context, table))
        except KeyboardInterrupt as interrupt:
            if others:
                names = ", ".join(each.name for each in others)
                interrupt.add_note(f"Tables whose backup was not begun: {names}")
            raise

    def _start(self, context: Context, table: Table) -> int:
        plan = self.plan
        info = context.meta.table_info(table.name)
        replicas = info.max_replica_count if info is not None else 1
        options = {
            "target": absolute(plan.target),
            "full": plan.full,
            "bytes_per_second": plan.bytes_per_second,
            "ddl": create_table_text(table, replicas),
        }
        return start_job(context.meta, "backup", table.name, options)


def _all_tables(context: Context) -> list[Table]:
    """Return every table but those that are being restored."""
    found = [context.catalog.table(name) for name in context.catalog.names()]
    return [table for table in found if table is not None and RESTORE_ENV not in dict(table.envs)]


@dataclass(frozen=True, slots=True)
class ListExecutor:
    """Lists the backups in a folder."""

    plan: ListBackups

    def execute(self, context: Context, bindings: Bindings) -> ResultSet:  # noqa: ARG002 -- as all executors
        """Return a row for each complete backup, by table and age."""
        try:
            from pegasus_tab.export.backup_chain import backups
            from pegasus_tab.export.filesystem import open_target
            from pegasus_tab.export.layout import archive_of
        except ImportError as error:
            raise arrow_missing(error) from error
        context.deadline.rest()
        target = open_target(absolute(self.plan.target))
        tables = {
            archive.table
            for folder in target.folder_names()
            for name in target.folder_names(folder)
            if (archive := archive_of(folder, name)) is not None and archive.kind == "backup"
        }
        rows: Page = [_row(each) for table in sorted(tables) for each in backups(target, table)]
        columns = {
            "table": TEXT,
            "id": TEXT,
            "continues": TEXT,
            "finished": TIMESTAMP,
            "partitions": INT,
            "pairs": BIGINT,
            "bytes": BIGINT,
        }
        return named_result(columns, rows)


def _row(backup: "Backup") -> tuple[object, ...]:
    success = backup.success
    return (
        backup.archive.table,
        backup.archive.id,
        backup.continues or None,
        moment(success.finished),
        backup.description.partitions,
        success.rows,
        success.bytes,
    )
