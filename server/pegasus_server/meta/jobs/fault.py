"""What a task's attempt met, as its job tells it if that was the last one."""

from dataclasses import dataclass

from pegasus_server.meta.jobs.messages import Outcome, TaskReport

GO_ON = "Remove the cause, then run the same statement again: it resumes."
SYSTEM_ERROR = "58000"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an attempt failed.

    Attributes:
        message: one sentence.
        hint: what to do.
        sqlstate: five characters.
    """

    message: str
    hint: str = GO_ON
    sqlstate: str = SYSTEM_ERROR


def fault_of(report: TaskReport) -> Fault:
    """Return what a report says that is not of success."""
    match report.outcome:
        case Outcome.LOST:
            return Fault(f"{report.node} was restarted")
        case Outcome.NOT_HERE:
            return Fault(f"{report.node} does not lead the partition any more")
        case _ if report.is_final:
            return Fault(report.message, report.hint, report.sqlstate)
        case _:
            return Fault(report.message, report.hint or GO_ON, report.sqlstate or SYSTEM_ERROR)
