"""Waiting for a job of the servers: telling how far it is, turning its end into a result or an error."""

import time

from pegasus_tab.base.errors import OperationalError, QueryCanceled
from pegasus_tab.execute.context import Context
from pegasus_tab.execute.progress import Progress
from pegasus_tab.kv.jobs import OVER, find_job
from pegasus_tab.wire.messages_job import JobInfo

POLL_SECONDS_MIN = 0.05
POLL_SECONDS_MAX = 0.5
SILENT_SECONDS_MAX = 60.0
"""So long no meta server may answer before the wait ends; the job may go on all the same."""


def wait_for_job(context: Context, job: int) -> JobInfo:
    """Return a job that is done.

    Raises:
        QueryCanceled: somebody cancelled it.
        OperationalError: it failed; the SQLSTATE is the worker's.
        KeyboardInterrupt: the user does not want to wait; it carries a note that the job goes on.
    """
    seconds = POLL_SECONDS_MIN
    try:
        while True:
            info = _ask(context, job)
            if context.progress is not None:
                context.progress(_progress(info))
            if info.state in OVER:
                break
            time.sleep(seconds)
            seconds = min(seconds * 1.5, POLL_SECONDS_MAX)
    except KeyboardInterrupt as interrupt:
        interrupt.add_note(
            f"Job {job} goes on without you; SHOW JOBS tells how far it is, CANCEL JOB {job} ends it"
        )
        raise
    if info.state == "cancelled":
        raise QueryCanceled(f"job {job} was cancelled")
    if info.state == "failed":
        raise OperationalError(
            f"job {job} failed: {info.fault}",
            sqlstate=info.sqlstate or None,
            hint=info.hint or None,
        )
    return info


def _ask(context: Context, job: int) -> JobInfo:
    """Ask how a job stands, patiently: a meta server may be being replaced."""
    give_up = context.monotonic() + SILENT_SECONDS_MAX
    while True:
        try:
            return find_job(context.client, job)
        except OperationalError as error:
            if context.monotonic() >= give_up:
                error.hint = f"job {job} may go on; SHOW JOBS tells once a meta server answers"
                raise
            time.sleep(POLL_SECONDS_MAX)


def _progress(info: JobInfo) -> Progress:
    rows = sum(task.rows for task in info.tasks)
    written = sum(task.bytes for task in info.tasks)
    return Progress(rows, fraction=fraction(info), bytes=written)


def fraction(info: JobInfo) -> float | None:
    """Return how much of a job is done, 0 to 1; None while nobody knows.

    Partitions are about equally large, so one that has not begun counts as much as an average one.
    """
    known = [
        1.0 if task.state == "done" else min(1.0, task.rows / task.rows_total)
        for task in info.tasks
        if task.state == "done" or task.rows_total
    ]
    return sum(known) / len(info.tasks) if known else None
