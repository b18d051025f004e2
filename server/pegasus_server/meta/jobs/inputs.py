"""What can happen to the job machine. Requests carry a token that comes back in a JobAnswer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pegasus_server.meta.jobs.messages import TaskReport
from pegasus_tab.base.ids import NodeName


@dataclass(frozen=True, slots=True, kw_only=True)
class StartJob:
    """Somebody wants a job.

    Attributes:
        kind: of the job.
        table: the table's name.
        app_id: its id.
        partitions: how many it has, >= 1.
        subject: what the job works on; refused while another job works on the same.
        options: JSON.
        unix_seconds: wall clock.
        token: comes back in the answer.
        origin: see Job.
        relies_on: see Job.
        removes_of: see Job.
    """

    kind: str
    table: str
    app_id: int
    partitions: int
    subject: str
    options: str
    unix_seconds: int
    token: object
    origin: str = ""
    relies_on: str = ""
    removes_of: str = ""


@dataclass(frozen=True, slots=True)
class CancelJob:
    """Somebody wants a job to end."""

    id: int
    unix_seconds: int
    token: object


@dataclass(frozen=True, slots=True)
class TaskReported:
    """A server told how a task stands."""

    report: TaskReport
    unix_seconds: int


@dataclass(frozen=True, slots=True)
class JobSaved:
    """The store has the state of a job that the last SaveJob of it held."""

    id: int


@dataclass(frozen=True, slots=True)
class JobNotSaved:
    """The store may or may not have it."""

    id: int


@dataclass(frozen=True, slots=True)
class Look:
    """Time passed; give LOOK_US or less of it.

    Attributes:
        primaries: table id -> the server that leads each partition, None where none does; tables
            that were dropped are missing.
        unix_seconds: wall clock.
    """

    primaries: Mapping[int, Sequence[NodeName | None]]
    unix_seconds: int


JobInput: TypeAlias = StartJob | CancelJob | TaskReported | JobSaved | JobNotSaved | Look
