"""Jobs of a cluster: long work on whole tables that the servers do by themselves."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from pegasus_tab.base.errors import ProgrammingError
from pegasus_tab.wire import codes
from pegasus_tab.wire.messages_job import (
    CancelJobRequest,
    CancelJobResponse,
    JobInfo,
    ListJobsRequest,
    ListJobsResponse,
    StartJobRequest,
    StartJobResponse,
)

if TYPE_CHECKING:
    from pegasus_tab.kv.client import Client

OVER: Final = frozenset({"done", "failed", "cancelled"})
"""States of a job that will not change any more."""


def start_job(client: "Client", kind: str, table: str, options: Mapping[str, object]) -> int:
    """Begin a job.

    Args:
        client: of the cluster.
        kind: what is to be done.
        table: the table's name.
        options: JSON values; their meaning is the kind's.

    Returns:
        The job's number.

    Raises:
        Error: as ``Client.meta``; OperationalError when a job does the same already.
    """
    request = StartJobRequest(kind, table, json.dumps(options))
    return client.meta(codes.TAB_START_JOB, request, StartJobResponse).job


def list_jobs(client: "Client") -> list[JobInfo]:
    """Return all jobs that are remembered, oldest first."""
    return list(client.meta(codes.TAB_LIST_JOBS, ListJobsRequest(), ListJobsResponse).jobs)


def find_job(client: "Client", job: int) -> JobInfo:
    """Return one job.

    Raises:
        ProgrammingError: 42704 there is no such job.
    """
    found = client.meta(codes.TAB_LIST_JOBS, ListJobsRequest(job), ListJobsResponse).jobs
    if not found:
        raise ProgrammingError(
            f"there is no job {job}", sqlstate="42704", hint="SHOW JOBS lists those there are"
        )
    return found[0]


def cancel_job(client: "Client", job: int) -> None:
    """End a job; what it was writing is removed soon after.

    Raises:
        Error: as ``Client.meta``; there is no such job, or it has ended.
    """
    request = CancelJobRequest(job)
    client.meta(codes.TAB_CANCEL_JOB, request, CancelJobResponse, repeatable=True)
