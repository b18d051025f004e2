"""The job machine with fake servers, a fake store and lossy messages, in simulated time.

Judges look at every step: no order leaves before the store has the attempt it is for, a stored job
never goes back, what a request was answered with is in the store, and nobody removes backups that
somebody reads.
"""

import random
from dataclasses import dataclass, field

from pegasus_server.meta.jobs.effects import JobAnswer, RemoveJob, SaveJob, Tell
from pegasus_server.meta.jobs.inputs import (
    CancelJob,
    JobInput,
    JobNotSaved,
    JobSaved,
    Look,
    StartJob,
    TaskReported,
)
from pegasus_server.meta.jobs.job import Job, TaskState
from pegasus_server.meta.jobs.jobs import LOOK_US, Jobs
from pegasus_server.meta.jobs.messages import Outcome, TaskOrder, TaskReport, TaskStop
from pegasus_tab.base.ids import NodeName

APP_ID = 7
Key = tuple[int, str, int]


@dataclass
class FakeServer:
    """Works on tasks: each takes some steps, then is done or fails as told."""

    name: NodeName
    steps_to_go: dict[Key, int] = field(default_factory=dict)
    attempts: dict[Key, int] = field(default_factory=dict)
    is_up: bool = True

    def take(self, message: TaskOrder | TaskStop, world: "JobWorld") -> TaskReport | None:
        if isinstance(message, TaskStop):
            for key in [each for each in self.attempts if each[0] == message.job]:
                del self.attempts[key]
            return None
        key = (message.job, message.step, message.partition)
        known = self.attempts.get(key)
        if known is not None and known > message.attempt:
            return None
        if known != message.attempt:
            if message.is_known:
                return self.report(message, Outcome.LOST)
            if message.step == "partition" and world.primaries[message.partition] != self.name:
                return self.report(message, Outcome.NOT_HERE)
            self.attempts[key] = message.attempt
            self.steps_to_go[key] = world.steps or world.chance.randrange(1, 4)
            world.begun.append((self.name, *key, message.attempt))
        if self.steps_to_go[key]:
            self.steps_to_go[key] -= 1
            return self.report(message, Outcome.RUNNING)
        fault = world.faults.get(message.step)
        if fault is not None:
            return self.report(message, Outcome.FAILED, fault)
        return self.report(message, Outcome.DONE)

    def report(
        self, order: TaskOrder, outcome: Outcome, fault: tuple[str, bool] = ("", False)
    ) -> TaskReport:
        return TaskReport(
            node=self.name,
            job=order.job,
            step=order.step,
            partition=order.partition,
            attempt=order.attempt,
            outcome=outcome,
            rows=10,
            bytes=100,
            rows_total=10,
            result="{}" if outcome is Outcome.DONE else "",
            message=fault[0],
            sqlstate="58030" if fault[0] else "",
            is_final=fault[1],
        )

    def restart(self) -> None:
        self.attempts.clear()
        self.steps_to_go.clear()


class JobWorld:
    """Everything; ``chance`` decides losses."""

    def __init__(self, servers: int = 3, partitions: int = 4, seed: int = 0) -> None:
        self.chance = random.Random(seed)
        self.now_us = 0
        self.loss = 0.0
        self.save_loss = 0.0
        self.servers = {
            NodeName(f"r{i}"): FakeServer(NodeName(f"r{i}")) for i in range(1, servers + 1)
        }
        names = list(self.servers)
        self.primaries: list[NodeName | None] = [names[i % servers] for i in range(partitions)]
        self.is_dropped = False
        self.stored: dict[int, Job] = {}
        self.jobs = Jobs()
        self.answers: list[JobAnswer] = []
        self.begun: list[tuple[object, ...]] = []
        self.faults: dict[str, tuple[str, bool]] = {}
        self.store_works = True
        self.steps = 0

    # What people do.

    def start(
        self,
        subject: str = "export of t",
        options: str = "{}",
        *,
        relies_on: str = "",
        removes_of: str = "",
    ) -> None:
        partitions = len(self.primaries)
        kind = "restore" if relies_on else "prune" if removes_of else "export"
        self.step(
            StartJob(
                kind=kind,
                table="t",
                app_id=APP_ID,
                partitions=partitions,
                subject=subject,
                options=options,
                unix_seconds=self.unix,
                token=object(),
                relies_on=relies_on,
                removes_of=removes_of,
            )
        )

    def cancel(self, id_: int) -> None:
        self.step(CancelJob(id_, self.unix, object()))

    def new_leader(self) -> None:
        """What the old one had not stored is gone."""
        self.jobs = Jobs(self.stored.values())

    def job(self, id_: int = 1) -> Job:
        return {job.id: job for job in self.jobs.jobs}[id_]

    def run(self, seconds: float) -> None:
        end_us = self.now_us + int(seconds * 1e6)
        while self.now_us < end_us:
            self.now_us += LOOK_US
            primaries = {} if self.is_dropped else {APP_ID: tuple(self.primaries)}
            self.step(Look(primaries, self.unix))

    def run_until_begun(self, step: str) -> None:
        """Run until a server works on a step."""
        while step not in {begun[2] for begun in self.begun}:
            self.run(0.2)

    def run_until_over(self, id_: int = 1, seconds: float = 600) -> Job:
        end_us = self.now_us + int(seconds * 1e6)
        while not self.job(id_).state.is_over:
            assert self.now_us < end_us, self.job(id_)
            self.run(1)
        return self.job(id_)

    @property
    def unix(self) -> int:
        return 1_000_000 + self.now_us // 1_000_000

    # The machine, and the judges.

    def step(self, event: JobInput) -> None:
        waiting = [event]
        while waiting:
            for effect in self.jobs.step(waiting.pop(0), self.now_us):
                match effect:
                    case SaveJob(job=job):
                        waiting.append(self._save(job))
                    case RemoveJob(id=id_):
                        del self.stored[id_]
                    case JobAnswer():
                        assert effect.error != "ERR_OK" or effect.id in self.stored
                        self.answers.append(effect)
                    case Tell(to=to, message=message):
                        self._judge(to, message)
                        waiting += self._deliver(to, message)

    def _save(self, job: Job) -> JobInput:
        before = self.stored.get(job.id)
        if before is not None:
            assert not before.state.is_over or before == job, "a job that ended changes"
            for old, new in zip(before.parts, job.parts, strict=True):
                assert new.attempt >= old.attempt
                assert old.state is not TaskState.DONE or new.state is TaskState.DONE
        if not self.store_works:
            return JobNotSaved(job.id)
        is_lost = self.chance.random() < self.save_loss
        if not is_lost or self.chance.random() < 0.5:
            self.stored[job.id] = job
        return JobNotSaved(job.id) if is_lost else JobSaved(job.id)

    def _judge(self, to: NodeName, message: TaskOrder | TaskStop) -> None:
        if isinstance(message, TaskOrder):
            task = self.stored[message.job].task(message.step, message.partition)
            assert task is not None, message
            assert (task.attempt, task.server) == (message.attempt, to), (task, message)
            job = self.stored[message.job]
            assert job.plan == message.plan
            others = [each for each in self.stored.values() if not each.state.is_over]
            removed = {each.removes_of for each in others} - {""}
            is_abandoned = message.step == "abandon"
            assert is_abandoned or job.relies_on not in removed, "what is read may be removed"

    def _deliver(self, to: NodeName, message: TaskOrder | TaskStop) -> list[JobInput]:
        server = self.servers.get(to)
        if server is None or not server.is_up or self.chance.random() < self.loss:
            return []
        report = server.take(message, self)
        if report is None or self.chance.random() < self.loss:
            return []
        return [TaskReported(report, self.unix)]
