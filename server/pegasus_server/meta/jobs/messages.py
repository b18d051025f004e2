"""What meta and the servers say to each other about tasks.

Meta repeats an order as long as the task is due, and each order is answered with a report; nothing
else keeps the two in step, so every message may be lost.
"""

from dataclasses import dataclass
from enum import StrEnum

from pegasus_tab.base.ids import NodeName


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOrder:
    """Meta to a server: work on this task, and say how far it is.

    Attributes:
        job: its number.
        kind: of the job.
        step: which part of it.
        app_id: the table.
        partition: index; 0 for a step of the whole table.
        attempt: which attempt it is.
        is_known: the server has answered this attempt before; if it does not remember, it was
            restarted, and the attempt is lost.
        options: of the job, JSON.
        plan: of the job, JSON; empty before there is one.
    """

    job: int
    kind: str
    step: str
    app_id: int
    partition: int
    attempt: int
    is_known: bool
    options: str
    plan: str


@dataclass(frozen=True, slots=True)
class TaskStop:
    """Meta to a server: forget every task of this job."""

    job: int


class Outcome(StrEnum):
    """How a task stands at a server."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    LOST = "lost"
    """It is not known here any more."""
    NOT_HERE = "not here"
    """This server does not lead the partition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReport:
    """A server to meta: how a task stands.

    Attributes:
        node: who says so.
        job: as in the order, like ``step``, ``partition`` and ``attempt``.
        outcome: see Outcome.
        rows: done so far.
        bytes: written so far.
        rows_total: an estimate; 0 if there is none.
        result: once DONE, JSON.
        message: once FAILED: why.
        hint: what to do then.
        sqlstate: of the failure.
        is_final: trying again cannot help.
    """

    node: NodeName
    job: int
    step: str
    partition: int
    attempt: int
    outcome: Outcome
    rows: int = 0
    bytes: int = 0
    rows_total: int = 0
    result: str = ""
    message: str = ""
    hint: str = ""
    sqlstate: str = ""
    is_final: bool = False
