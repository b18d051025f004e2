"""The job machine of a meta leader: from a request to its end, through lost servers and leaders.

Theory of operation. Every change of a job is stored before anything follows from it: an order
leaves, and a request is answered, only while the store has the newest state. ``Look`` does all the
work: tasks that are due get a server and a new attempt, their orders are repeated, and an attempt
of which nothing was heard in SILENT_US is given up. A new leader begins with the stored jobs and
repeats their orders; servers that still work on them answer as if nothing had happened.

A restore has priority over a prune, which would remove what it reads: while it is under way no prune
of that table begins, and one that only reads so far is failed. One that removes already is waited
for. Tables are compared, not targets, for a folder may be named in many ways.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pegasus_server.meta import error_names
from pegasus_server.meta.jobs.effects import JobAnswer, JobEffect, RemoveJob, SaveJob, Tell
from pegasus_server.meta.jobs.fault import Fault, fault_of
from pegasus_server.meta.jobs.inputs import (
    CancelJob,
    JobInput,
    JobNotSaved,
    JobSaved,
    Look,
    StartJob,
    TaskReported,
)
from pegasus_server.meta.jobs.job import Job, JobState, Task, TaskState
from pegasus_server.meta.jobs.messages import Outcome, TaskOrder, TaskReport, TaskStop
from pegasus_server.meta.jobs.watch import TaskWatch
from pegasus_tab.base.ids import NodeName

US_PER_SECOND = 1_000_000
LOOK_US = 200_000
"""How often to look."""
ORDER_US = 1 * US_PER_SECOND
"""An order is repeated so often."""
SILENT_US = 15 * US_PER_SECOND
"""A server that was not heard for so long does not work on its task any more."""
FAILURES_MAX = 6
"""So many failed attempts of one task, one after another, fail the job."""
PAUSE_US_MAX = 20 * US_PER_SECOND
UNDER_WAY_MAX = 16
"""Jobs at the same time."""
KEPT_MAX = 64
"""Jobs that ended are kept until there are more."""
# A job is one record, and ZooKeeper takes none above 1 MiB. With these bounds one of 1024 partitions
# is smaller.
OPTIONS_CHARACTERS_MAX = 384 * 1024
MESSAGE_CHARACTERS_MAX = 2000
FAULT_CHARACTERS_MAX = 100
"""Of what a task's last attempt met; the job's message has more."""


class Jobs:
    """All jobs of a cluster.

    Invariants: job ids rise; nothing is ordered of a job whose newest state is not stored; of jobs
    under way no two have the same subject; while a job removes backups of a table, none that relies
    on them has begun.

    Args:
        stored: what the store holds.
    """

    def __init__(self, stored: Iterable[Job] = ()) -> None:
        self._jobs = {job.id: job for job in sorted(stored, key=lambda job: job.id)}
        self._watches: dict[tuple[int, str, int], TaskWatch] = {}
        self._saving: set[int] = set()
        self._unsaved: set[int] = set()
        self._failed_saves: set[int] = set()
        self._tokens: dict[int, list[object]] = {}

    @property
    def jobs(self) -> Sequence[Job]:
        """All jobs, oldest first."""
        return tuple(self._jobs.values())

    @property
    def has_work(self) -> bool:
        """Tell whether ``Look`` would do anything."""
        return bool(self._failed_saves) or any(not job.state.is_over for job in self._jobs.values())

    def watch(self, job: Job, task: Task) -> TaskWatch | None:
        """Return what is known of a task under way."""
        return self._watches.get((job.id, task.step, task.partition))

    def step(self, event: JobInput, now_us: int) -> list[JobEffect]:
        """Advance by one input.

        Args:
            event: what happened.
            now_us: CLOCK_BOOTTIME, microseconds; never falls.

        Returns:
            Effects in the order to carry them out.
        """
        effects = self._react(event, now_us)
        effects += self._save_changed()
        self._assert_invariants()
        return effects

    def abandon(self) -> list[JobAnswer]:
        """Answer everybody who waits for the store, when this machine is about to be thrown away."""
        hint = "another meta server leads now; SHOW JOBS tells what became of it"
        return [
            JobAnswer(token, id_, error_names.TIMEOUT, hint)
            for id_, tokens in sorted(self._tokens.items())
            for token in tokens
        ]

    def _react(self, event: JobInput, now_us: int) -> list[JobEffect]:
        match event:
            case StartJob():
                return self._start(event)
            case CancelJob():
                return self._cancel(event)
            case TaskReported():
                return self._on_report(event.report, event.unix_seconds, now_us)
            case JobSaved():
                return self._on_saved(event.id)
            case JobNotSaved():
                self._failed_saves.add(event.id)
                return []
            case Look():
                return self._look(event, now_us)

    def _assert_invariants(self) -> None:
        assert list(self._jobs) == sorted(self._jobs)
        subjects = [job.subject for job in self._jobs.values() if not job.state.is_over]
        assert len(subjects) == len(set(subjects)), subjects
        removed = {job.removes_of for job in self._jobs.values() if not job.state.is_over} - {""}
        assert not any(job.relies_on in removed and job.has_begun for job in self._jobs.values())

    # Requests.

    def _start(self, event: StartJob) -> list[JobEffect]:
        if len(event.options) > OPTIONS_CHARACTERS_MAX:
            hint = (
                f"options and settings of table {event.table} have {len(event.options)} characters, "
                f"at most {OPTIONS_CHARACTERS_MAX} fit into a job"
            )
            return [JobAnswer(event.token, 0, error_names.INVALID_PARAMETERS, hint)]
        under_way = [job for job in self._jobs.values() if not job.state.is_over]
        for job in under_way:
            if job.subject == event.subject:
                hint = f"job {job.id} does the same at this moment"
                return [JobAnswer(event.token, job.id, error_names.BUSY, hint)]
        reader = self._reader_of(event.removes_of)
        if reader is not None:
            return [JobAnswer(event.token, reader.id, error_names.INVALID_STATE, _why_kept(reader))]
        if len(under_way) >= UNDER_WAY_MAX:
            hint = f"{UNDER_WAY_MAX} jobs are under way; wait for one or cancel one"
            return [JobAnswer(event.token, 0, error_names.BUSY, hint)]
        id_ = max(self._jobs, default=0) + 1
        self._change(
            Job(
                id=id_,
                kind=event.kind,
                table=event.table,
                app_id=event.app_id,
                subject=event.subject,
                options=event.options,
                parts=tuple([Task(step="partition", partition=p) for p in range(event.partitions)]),
                created=event.unix_seconds,
                origin=event.origin,
                relies_on=event.relies_on,
                removes_of=event.removes_of,
            )
        )
        self._tokens.setdefault(id_, []).append(event.token)
        return self._forget_old()

    def _reader_of(self, table: str) -> Job | None:
        """Return a job that relies on a table's backups, or may again if the leader changes now."""
        readers = [job for job in self._jobs.values() if table and job.relies_on == table]
        return next((job for job in readers if self._may_go_on(job)), None)

    def _is_being_removed(self, table: str) -> bool:
        """Tell whether a job removes backups of a table, or may again if the leader changes now."""
        removers = [job for job in self._jobs.values() if table and job.removes_of == table]
        return any(self._may_go_on(job) for job in removers)

    def _may_go_on(self, job: Job) -> bool:
        return not job.state.is_over or not self._is_stored(job.id)

    def _forget_old(self) -> list[JobEffect]:
        # One whose end is not stored yet would be stored again after its removal.
        over = [
            id_ for id_, job in self._jobs.items() if job.state.is_over and self._is_stored(id_)
        ]
        forgotten = over[: max(0, len(over) - KEPT_MAX)]
        for id_ in forgotten:
            del self._jobs[id_]
        return [RemoveJob(id_) for id_ in forgotten]

    def _cancel(self, event: CancelJob) -> list[JobEffect]:
        job = self._jobs.get(event.id)
        if job is None:
            hint = f"there is no job {event.id}"
            return [JobAnswer(event.token, 0, error_names.OBJECT_NOT_FOUND, hint)]
        if job.state.is_over:
            hint = f"job {job.id} is {job.state} already"
            return [JobAnswer(event.token, job.id, error_names.INVALID_STATE, hint)]
        self._tokens.setdefault(job.id, []).append(event.token)
        stops = self._stop_tasks(job)
        if job.state is not JobState.CANCELLING:
            if job.has_made_something:
                self._change(replace(job, state=JobState.CANCELLING, whole=Task(step="abandon")))
            else:
                self._end(job, JobState.CANCELLED, event.unix_seconds)
        return stops

    def _stop_tasks(self, job: Job) -> list[JobEffect]:
        """Tell every server that works, or worked, on the job to forget it."""
        servers = {task.server for task in (*job.parts, job.whole)}
        for key in [each for each in self._watches if each[0] == job.id]:
            del self._watches[key]
        return [Tell(server, TaskStop(job.id)) for server in sorted(filter(None, servers))]

    # Changes, and their way into the store.

    def _change(self, job: Job) -> None:
        self._jobs[job.id] = job
        self._unsaved.add(job.id)

    def _end(self, job: Job, state: JobState, unix_seconds: int) -> None:
        self._change(replace(job, state=state, ended=unix_seconds))

    def _save_changed(self) -> list[JobEffect]:
        effects: list[JobEffect] = []
        for id_ in sorted(self._unsaved - self._saving):
            self._saving.add(id_)
            self._unsaved.discard(id_)
            effects.append(SaveJob(self._jobs[id_]))
        return effects

    def _is_stored(self, id_: int) -> bool:
        return id_ not in self._saving and id_ not in self._unsaved

    def _on_saved(self, id_: int) -> list[JobEffect]:
        self._saving.discard(id_)
        if id_ in self._unsaved:
            return []
        tokens = self._tokens.pop(id_, [])
        return [JobAnswer(token, id_, error_names.OK) for token in tokens]

    # Time.

    def _look(self, look: Look, now_us: int) -> list[JobEffect]:
        effects: list[JobEffect] = []
        # A store that refused is asked again now, not at once: it may be away for a while.
        self._unsaved |= self._failed_saves & set(self._jobs)
        self._saving -= self._failed_saves
        self._failed_saves = set()
        for job in self.jobs:
            if not job.state.is_over:
                effects += self._look_at(job, look, now_us)
        return effects

    def _look_at(self, job: Job, look: Look, now_us: int) -> list[JobEffect]:
        primaries = look.primaries.get(job.app_id)
        if primaries is None:
            dropped = Fault(f"table {job.table} was dropped", "Nothing is to be done.")
            return self._fail(job, dropped, look.unix_seconds)
        reader = self._reader_of(job.removes_of)
        if reader is not None and job.state in (JobState.OPENING, JobState.RUNNING):
            kept = Fault(_why_kept(reader), "It is tried again by itself.")
            return self._fail(job, kept, look.unix_seconds)
        if job.state is JobState.OPENING and self._is_being_removed(job.relies_on):
            return []
        effects: list[JobEffect] = []
        for task in job.due():
            key = (job.id, task.step, task.partition)
            watch = self._watches.setdefault(key, TaskWatch(task.attempt, now_us))
            if task.state is TaskState.WAITING:
                self._assign(self._jobs[job.id], task, watch, primaries, now_us)
            elif now_us - watch.heard_us >= SILENT_US:
                fault = Fault(f"{task.server} was not heard for {SILENT_US // US_PER_SECOND} s")
                effects += self._retry(job.id, task, watch, fault, look.unix_seconds, now_us)
            elif self._is_stored(job.id):
                effects += _order(job, task, watch, now_us)
        return effects

    def _assign(
        self,
        job: Job,
        task: Task,
        watch: TaskWatch,
        primaries: Sequence[NodeName | None],
        now_us: int,
    ) -> None:
        """Give a waiting task a server, once there is one and the pause is over."""
        if now_us < watch.not_before_us:
            return
        if task.step == "partition":
            server = primaries[task.partition]
        else:
            servers = sorted({each for each in primaries if each is not None})
            server = servers[task.attempt % len(servers)] if servers else None
        if server is not None:
            attempt = task.attempt + 1
            watch.begin(attempt, now_us)
            self._change(
                job.with_task(
                    replace(task, state=TaskState.RUNNING, attempt=attempt, server=server)
                )
            )

    def _retry(
        self, id_: int, task: Task, watch: TaskWatch, fault: Fault, unix_seconds: int, now_us: int
    ) -> list[JobEffect]:
        """Give up an attempt; the next one begins after a pause that grows."""
        job = self._jobs[id_]
        watch.failures += 1
        put_off = replace(task, state=TaskState.WAITING, fault=_shortened(fault.message))
        if watch.failures >= FAILURES_MAX:
            return self._fail(job.with_task(put_off), fault, unix_seconds)
        pause_us = min(US_PER_SECOND << (watch.failures - 1), PAUSE_US_MAX)
        watch.begin(task.attempt, now_us)
        watch.not_before_us = now_us + pause_us
        self._change(job.with_task(put_off))
        return []

    def _fail(self, job: Job, fault: Fault, unix_seconds: int) -> list[JobEffect]:
        stops = self._stop_tasks(job)
        state = JobState.CANCELLED if job.state is JobState.CANCELLING else JobState.FAILED
        message = fault.message[:MESSAGE_CHARACTERS_MAX]
        hint = fault.hint[:MESSAGE_CHARACTERS_MAX]
        failed = replace(job, message=message, hint=hint, sqlstate=fault.sqlstate)
        self._end(failed, state, unix_seconds)
        return stops

    # Reports.

    def _on_report(self, report: TaskReport, unix_seconds: int, now_us: int) -> list[JobEffect]:
        job = self._jobs.get(report.job)
        if job is None or job.state.is_over:
            return [Tell(report.node, TaskStop(report.job))]
        task = job.task(report.step, report.partition)
        watch = self.watch(job, task) if task is not None else None
        if task is None or watch is None or not _is_about(report, task):
            return []
        watch.heard_us = now_us
        watch.is_known = True
        watch.rows, watch.bytes = report.rows, report.bytes
        watch.rows_total = report.rows_total
        match report.outcome:
            case Outcome.RUNNING:
                return []
            case Outcome.DONE:
                self._on_done(job, task, report, unix_seconds)
                return []
            case Outcome.FAILED if report.is_final:
                return self._fail(job, fault_of(report), unix_seconds)
            case _:
                return self._retry(job.id, task, watch, fault_of(report), unix_seconds, now_us)

    def _on_done(self, job: Job, task: Task, report: TaskReport, unix_seconds: int) -> None:
        """Note a task's end, and begin what comes behind the last one."""
        del self._watches[job.id, task.step, task.partition]
        done = replace(
            task,
            state=TaskState.DONE,
            rows=report.rows,
            bytes=report.bytes,
            result=report.result,
            fault="",
        )
        job = job.with_task(done)
        match job.state:
            case JobState.OPENING:
                self._change(replace(job, state=JobState.RUNNING, plan=report.result))
            case JobState.RUNNING if job.due():
                self._change(job)
            case JobState.RUNNING:
                self._change(replace(job, state=JobState.FINISHING, whole=Task(step="finish")))
            case JobState.FINISHING:
                job = replace(job, rows=report.rows, bytes=report.bytes)
                self._end(job, JobState.DONE, unix_seconds)
            case _:
                assert job.state is JobState.CANCELLING, job.state
                self._end(job, JobState.CANCELLED, unix_seconds)


def _why_kept(reader: Job) -> str:
    return (
        f"job {reader.id} reads the backups of table {reader.relies_on}; none is removed meanwhile"
    )


def _shortened(fault: str) -> str:
    """Return at most FAULT_CHARACTERS_MAX of a fault: what it is about, and the reason at its end."""
    if len(fault) <= FAULT_CHARACTERS_MAX:
        return fault
    gap = " ... "
    head = FAULT_CHARACTERS_MAX // 3
    return fault[:head] + gap + fault[head + len(gap) - FAULT_CHARACTERS_MAX :]


def _is_about(report: TaskReport, task: Task) -> bool:
    return (
        task.state is TaskState.RUNNING
        and report.attempt == task.attempt
        and report.node == task.server
    )


def _order(job: Job, task: Task, watch: TaskWatch, now_us: int) -> list[JobEffect]:
    """Repeat the order of a running task, when it is time."""
    if watch.ordered_us is not None and now_us - watch.ordered_us < ORDER_US:
        return []
    watch.ordered_us = now_us
    assert task.server is not None
    order = TaskOrder(
        job=job.id,
        kind=job.kind,
        step=task.step,
        app_id=job.app_id,
        partition=task.partition,
        attempt=task.attempt,
        is_known=watch.is_known,
        options=job.options,
        plan=job.plan,
    )
    return [Tell(task.server, order)]
