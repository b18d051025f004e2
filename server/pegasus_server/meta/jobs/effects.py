"""What the job machine asks for."""

from dataclasses import dataclass
from typing import TypeAlias

from pegasus_server.meta.jobs.job import Job
from pegasus_server.meta.jobs.messages import TaskOrder, TaskStop
from pegasus_tab.base.ids import NodeName


@dataclass(frozen=True, slots=True)
class SaveJob:
    """Store a job, replacing what is stored of it; answer with JobSaved or JobNotSaved."""

    job: Job


@dataclass(frozen=True, slots=True)
class RemoveJob:
    """Remove a job that ended long ago from the store; no answer is expected."""

    id: int


@dataclass(frozen=True, slots=True)
class Tell:
    """Send a message to a server; it may be lost."""

    to: NodeName
    message: TaskOrder | TaskStop


@dataclass(frozen=True, slots=True)
class JobAnswer:
    """Answer a request.

    Attributes:
        token: the request's.
        id: the job's number; 0 when there is none.
        error: an error name, ERR_OK for success.
        hint: what is wrong; empty for success.
    """

    token: object
    id: int
    error: str
    hint: str = ""


JobEffect: TypeAlias = SaveJob | RemoveJob | Tell | JobAnswer
