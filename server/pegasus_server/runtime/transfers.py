"""The tasks of jobs that a server works on, one worker process each.

A partition's checkpoint is made when its order arrives, also if it must wait for a free worker: the
partitions of a table are then pinned at nearly the same moment.
"""

import json
import logging
import os
import shutil
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pegasus_server.meta.jobs.messages import Outcome, TaskOrder, TaskReport, TaskStop
from pegasus_server.runtime.background import RunInBackground
from pegasus_server.runtime.clock import boottime_seconds, unix_seconds
from pegasus_server.runtime.transfer_process import TransferProcess
from pegasus_server.storage.rocks import RocksEngine
from pegasus_server.transfer.order import Done, Failed, Progress, WorkerOrder
from pegasus_tab.base.ids import Decree, Gpid, NodeName

logger = logging.getLogger(__name__)

CHECKPOINT_KINDS = frozenset({"export", "backup"})
"""Jobs whose partition steps read a checkpoint."""
FORGOTTEN_SECONDS = 120.0
"""A task that meta did not ask for in so long is given up: its job is over, or another has it."""
IDLE_SECONDS = 10.0
"""Workers without work are kept for so long, for the next partition."""


@dataclass(eq=False, slots=True)
class _Transfer:
    """One task.

    Attributes:
        order: what it is.
        asked_seconds: when meta last asked for it.
        checkpoint: where its checkpoint is or will be; None without one.
        decree: of the checkpoint.
        pinned: unix seconds at which it was made.
        process: its worker, None before and after.
        progress: what the worker last said.
        outcome: how it ended; None before.
        is_dropped: nobody wants it any more.
    """

    order: TaskOrder
    asked_seconds: float
    checkpoint: Path | None = None
    decree: int = 0
    pinned: int = 0
    process: TransferProcess | None = None
    progress: Progress = Progress()  # noqa: RUF009 -- frozen
    outcome: Done | Failed | None = None
    is_dropped: bool = False


class Doors(NamedTuple):
    """Where a worker reaches its server and meta, as a client would.

    Attributes:
        server: "host:port".
        metas: likewise.
    """

    server: str
    metas: tuple[str, ...]


class Transfers:
    """All tasks of one server.

    Invariant: at most ``workers_max`` workers move rows; steps of a whole table do not count.

    Args:
        reactor: Twisted's.
        node: this server.
        folder: for checkpoints, on the disk of the data; what an earlier life left is removed.
        engine_led: the engine of a partition that this server leads, None for any other.
        run_in_background: for making and removing checkpoints.
        report: sends a report to the meta leader.
        doors: what workers are told of where to reach whom.
    """

    def __init__(
        self,
        reactor: Any,
        node: NodeName,
        folder: Path,
        engine_led: Callable[[Gpid], RocksEngine | None],
        run_in_background: RunInBackground,
        report: Callable[[TaskReport], None],
        doors: Callable[[], Doors],
    ) -> None:
        self._reactor = reactor
        self._node = node
        self._folder = folder
        self._engine_led = engine_led
        self._run_in_background = run_in_background
        self._report = report
        self._doors = doors
        self._workers_max = max(1, len(os.sched_getaffinity(0)) // 2)
        self._workers = 0
        self._tasks: dict[tuple[int, str, int], _Transfer] = {}
        self._ready: deque[_Transfer] = deque()
        self._idle: list[TransferProcess] = []
        self._idle_seconds = 0.0
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir()

    def take(self, message: TaskOrder | TaskStop) -> None:
        """Take what meta says."""
        if isinstance(message, TaskStop):
            for key in [each for each in self._tasks if each[0] == message.job]:
                self._drop(key)
            return
        key = (message.job, message.step, message.partition)
        task = self._tasks.get(key)
        if task is not None and task.order.attempt > message.attempt:
            return  # an order that was long under way
        if task is not None and task.order.attempt < message.attempt:
            self._drop(key)
            task = None
        if task is None and message.is_known:
            self._say(message, Outcome.LOST)
            return
        if task is None:
            task = self._begin(key, message)
            if task is None:
                self._say(message, Outcome.NOT_HERE)
                return
        task.asked_seconds = boottime_seconds()
        self._tell(task)

    def tick(self) -> None:
        """Give up what nobody asks for; call every few seconds."""
        limit = boottime_seconds() - FORGOTTEN_SECONDS
        for key in [key for key, task in self._tasks.items() if task.asked_seconds < limit]:
            self._drop(key)
        if boottime_seconds() - self._idle_seconds >= IDLE_SECONDS:
            self._dismiss()

    def stop(self) -> None:
        """End all workers."""
        for key in list(self._tasks):
            self._drop(key)
        self._dismiss()

    def _dismiss(self) -> None:
        for process in self._idle:
            process.kill()
        self._idle.clear()

    # Reports.

    def _say(self, order: TaskOrder, outcome: Outcome) -> None:
        self._report(
            TaskReport(
                node=self._node,
                job=order.job,
                step=order.step,
                partition=order.partition,
                attempt=order.attempt,
                outcome=outcome,
            )
        )

    def _tell(self, task: _Transfer) -> None:
        order, outcome = task.order, task.outcome
        is_failed = isinstance(outcome, Failed)
        state = Outcome.FAILED if is_failed else Outcome.DONE if outcome else Outcome.RUNNING
        counted = outcome if isinstance(outcome, Done) else task.progress
        self._report(
            TaskReport(
                node=self._node,
                job=order.job,
                step=order.step,
                partition=order.partition,
                attempt=order.attempt,
                outcome=state,
                rows=counted.rows,
                bytes=counted.bytes,
                rows_total=task.progress.rows_total,
                result=json.dumps(outcome.result) if isinstance(outcome, Done) else "",
                message=outcome.message if isinstance(outcome, Failed) else "",
                hint=outcome.hint if isinstance(outcome, Failed) else "",
                sqlstate=outcome.sqlstate if isinstance(outcome, Failed) else "",
                is_final=isinstance(outcome, Failed) and outcome.is_final,
            )
        )

    # A task's way: checkpoint, ready, worker, end.

    def _begin(self, key: tuple[int, str, int], order: TaskOrder) -> _Transfer | None:
        """Begin a task; None if it cannot be done here."""
        task = _Transfer(order, boottime_seconds())
        if order.step != "partition":
            self._tasks[key] = task
            self._start(task)
            return task
        if order.kind not in CHECKPOINT_KINDS:
            self._tasks[key] = task
            self._enqueue(task)
            return task
        engine = self._engine_led(Gpid(order.app_id, order.partition))
        if engine is None:
            return None
        self._tasks[key] = task
        self._pin(task, engine)
        return task

    def _pin(self, task: _Transfer, engine: RocksEngine) -> None:
        """Make the checkpoint: hard links, and a flush of what is only in memory."""
        order = task.order
        path = self._folder / f"{order.job}.{order.partition}.{order.attempt}"
        task.checkpoint = path

        def make() -> Decree:
            if path.exists():
                shutil.rmtree(path)
            return engine.checkpoint(path)

        def made(decree: Decree) -> None:
            task.decree = decree
            task.pinned = unix_seconds()
            if task.is_dropped:
                self._remove_checkpoint(task)
            else:
                self._enqueue(task)

        def failed(error: Exception) -> None:
            self._end(task, Failed(message=f"no checkpoint could be made: {error}"))

        self._run_in_background(make, made, failed)

    def _enqueue(self, task: _Transfer) -> None:
        self._ready.append(task)
        self._start_ready()

    def _start_ready(self) -> None:
        while self._ready and self._workers < self._workers_max:
            task = self._ready.popleft()
            if not task.is_dropped:
                self._workers += 1
                self._start(task)

    def _start(self, task: _Transfer) -> None:
        def on_progress(progress: Progress) -> None:
            task.progress = progress

        def leave_place() -> None:
            if task.order.step == "partition":
                self._workers -= 1

        try:
            process = self._worker()
        except OSError as error:
            leave_place()
            self._end(task, Failed(message=f"no worker process could be started: {error}"))
            return
        task.process = process

        def on_end(outcome: Done | Failed) -> None:
            leave_place()
            if not process.is_gone:
                self._idle.append(process)
                self._idle_seconds = boottime_seconds()
            self._end(task, outcome)
            self._start_ready()

        process.give(self._worker_order(task), on_progress, on_end)

    def _worker(self) -> TransferProcess:
        """Return a worker that has nothing to do."""
        while self._idle:
            process = self._idle.pop()
            if not process.is_gone:
                return process
        return TransferProcess(self._reactor)

    def _worker_order(self, task: _Transfer) -> WorkerOrder:
        order, options = task.order, json.loads(task.order.options)
        rate = int(options.get("bytes_per_second", 0))
        doors = self._doors()
        return WorkerOrder(
            kind=order.kind,
            step=order.step,  # type: ignore[arg-type]  # steps() refuses others
            job=order.job,
            attempt=order.attempt,
            partition=order.partition,
            options=options,
            plan=json.loads(order.plan) if order.plan else {},
            checkpoint=str(task.checkpoint) if task.checkpoint else "",
            decree=task.decree,
            pinned=task.pinned,
            # The limit is the server's, whatever number of workers it has.
            bytes_per_second=max(1, rate // self._workers_max) if rate else 0,
            server=doors.server,
            metas=doors.metas,
        )

    def _end(self, task: _Transfer, outcome: Done | Failed) -> None:
        task.outcome = outcome
        task.process = None
        self._remove_checkpoint(task)
        if isinstance(outcome, Failed) and not task.is_dropped:
            logger.warning(
                "job %d, %s %d: %s",
                task.order.job,
                task.order.step,
                task.order.partition,
                outcome.message,
            )
        if not task.is_dropped:
            self._tell(task)

    def _remove_checkpoint(self, task: _Transfer) -> None:
        path, task.checkpoint = task.checkpoint, None
        if path is not None:
            self._run_in_background(
                lambda: shutil.rmtree(path) if path.exists() else None,
                lambda _: None,
                lambda error: logger.warning("checkpoint %s stays: %s", path, error),
            )

    def _drop(self, key: tuple[int, str, int]) -> None:
        task = self._tasks.pop(key)
        task.is_dropped = True
        if task.process is not None:
            task.process.kill()
        elif task in self._ready:
            self._ready.remove(task)
            self._remove_checkpoint(task)
