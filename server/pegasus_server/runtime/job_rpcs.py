"""RPCs about jobs: wire messages to the job machine and back."""

import json
from collections.abc import Callable, Mapping

from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.jobs.effects import JobAnswer
from pegasus_server.meta.jobs.inputs import CancelJob
from pegasus_server.meta.jobs.job import Job, JobState, Task, TaskState
from pegasus_server.meta.jobs.jobs import Jobs
from pegasus_server.meta.questions import serving_table
from pegasus_server.runtime.answer import Client
from pegasus_server.runtime.clock import unix_seconds
from pegasus_server.runtime.job_driver import JobDriver
from pegasus_server.runtime.job_options import BadOptionsError, job_options
from pegasus_server.runtime.job_start import start_of_job
from pegasus_server.runtime.meta_rpcs import ServeMeta, send
from pegasus_tab.base.errors import Error
from pegasus_tab.export.filesystem import without_credentials
from pegasus_tab.wire import codes
from pegasus_tab.wire.frame import RequestFrame
from pegasus_tab.wire.messages import decode_arguments
from pegasus_tab.wire.messages_job import (
    CancelJobRequest,
    CancelJobResponse,
    JobInfo,
    ListJobsRequest,
    ListJobsResponse,
    StartJobRequest,
    StartJobResponse,
    TaskInfo,
)


class JobRpcs:
    """Serves the RPCs about jobs.

    Args:
        driver: the job machine.
        state: the stored tables; None while not leading, which the driver may hear of a tick later.
    """

    def __init__(self, driver: JobDriver, state: Callable[[], ClusterState | None]) -> None:
        self._driver = driver
        self._state = state
        self.table: Mapping[bytes, ServeMeta] = {
            codes.TAB_START_JOB: self._start,
            codes.TAB_LIST_JOBS: self._list,
            codes.TAB_CANCEL_JOB: self._cancel,
        }

    def _start(self, frame: RequestFrame, client: Client) -> None:
        request = decode_arguments(frame, StartJobRequest)

        def answer(answer: JobAnswer) -> None:
            send(frame, client, StartJobResponse(answer.error, answer.id, answer.hint or None))

        def refuse(error: str, hint: str = "") -> None:
            answer(JobAnswer(answer, 0, error, hint))

        state = self._state()
        if self._driver.jobs is None or state is None:
            refuse(codes.ERR_FORWARD_TO_OTHERS)
            return
        error, table = serving_table(state, request.app_name)
        if table is None:
            refuse(error)
            return
        try:
            options = job_options(request.kind, request.options)
            start = start_of_job(request.kind, table, options, answer)
        except (BadOptionsError, Error) as fault:
            refuse(codes.ERR_INVALID_PARAMETERS, str(fault))
            return
        self._driver.drive(start)

    def _cancel(self, frame: RequestFrame, client: Client) -> None:
        request = decode_arguments(frame, CancelJobRequest)

        def answer(answer: JobAnswer) -> None:
            send(frame, client, CancelJobResponse(answer.error, answer.hint or None))

        if self._driver.jobs is None:
            answer(JobAnswer(answer, 0, codes.ERR_FORWARD_TO_OTHERS))
        else:
            self._driver.drive(CancelJob(request.job, unix_seconds(), answer))

    def _list(self, frame: RequestFrame, client: Client) -> None:
        request = decode_arguments(frame, ListJobsRequest)
        jobs = self._driver.jobs
        if jobs is None:
            send(frame, client, ListJobsResponse(codes.ERR_FORWARD_TO_OTHERS))
            return
        infos = [_job_info(jobs, job) for job in jobs.jobs if request.job in (0, job.id)]
        send(frame, client, ListJobsResponse(jobs=infos))


def _job_info(jobs: Jobs, job: Job) -> JobInfo:
    under_way = () if job.state.is_over else job.parts
    faults = [task.fault for task in (job.whole, *under_way) if task.fault]
    is_done = job.state is JobState.DONE
    return JobInfo(
        job.id,
        job.kind,
        job.table,
        job.state,
        without_credentials(json.loads(job.options)["target"]),
        job.created,
        job.ended,
        job.message or (faults[0] if faults and not is_done else ""),
        job.hint,
        job.sqlstate,
        job.whole.result if is_done else "",
        [_task_info(jobs, job, task) for task in job.parts],
    )


def _task_info(jobs: Jobs, job: Job, task: Task) -> TaskInfo:
    watch = jobs.watch(job, task)
    is_under_way = task.state is TaskState.RUNNING and watch is not None
    rows, bytes_, total = task.rows, task.bytes, task.rows
    if is_under_way and watch is not None:
        rows, bytes_, total = watch.rows, watch.bytes, watch.rows_total
    server = task.server or ""
    return TaskInfo(
        task.partition, task.state, server, task.attempt, rows, bytes_, total, task.fault
    )
