"""Drives the job machine of a meta server while it leads. Decides nothing."""

import logging
from collections.abc import Callable, Mapping, Sequence

from pegasus_server.meta.jobs.effects import JobAnswer, JobEffect, RemoveJob, SaveJob, Tell
from pegasus_server.meta.jobs.inputs import JobInput, JobNotSaved, JobSaved, Look, TaskReported
from pegasus_server.meta.jobs.job import Job
from pegasus_server.meta.jobs.jobs import Jobs
from pegasus_server.meta.jobs.messages import TaskOrder, TaskReport, TaskStop
from pegasus_server.runtime.clock import boottime_us, unix_seconds
from pegasus_server.runtime.job_store import JobStore
from pegasus_server.runtime.machine_loop import MachineLoop
from pegasus_tab.base.ids import NodeName

logger = logging.getLogger(__name__)

LOAD_AGAIN_US = 2_000_000
"""Pause after jobs could not be read: a store may be away for a moment."""

Primaries = Callable[[set[int]], Mapping[int, Sequence[NodeName | None]]]
"""Table ids -> who leads each of their partitions; tables that are not served are left out."""


class JobDriver:
    """The job machine with its store.

    Args:
        store: where jobs are kept.
        tell: sends a message to a server; it may be lost.
        primaries: who leads the partitions of some tables.

    Attributes:
        jobs: the machine; None until the stored jobs are read, and while not leading.
    """

    def __init__(
        self,
        store: JobStore,
        tell: Callable[[NodeName, TaskOrder | TaskStop], None],
        primaries: Primaries,
    ) -> None:
        self.jobs: Jobs | None = None
        self._store = store
        self._tell = tell
        self._primaries = primaries
        self._loop: MachineLoop[JobInput, JobEffect] | None = None
        self._is_leading = False
        self._term = 0
        self._load_again_us: int | None = None

    def lead(self, *, is_leading: bool) -> None:
        """Begin or end to lead; call as often as you like."""
        if is_leading == self._is_leading:
            return
        abandoned = [] if self.jobs is None else self.jobs.abandon()
        self._is_leading = is_leading
        self._term += 1
        self.jobs = None
        self._load_again_us = None
        if self._loop is not None:
            self._loop.forget()
            self._loop = None
        for answer in abandoned:
            self._perform(answer)
        if is_leading:
            self._load()

    def _load(self) -> None:
        """Read the jobs; until they are there every request is answered as by a follower."""
        term = self._term
        self._load_again_us = None

        def loaded(jobs: Sequence[Job]) -> None:
            if term == self._term:
                machine = self.jobs = Jobs(jobs)
                self._loop = MachineLoop(
                    lambda event: machine.step(event, boottime_us()), self._perform
                )
                logger.info("%d jobs are stored", len(jobs))

        def failed(reason: str) -> None:
            logger.error("jobs could not be read, none runs until they are: %s", reason)
            if term == self._term:
                self._load_again_us = boottime_us() + LOAD_AGAIN_US

        self._store.load(loaded, failed)

    def take(self, report: TaskReport) -> None:
        """Take what a server says of a task."""
        self.drive(TaskReported(report, unix_seconds()))

    def tick(self) -> None:
        """Let time pass; call every LOOK_US or so."""
        if self._load_again_us is not None and self._load_again_us <= boottime_us():
            self._load()
        if self.jobs is not None and self.jobs.has_work:
            app_ids = {job.app_id for job in self.jobs.jobs if not job.state.is_over}
            self.drive(Look(self._primaries(app_ids), unix_seconds()))

    def drive(self, event: JobInput) -> None:
        """Feed the machine; inputs that come up while effects run wait for their turn."""
        if self._loop is not None:
            self._loop.feed(event)

    def _perform(self, effect: JobEffect) -> None:
        match effect:
            case SaveJob():
                self._save(effect)
            case RemoveJob():
                self._store.remove(effect.id)
            case Tell():
                self._tell(effect.to, effect.message)
            case JobAnswer():
                assert callable(effect.token)
                effect.token(effect)

    def _save(self, effect: SaveJob) -> None:
        term, id_ = self._term, effect.job.id

        def saved() -> None:
            if term == self._term:
                self.drive(JobSaved(id_))

        def failed(reason: str) -> None:
            logger.error("job %d could not be stored: %s", id_, reason)
            if term == self._term:
                self.drive(JobNotSaved(id_))

        self._store.save(effect.job, saved, failed)
