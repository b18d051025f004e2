"""COPY ... TO a folder, CANCEL JOB, SHOW JOBS and VERIFY EXPORT."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pegasus_tab.base.errors import InternalError, ProgrammingError
from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.context import Context
from pegasus_tab.execute.errors import arrow_missing
from pegasus_tab.execute.job_wait import fraction, wait_for_job
from pegasus_tab.execute.progress import Progress
from pegasus_tab.execute.result import Page, ResultSet, named_result
from pegasus_tab.execute.table_text import create_table_text
from pegasus_tab.kv.jobs import cancel_job, list_jobs, start_job
from pegasus_tab.sql.column_types import BIGINT, INT, TEXT, TIMESTAMP
from pegasus_tab.sql.plan_nodes import CancelJob, ExportTable, VerifyExport
from pegasus_tab.wire.messages_job import JobInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pegasus_tab.export.filesystem import Target
    from pegasus_tab.export.verify import Finding


@dataclass(frozen=True, slots=True)
class ExportExecutor:
    """Starts an export, and waits for it unless told not to."""

    plan: ExportTable

    def execute(self, context: Context, bindings: Bindings) -> ResultSet:  # noqa: ARG002 -- as all executors
        """Return the number of rows, or of the job when nobody waits."""
        plan, table = self.plan, self.plan.table
        info = context.meta.table_info(table.name)
        replicas = info.max_replica_count if info is not None else 1
        options = {
            "target": absolute(plan.target),
            "format": plan.format,
            "bytes_per_second": plan.bytes_per_second,
            "ddl": create_table_text(table, replicas),
        }
        job = start_job(context.meta, "export", table.name, options)
        if not plan.wait:
            return named_result({"job": BIGINT}, [(job,)])
        context.deadline.rest()  # it takes as long as it takes; each question has the timeout
        done = wait_for_job(context, job)
        rows = sum(task.rows for task in done.tasks)
        size = sum(task.bytes for task in done.tasks)
        return ResultSet.of_change(rows, (f"job {job}: {size:,} bytes in {done.target}",))


def absolute(target: str) -> str:
    """Return a target so that it means the same to every server: local paths from the root on.

    Raises:
        ProgrammingError: 22023 it begins with ``~`` and somebody who has no home folder.
    """
    if "://" in target:
        return target
    try:
        return str(Path(target).expanduser().absolute())
    except RuntimeError as error:
        raise ProgrammingError(f"target {target!r}: {error}", sqlstate="22023") from error


@dataclass(frozen=True, slots=True)
class CancelExecutor:
    """Cancels a job."""

    plan: CancelJob

    def execute(self, context: Context, bindings: Bindings) -> ResultSet:  # noqa: ARG002 -- as all executors
        """Return once the job is marked; its workers end within a moment."""
        cancel_job(context.meta, self.plan.job)
        return ResultSet.of_change(-1)


def show_jobs(context: Context) -> ResultSet:
    """Return all jobs that are remembered."""
    columns = {
        "job": BIGINT,
        "kind": TEXT,
        "table": TEXT,
        "state": TEXT,
        "done": TEXT,
        "partitions": TEXT,
        "rows": BIGINT,
        "bytes": BIGINT,
        "begun": TIMESTAMP,
        "ended": TIMESTAMP,
        "target": TEXT,
        "fault": TEXT,
    }
    return named_result(columns, [_job_row(info) for info in list_jobs(context.meta)])


def _job_row(info: JobInfo) -> tuple[object, ...]:
    part = 1.0 if info.state == "done" else fraction(info)
    finished = sum(task.state == "done" for task in info.tasks)
    return (
        info.job,
        info.kind,
        info.app_name,
        info.state,
        None if part is None else f"{part:.0%}",
        f"{finished} of {len(info.tasks)}",
        sum(task.rows for task in info.tasks),
        sum(task.bytes for task in info.tasks),
        moment(info.created),
        moment(info.ended),
        info.target,
        info.fault or None,
    )


def moment(unix_seconds: int) -> datetime | None:
    """Return a TIMESTAMP, None for 0."""
    if not unix_seconds:
        return None
    return datetime.fromtimestamp(unix_seconds, UTC).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class VerifyExecutor:
    """Reads every archive at a target again."""

    plan: VerifyExport

    def execute(self, context: Context, bindings: Bindings) -> ResultSet:  # noqa: ARG002 -- as all executors
        """Return a row for each archive.

        Raises:
            InternalError: XX001 a file is not what was written; the message names the first ones.
            TargetError: there is nothing to verify, or it cannot be read.
        """
        try:
            from pegasus_tab.export.errors import NoSuchFile
            from pegasus_tab.export.filesystem import open_target
            from pegasus_tab.export.verify import archives, verify_archive
        except ImportError as error:
            raise arrow_missing(error) from error
        context.deadline.rest()  # it takes as long as reading everything takes
        target = open_target(absolute(self.plan.target))
        found = archives(target)
        if not found:
            raise NoSuchFile(
                f"there is no export at {target.url}",
                hint="Name the folder that COPY ... TO was given.",
            )
        rows: Page = []
        for archive in found:
            findings = list(_told(context, verify_archive(target, archive)))
            _refuse_damaged(target, findings)
            rows.append(
                (
                    archive.table,
                    archive.kind,
                    archive.id,
                    sum("/partition=" in one.name for one in findings),
                    sum(one.rows for one in findings),
                    sum(one.bytes for one in findings),
                )
            )
        names = ("table", "kind", "id", "files", "rows", "bytes")
        types = (TEXT, TEXT, TEXT, INT, BIGINT, BIGINT)
        return named_result(dict(zip(names, types, strict=True)), rows)


def _told(context: Context, findings: "Iterator[Finding]") -> "Iterator[Finding]":
    rows = 0
    for finding in findings:
        rows += finding.rows
        if context.progress is not None:
            context.progress(Progress(rows))
        yield finding


NAMED_MAX = 10
"""Damaged files that an error names."""


def _refuse_damaged(target: "Target", findings: "list[Finding]") -> None:
    bad = [one for one in findings if one.fault]
    if bad:
        listed = "; ".join(f"{target.shown(one.name)}: {one.fault}" for one in bad[:NAMED_MAX])
        more = f"; and {len(bad) - NAMED_MAX} more" if len(bad) > NAMED_MAX else ""
        raise InternalError(
            f"{len(bad)} of {len(findings)} files are not as they should be: {listed}{more}",
            sqlstate="XX001",
            hint="Run the same COPY again: what is damaged is written anew if it was not complete; "
            "a complete export is removed first.",
        )
