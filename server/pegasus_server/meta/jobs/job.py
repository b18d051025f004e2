"""A job and its tasks, as they are stored."""

from dataclasses import dataclass, replace
from enum import StrEnum

from pegasus_tab.base.ids import NodeName


class JobState(StrEnum):
    """Where a job is; the first four are under way.

    OPENING -> RUNNING -> FINISHING -> DONE; from each of these CANCELLING -> CANCELLED, or FAILED.
    """

    OPENING = "opening"
    RUNNING = "running"
    FINISHING = "finishing"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Nothing happens any more."""
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class TaskState(StrEnum):
    """Where a task is: not ordered yet, ordered from a server, or done."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One step of a job, of one partition or of the whole table.

    Invariant: RUNNING has a server and ``attempt`` >= 1.

    Attributes:
        step: open, partition, finish or abandon.
        partition: index; 0 for a step of the whole table.
        state: see TaskState.
        attempt: how often it was ordered anew; an answer to an earlier one is void.
        server: who has it, or had it last.
        rows: once done.
        bytes: once done.
        result: what the worker answered once done, JSON; its meaning is the kind's.
        fault: what the last failed attempt met; empty for none.
    """

    step: str
    partition: int = 0
    state: TaskState = TaskState.WAITING
    attempt: int = 0
    server: NodeName | None = None
    rows: int = 0
    bytes: int = 0
    result: str = ""
    fault: str = ""

    def __post_init__(self) -> None:
        """Assert the invariant."""
        is_ordered = self.server is not None and self.attempt >= 1
        assert is_ordered or self.state is not TaskState.RUNNING, self


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job.

    Invariant: partitions are worked on only in RUNNING; ``whole`` is the step of the other states.

    Attributes:
        id: counts from 1 in the cluster.
        kind: export and others; see pegasus_server.transfer.
        table: its name when the job began.
        app_id: its id.
        subject: of the jobs under way none has the same; what they work on.
        options: JSON; its meaning is the kind's.
        state: see JobState.
        whole: the step of the whole table that is due or was last.
        parts: one task per partition.
        plan: result of the ``open`` step, handed to all later ones; empty before.
        rows: of all partitions, once the job is done.
        bytes: likewise.
        created: unix seconds.
        ended: unix seconds; 0 while under way.
        message: why it failed; empty otherwise.
        hint: what to do then.
        sqlstate: of the failure.
        origin: what a policy knows it by; empty for a client's job.
        relies_on: table whose backups it reads, so that none may go meanwhile; empty for none.
        removes_of: table of whose backups it removes some; empty for none.
    """

    id: int
    kind: str
    table: str
    app_id: int
    subject: str
    options: str
    state: JobState = JobState.OPENING
    whole: Task = Task(step="open")
    parts: tuple[Task, ...] = ()
    plan: str = ""
    rows: int = 0
    bytes: int = 0
    created: int = 0
    ended: int = 0
    message: str = ""
    hint: str = ""
    sqlstate: str = ""
    origin: str = ""
    relies_on: str = ""
    removes_of: str = ""

    @property
    def has_made_something(self) -> bool:
        """There is something to abandon: what ``open`` made, or the new table that a restore fills."""
        return bool(self.plan or self.relies_on)

    @property
    def has_begun(self) -> bool:
        """A server works, or worked, on what the job is for."""
        is_opened = self.state in (JobState.RUNNING, JobState.FINISHING)
        return is_opened or (self.state is JobState.OPENING and self.whole.attempt > 0)

    def due(self) -> tuple[Task, ...]:
        """Return the tasks that the job's state calls for and that are not done."""
        if self.state.is_over:
            return ()
        tasks = self.parts if self.state is JobState.RUNNING else (self.whole,)
        return tuple([task for task in tasks if task.state is not TaskState.DONE])

    def with_task(self, task: Task) -> "Job":
        """Return the job with one task in a new state."""
        if task.step != "partition":
            return replace(self, whole=task)
        parts = list(self.parts)
        parts[task.partition] = task
        return replace(self, parts=tuple(parts))

    def task(self, step: str, partition: int) -> Task | None:
        """Return a task that is due, by its name."""
        for each in self.due():
            if (each.step, each.partition) == (step, partition):
                return each
        return None
