"""Requests and responses about jobs: exports and other long work on whole tables. All are ours.

``hint`` comes only with an error.
"""

from collections.abc import Sequence
from typing import Annotated

from pegasus_tab.wire.binary import ERROR_CODE, I32, I64, STRING, list_of
from pegasus_tab.wire.thrift_struct import Struct, struct_of, thrift_struct


@thrift_struct
class StartJobRequest(Struct):
    """Begin a job; ``options`` is JSON whose meaning is the kind's."""

    kind: Annotated[str, STRING(1)] = ""
    app_name: Annotated[str, STRING(2)] = ""
    options: Annotated[str, STRING(3)] = ""


@thrift_struct
class StartJobResponse(Struct):
    """Answer to TAB_START_JOB."""

    err: Annotated[str, ERROR_CODE(1)] = "ERR_OK"
    job: Annotated[int, I64(2)] = 0
    hint: Annotated[str | None, STRING(3)] = None


@thrift_struct
class CancelJobRequest(Struct):
    """End a job; its unfinished files are removed."""

    job: Annotated[int, I64(1)] = 0


@thrift_struct
class CancelJobResponse(Struct):
    """Answer to TAB_CANCEL_JOB."""

    err: Annotated[str, ERROR_CODE(1)] = "ERR_OK"
    hint: Annotated[str | None, STRING(2)] = None


@thrift_struct
class TaskInfo(Struct):
    """How one partition of a job stands; ``rows_total`` is an estimate, 0 if there is none."""

    partition: Annotated[int, I32(1)] = 0
    state: Annotated[str, STRING(2)] = ""
    server: Annotated[str, STRING(3)] = ""
    attempt: Annotated[int, I32(4)] = 0
    rows: Annotated[int, I64(5)] = 0
    bytes: Annotated[int, I64(6)] = 0
    rows_total: Annotated[int, I64(7)] = 0
    fault: Annotated[str, STRING(8)] = ""


@thrift_struct
class JobInfo(Struct):
    """How a job stands; times are unix seconds, 0 for not yet.

    ``fault`` is why a job failed, or what keeps one that is under way from getting on.
    """

    job: Annotated[int, I64(1)] = 0
    kind: Annotated[str, STRING(2)] = ""
    app_name: Annotated[str, STRING(3)] = ""
    state: Annotated[str, STRING(4)] = ""
    target: Annotated[str, STRING(5)] = ""
    created: Annotated[int, I64(6)] = 0
    ended: Annotated[int, I64(7)] = 0
    fault: Annotated[str, STRING(8)] = ""
    hint: Annotated[str, STRING(9)] = ""
    sqlstate: Annotated[str, STRING(10)] = ""
    result: Annotated[str, STRING(11)] = ""
    tasks: Annotated[Sequence[TaskInfo], list_of(struct_of(TaskInfo))(12)] = ()


@thrift_struct
class ListJobsRequest(Struct):
    """How jobs stand; 0 for all, the number of one for that one."""

    job: Annotated[int, I64(1)] = 0


@thrift_struct
class ListJobsResponse(Struct):
    """Answer to TAB_LIST_JOBS, oldest first."""

    err: Annotated[str, ERROR_CODE(1)] = "ERR_OK"
    jobs: Annotated[Sequence[JobInfo], list_of(struct_of(JobInfo))(2)] = ()
    hint: Annotated[str | None, STRING(3)] = None
