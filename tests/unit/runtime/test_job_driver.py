"""The job machine begins with what the store holds, also if the store is away at first."""

from collections.abc import Callable

import pytest

from pegasus_server.meta.jobs.inputs import StartJob
from pegasus_server.meta.jobs.job import Job
from pegasus_server.runtime import job_driver
from pegasus_server.runtime.job_driver import LOAD_AGAIN_US, JobDriver

STORED = Job(id=3, kind="export", table="t", app_id=1, subject="s", options="{}")


class FakeStore:
    """Answers when told to."""

    def __init__(self) -> None:
        self.loads: list[tuple[Callable[[list[Job]], None], Callable[[str], None]]] = []

    def load(self, done: Callable[[list[Job]], None], failed: Callable[[str], None]) -> None:
        self.loads.append((done, failed))

    def save(self, job: Job, done: Callable[[], None], failed: Callable[[str], None]) -> None:
        """Answer nothing."""

    def remove(self, id_: int) -> None:
        """Remove nothing."""


@pytest.fixture
def now_us(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    now_us = [1_000_000]
    monkeypatch.setattr(job_driver, "boottime_us", lambda: now_us[0])
    return now_us


def test_jobs_that_cannot_be_read_are_read_again(now_us: list[int]) -> None:
    store = FakeStore()
    driver = JobDriver(store, lambda *_: None, lambda _: {})
    driver.lead(is_leading=True)
    store.loads[0][1]("the connection broke")
    driver.tick()
    assert len(store.loads) == 1, "not at once"
    now_us[0] += LOAD_AGAIN_US
    driver.tick()
    driver.tick()
    assert len(store.loads) == 2
    store.loads[1][0]([STORED])
    assert driver.jobs is not None
    assert driver.jobs.jobs == (STORED,)


def test_a_failure_of_an_earlier_term_begins_nothing(now_us: list[int]) -> None:
    store = FakeStore()
    driver = JobDriver(store, lambda *_: None, lambda _: {})
    driver.lead(is_leading=True)
    driver.lead(is_leading=False)
    store.loads[0][1]("the session ended")
    now_us[0] += LOAD_AGAIN_US
    driver.tick()
    assert len(store.loads) == 1


def test_who_waits_is_answered_when_the_term_ends() -> None:
    store, errors = FakeStore(), []
    driver = JobDriver(store, lambda *_: None, lambda _: {})
    driver.lead(is_leading=True)
    store.loads[0][0]([])
    driver.drive(
        StartJob(
            kind="export",
            table="t",
            app_id=1,
            partitions=1,
            subject="export of t",
            options="{}",
            unix_seconds=0,
            token=lambda answer: errors.append(answer.error),
        )
    )
    assert errors == []
    driver.lead(is_leading=False)
    assert errors == ["ERR_TIMEOUT"]
