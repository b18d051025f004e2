"""The thread for slow disk work."""

import queue
import threading
from collections.abc import Callable
from functools import partial

import pytest

from pegasus_server.runtime import disk_jobs
from pegasus_server.runtime.disk_jobs import JobsFullError, JobThread

Work = Callable[[], object]


def test_outcomes_come_in_order() -> None:
    delivered: queue.SimpleQueue[Work] = queue.SimpleQueue()
    jobs = JobThread(delivered.put, "jobs")
    outcomes: list[object] = []
    for text in ("1", "none", "3"):
        jobs.run(partial(int, text), outcomes.append, outcomes.append)
    jobs.stop()
    while not delivered.empty():
        delivered.get()()
    assert (outcomes[0], outcomes[2]) == (1, 3)
    assert isinstance(outcomes[1], ValueError)


def test_queue_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_jobs, "JOBS_MAX", 2)
    delivered: queue.SimpleQueue[Work] = queue.SimpleQueue()
    jobs = JobThread(delivered.put, "jobs")
    running, may_end = threading.Event(), threading.Event()
    results: list[object] = []

    def hold() -> bool:
        running.set()
        return may_end.wait(20)

    jobs.run(hold, results.append, results.append)
    assert running.wait(20)
    for _ in range(2):
        jobs.run(lambda: 1, results.append, results.append)
    with pytest.raises(JobsFullError, match="2 disk jobs are waiting"):
        jobs.run(lambda: 1, results.append, results.append)
    may_end.set()
    jobs.stop()
    assert delivered.qsize() == 3
