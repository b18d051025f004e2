"""The policy machine with a fake store and a fake job machine, on a wall clock that tests move.

Judges look at every step: nothing is asked for before the store has the state it follows from; a
table has at most one backup or prune under way; a prune follows a finished backup of its table; and
no errand is carried out twice.
"""

import random
from dataclasses import replace

from pegasus_server.meta.jobs.job import Job, JobState
from pegasus_server.meta.policies.effects import PolicyAnswer, SavePolicies, StartErrand
from pegasus_server.meta.policies.inputs import (
    AlterPolicy,
    CreatePolicy,
    DropPolicy,
    ErrandAnswered,
    LookAtClock,
    PoliciesNotSaved,
    PoliciesSaved,
    PolicyInput,
)
from pegasus_server.meta.policies.policies import Policies
from pegasus_server.meta.policies.policy import Policy, StoredPolicies

DAY = 86_400


class PolicyWorld:
    """Everything; ``chance`` decides what is lost.

    Attributes:
        now: unix seconds.
        job_seconds: how long a job takes.
        faults: (kind, table) -> (message, SQLSTATE) of jobs that fail.
        done: (began, kind, table, full) of each job that was done, in order.
        save_loss: how many saves go wrong, 0 to 1.
        refused: (kind, table) -> why the job machine does not begin such a job.
    """

    def __init__(self, *tables: str, seed: int = 0) -> None:
        self.chance = random.Random(seed)
        self.now = 100 * DAY
        self.tables = set(tables)
        self.job_seconds = 30
        self.faults: dict[tuple[str, str], tuple[str, str]] = {}
        self.refused: dict[tuple[str, str], str] = {}
        self.store_works = True
        self.save_loss = 0.0
        self.jobs: dict[int, Job] = {}
        self.full: dict[int, bool] = {}
        self.stored = StoredPolicies()
        self.answers: list[PolicyAnswer] = []
        self.done: list[tuple[int, str, str, bool]] = []
        self.policies = Policies()

    # What people do.

    def create(
        self,
        *tables: str,
        name: str = "p",
        keep: int = 3,
        every: int = DAY,
        first_at: int = 0,
    ) -> None:
        self.step(
            CreatePolicy(
                name=name,
                tables=tables,
                target="/backups",
                every_seconds=every,
                keep=keep,
                bytes_per_second=0,
                first_at=first_at,
                token=object(),
            )
        )

    def alter(
        self,
        every: int | None = None,
        keep: int | None = None,
        is_paused: bool | None = None,
        name: str = "p",
    ) -> None:
        self.step(
            AlterPolicy(
                name=name, every_seconds=every, keep=keep, is_paused=is_paused, token=object()
            )
        )

    def drop(self, name: str = "p") -> None:
        self.step(DropPolicy(name, object()))

    def new_leader(self) -> None:
        """What the old one had not stored is gone; jobs stay."""
        self.policies = Policies(self.stored)

    @property
    def policy(self) -> Policy:
        (policy,) = self.policies.policies
        return policy

    def kinds(self) -> list[tuple[str, str]]:
        return [(kind, table) for _, kind, table, _ in self.done]

    # Time.

    def run(self, seconds: int, every: int = 1) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += every
            self._end_jobs()
            self.step(LookAtClock(frozenset(self.tables), tuple(self.jobs.values())))

    def _end_jobs(self) -> None:
        for id_, job in self.jobs.items():
            if job.state.is_over or 0 <= self.now - job.created < self.job_seconds:
                continue
            fault = self.faults.get((job.kind, job.table))
            if fault is None:
                self.jobs[id_] = replace(job, state=JobState.DONE)
                self.done.append((job.created, job.kind, job.table, self.full[id_]))
            else:
                message, sqlstate = fault
                state = JobState.FAILED
                self.jobs[id_] = replace(job, state=state, message=message, sqlstate=sqlstate)

    # The machine, and the judges.

    def step(self, event: PolicyInput) -> None:
        waiting = [event]
        while waiting:
            for effect in self.policies.step(waiting.pop(0), self.now):
                match effect:
                    case SavePolicies(stored=stored):
                        waiting.append(self._save(stored))
                    case StartErrand():
                        self._judge(effect)
                        waiting.append(self._start(effect))
                    case PolicyAnswer():
                        self.answers.append(effect)

    def _save(self, stored: StoredPolicies) -> PolicyInput:
        if not self.store_works:
            return PoliciesNotSaved()
        self.stored = stored
        return PoliciesNotSaved() if self.chance.random() < self.save_loss else PoliciesSaved()

    def _judge(self, effect: StartErrand) -> None:
        assert effect.policy in self.stored.policies, "not stored"
        table, step = effect.errand.table, effect.errand.step
        for job in self.jobs.values():
            assert job.state.is_over or job.table != table, f"two at a time of {table}"
            assert job.origin != effect.origin, "an errand is carried out twice"
        if step == "prune":
            round_ = effect.policy.round
            assert round_ is not None
            assert any(
                job.kind == "backup" and job.table == table and job.state is JobState.DONE
                for job in self.jobs.values()
            ), "nothing to verify"

    def _start(self, effect: StartErrand) -> PolicyInput:
        hint = self.refused.get((effect.errand.step, effect.errand.table))
        if hint is not None:
            return ErrandAnswered(effect.policy.id, "ERR_INVALID_STATE", hint)
        id_ = len(self.jobs) + 1
        self.full[id_] = effect.is_full
        self.jobs[id_] = Job(
            id=id_,
            kind=effect.errand.step,
            table=effect.errand.table,
            app_id=1,
            subject="",
            options="{}",
            created=self.now,
            origin=effect.origin,
        )
        return ErrandAnswered(effect.policy.id, "ERR_OK")
