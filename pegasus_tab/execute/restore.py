"""RESTORE: a new table of a name of its own, a job that fills and then renames it."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pegasus_tab.base.errors import ProgrammingError
from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.context import Context
from pegasus_tab.execute.errors import arrow_missing
from pegasus_tab.execute.job_wait import wait_for_job
from pegasus_tab.execute.result import ResultSet
from pegasus_tab.execute.transfer import absolute
from pegasus_tab.kv.failure import DUPLICATE_TABLE
from pegasus_tab.kv.jobs import OVER, list_jobs, start_job
from pegasus_tab.sql.plan_backup import RESTORING_SUFFIX
from pegasus_tab.sql.plan_nodes import RestoreTable
from pegasus_tab.tabular.schema import RESTORE_ENV

if TYPE_CHECKING:
    from pegasus_tab.export.backup_chain import Backup

LEFT_OUT_ENV = "replica.deny_client_request"
"""A table that takes no writes could not be filled."""


@dataclass(frozen=True, slots=True)
class RestoreExecutor:
    """Makes the new table, or goes on with the one that an earlier try made, and has it filled."""

    plan: RestoreTable

    def execute(self, context: Context, bindings: Bindings) -> ResultSet:  # noqa: ARG002 -- as all executors
        """Return the pairs written.

        Raises:
            ProgrammingError: 42P07 there is a table of that name; 55006 an unfinished restore of
                something else is in the way.
            NoSuchFile: 58P01 there is no such backup.
            OperationalError: the job failed; nothing is to be seen under the new name.
        """
        context.deadline.rest()  # it takes as long as it takes; each question has the timeout
        chain = _chain(self.plan)
        try:
            done = wait_for_job(context, self._job(context, chain))
        finally:
            context.catalog.invalidate()
        rows = sum(task.rows for task in done.tasks)
        notices = [f'table "{self.plan.name}" is as backup {chain[0].archive.id} has it']
        if LEFT_OUT_ENV in chain[0].envs:
            notices.append(f"the table setting {LEFT_OUT_ENV} was left out")
        return ResultSet.of_change(rows, tuple(notices))

    def _job(self, context: Context, chain: "list[Backup]") -> int:
        """Return the job that fills the table: one under way already, or a new one."""
        plan, client = self.plan, context.meta
        table = plan.name + RESTORING_SUFFIX
        origin = {
            "target": absolute(plan.target),
            "source": plan.source,
            "at": chain[0].archive.id,
        }
        self._make_table(context, table, origin, chain[0])
        for job in list_jobs(client):
            if (job.kind, job.app_name) == ("restore", table) and job.state not in OVER:
                return job.job
        options = {**origin, "name": plan.name, "bytes_per_second": plan.bytes_per_second}
        return start_job(client, "restore", table, options)

    def _make_table(
        self, context: Context, table: str, origin: dict[str, str], newest: "Backup"
    ) -> None:
        plan, client = self.plan, context.meta
        if client.table_info(plan.name) is not None:
            raise ProgrammingError(
                f'table "{plan.name}" exists already',
                sqlstate=DUPLICATE_TABLE,
                hint="restore it AS another name, or DROP TABLE first",
            )
        text = json.dumps(origin, sort_keys=True)
        unfinished = client.table_info(table)
        if unfinished is None:
            envs = {name: value for name, value in newest.envs.items() if name != LEFT_OUT_ENV}
            client.create_table(
                table,
                plan.partitions or newest.description.partitions,
                plan.replicas or newest.replicas,
                {**envs, RESTORE_ENV: text},
            )
        elif unfinished.envs.get(RESTORE_ENV) != text:
            raise ProgrammingError(
                f'table "{table}" is in the way: an unfinished restore of something else',
                sqlstate="55006",
                hint=f'DROP TABLE "{table}" gives that restore up',
            )


def _chain(plan: RestoreTable) -> "list[Backup]":
    """Return the backups needed, newest first, each checked as far as manifests go."""
    try:
        from pegasus_tab.export.backup_chain import chain_to, checked_manifests
        from pegasus_tab.export.filesystem import open_target
    except ImportError as error:
        raise arrow_missing(error) from error
    target = open_target(absolute(plan.target))
    chain = chain_to(target, plan.source, plan.at)
    for backup in chain:
        checked_manifests(target, backup)
    return chain
