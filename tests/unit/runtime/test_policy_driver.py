"""The policy driver: stored policies are read again after a failure, and their jobs are begun."""

from collections.abc import Callable

import pytest

from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.jobs.job import Job
from pegasus_server.meta.policies.effects import PolicyAnswer
from pegasus_server.meta.policies.inputs import CreatePolicy, DropPolicy
from pegasus_server.meta.policies.policies import LOOK_SECONDS
from pegasus_server.meta.policies.policy import StoredPolicies
from pegasus_server.meta.table import Table, TableStatus
from pegasus_server.meta.table_envs import RESTORE_ENV
from pegasus_server.runtime import policy_driver
from pegasus_server.runtime.job_driver import JobDriver
from pegasus_server.runtime.policy_driver import PolicyDriver
from pegasus_tab.base.ids import Ballot


class FakeJobStore:
    """Takes everything, and remembers the last it took.

    Attributes:
        saved: jobs by number.
        failed: whom nothing was told yet.
    """

    def __init__(self) -> None:
        self.saved: dict[int, Job] = {}
        self.failed: list[Callable[[str], None]] = []

    def load(self, done: Callable[[list[Job]], None], failed: Callable[[str], None]) -> None:
        self.failed.append(failed)
        done([])

    def save(self, job: Job, done: Callable[[], None], failed: Callable[[str], None]) -> None:
        self.failed.append(failed)
        self.saved[job.id] = job
        done()

    def remove(self, id_: int) -> None:
        """Remove nothing."""


class FakePolicyStore:
    """Takes everything, once it works."""

    def __init__(self) -> None:
        self.works = True
        self.stored = StoredPolicies()

    def load(self, done: Callable[[StoredPolicies], None], failed: Callable[[str], None]) -> None:
        if self.works:
            done(self.stored)
        else:
            failed("the disk is away")

    def save(
        self, stored: StoredPolicies, done: Callable[[], None], failed: Callable[[str], None]
    ) -> None:
        if self.works:
            self.stored = stored
            done()
        else:
            failed("the disk is away")


def table(app_id: int, name: str, envs: dict[str, str]) -> Table:
    return Table(
        app_id=app_id,
        name=name,
        status=TableStatus.AVAILABLE,
        max_replica_count=1,
        ballots=(Ballot(1), Ballot(1)),
        create_second=1_700_000_000,
        envs=envs,
    )


class World:
    """Both drivers, two tables one of which is being restored, and a clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_us = 10_000_000
        monkeypatch.setattr(policy_driver, "boottime_us", lambda: self.now_us)
        tables = {1: table(1, "t", {}), 2: table(2, "half", {RESTORE_ENV: "{}"})}
        self.store = FakePolicyStore()
        self.jobs = JobDriver(FakeJobStore(), lambda *_: None, lambda _: {})
        self.driver = PolicyDriver(self.store, self.jobs, lambda: ClusterState(3, tables))
        self.answers: list[str] = []

    def lead(self, *, is_leading: bool = True) -> None:
        self.driver.lead(is_leading=is_leading)
        self.jobs.lead(is_leading=is_leading)

    def look(self) -> None:
        self.now_us += LOOK_SECONDS * 1_000_000
        self.driver.tick()

    def answered(self, answer: PolicyAnswer) -> None:
        self.answers.append(answer.error)

    def create(self) -> None:
        self.driver.drive(
            CreatePolicy(
                name="p",
                tables=(),
                target="/b",
                every_seconds=60,
                keep=3,
                bytes_per_second=0,
                first_at=0,
                token=self.answered,
            )
        )

    def begun(self) -> list[tuple[str, str]]:
        assert self.jobs.jobs is not None
        return [(job.kind, job.table) for job in self.jobs.jobs.jobs]


def test_a_policy_begins_jobs_of_tables_that_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    world.lead()
    world.create()
    assert world.answers == ["ERR_OK"]
    for _ in range(5):
        world.look()
    assert world.begun() == [("backup", "t")]
    assert world.jobs.jobs is not None
    (job,) = world.jobs.jobs.jobs
    assert '"chain_max": 3' in job.options


def test_policies_that_cannot_be_read_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    world.store.works = False
    world.lead()
    world.look()
    assert (world.driver.policies, world.driver.fault) == (None, "the disk is away")
    world.store.works = True
    world.look()
    world.create()
    assert (world.answers, world.driver.fault) == (["ERR_OK"], "")


def test_who_waits_when_the_leader_goes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    world.lead()
    world.store.works = False
    world.create()
    assert world.answers == []
    world.lead(is_leading=False)
    assert world.answers == ["ERR_TIMEOUT"]
    world.driver.drive(DropPolicy("p", world.answered))
    assert world.answers == ["ERR_TIMEOUT"], "nobody is here to answer"
