"""A thread for blocking work that may take its time: engine flushes, checkpoints, preallocation.

Apart from the log's thread, so that a flush never stands between a write and its fdatasync.
"""

import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

JOBS_MAX = 65_536
"""Jobs waiting at most; a job is asked for per replica or table, not per request."""

Result = TypeVar("Result")
Deliver = Callable[[Callable[[], object]], object]
"""``deliver(work)`` has ``work`` called in the owner's thread, in the order of the calls."""


class JobsFullError(Exception):
    """Too many jobs wait; this one was not taken."""


class JobThread:
    """Runs jobs one after the other; outcomes are delivered to the owner's thread.

    Args:
        deliver: how.
        name: of the thread.
        threads: as many jobs run at once, begun in their order.
    """

    def __init__(self, deliver: Deliver, name: str, threads: int = 1) -> None:
        self._deliver = deliver
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=name, daemon=True) for _ in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def run(
        self,
        job: Callable[[], Result],
        done: Callable[[Result], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Have ``job`` run; exactly one of ``done`` and ``failed`` is delivered afterwards.

        Args:
            job: may block; runs in the thread.
            done: gets what the job returned.
            failed: gets the exception the job raised.

        Raises:
            JobsFullError: JOBS_MAX jobs are waiting.
        """
        if self._jobs.qsize() >= JOBS_MAX:
            raise JobsFullError(f"{JOBS_MAX} disk jobs are waiting")
        self._jobs.put(partial(self._run, job, done, failed))

    def stop(self) -> None:
        """Finish the jobs taken so far, then end. Blocks."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _run(
        self,
        job: Callable[[], Result],
        done: Callable[[Result], None],
        failed: Callable[[Exception], None],
    ) -> None:
        try:
            result = job()
        except Exception as error:  # noqa: BLE001 -- whatever it is, whoever asked must hear of it
            self._deliver(partial(failed, error))
        else:
            self._deliver(partial(done, result))
