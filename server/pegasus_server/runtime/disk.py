"""The thread that owns the shared log: group commit, and acknowledgement only after the disk's.

Theory of operation. ``submit_group`` puts mutations in a queue. The thread takes everything that waits,
writes it as one block, syncs once, and then delivers all callbacks of the group in one call to the
reactor; while it syncs, the next group gathers. So the cost of a sync is shared by whoever came in
the meantime, and nobody waits for a timer.

A full disk. Space is preallocated, so a write to the current segment needs none; the next segment
is made while the current one is half empty. When that fails, ``disk_full`` says so and new writes
must be refused, while everything already given a decree still fits in the second half. Making the
segment is tried again every second, so service resumes by itself. Should an append meet a full
disk all the same, the group is kept and tried again, in its order: a decree that was given out
cannot be taken back, and a later one must not overtake it. Nothing is acknowledged meanwhile.

A failed disk. After a failed write or sync nothing is acknowledged any more, nothing is retried,
``on_fatal`` is delivered and the thread ends; the process must exit (reference/reliability.md 2.3).
"""

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from pegasus_server.mutation_log.durability import Durability
from pegasus_server.mutation_log.errors import LogFullError
from pegasus_server.mutation_log.files import SharedLog
from pegasus_server.mutation_log.mutation import Mutation
from pegasus_server.mutation_log.pins import Pins
from pegasus_server.runtime.disk_jobs import Deliver, JobsFullError, JobThread
from pegasus_tab.base.ids import Decree, Gpid
from pegasus_tab.base.limits import MIB

logger = logging.getLogger(__name__)

GROUP_MUTATIONS_MAX = 1024
GROUP_BYTES_MAX = 4 * MIB
"""Mutations and their bodies in one group; what was submitted last may exceed it."""
QUEUE_MUTATIONS_MAX = 8192
"""Where ``refusal`` begins to ask for a pause."""
QUEUE_BYTES_MAX = 8 * MIB
"""Likewise. At most half a segment, so that what was admitted fits when the disk is full."""
ACTIONS_MAX = 1024

IDLE_SECONDS = 1.0
"""Without a write for so long, the log is marked (``SharedLog.mark``)."""
RETRY_SECONDS = 1.0
"""Between two attempts on a full disk."""

Result = TypeVar("Result")
Entry = tuple[Mutation, Callable[[], None]]
Action = Callable[[SharedLog], object]


class DiskStoppedError(Exception):
    """The thread has ended; the mutation was not taken and will not be acknowledged."""


class DiskThread:
    """Owns a log. Every public method is for the owner's thread (the reactor's).

    Invariants: callbacks are delivered in the order of submission, each at most once, and in class
    sync only after an fdatasync that covers the mutation; none after the log failed.

    Args:
        log: used by this object alone from now on.
        durability: what an acknowledgement waits for.
        deliver: ``deliver(work)`` has ``work`` called in the owner's thread.
        on_fatal: gets the error when the disk failed.

    Attributes:
        disk_full: what the disk refused, while it is full; else None.
        failed: why nothing is acknowledged any more; None while the log works.
    """

    def __init__(
        self,
        log: SharedLog,
        durability: Durability,
        deliver: Deliver,
        on_fatal: Callable[[Exception], None],
    ) -> None:
        self._log = log
        self._durability = durability
        self._deliver = deliver
        self._on_fatal = on_fatal
        self._queue: queue.SimpleQueue[Sequence[Entry]] = queue.SimpleQueue()
        self._actions: deque[Action] = deque()
        self._poke = threading.Event()
        self._is_stopping = False
        # Each counter is written by one thread alone, so none needs a lock.
        self._submitted = self._submitted_bytes = 0
        self._settled = self._settled_bytes = 0
        self._spare_at: float | None = None
        self._is_preparing = False
        self._sync_at: float | None = None
        self._mark_at: float | None = None
        self.disk_full: str | None = None
        self.failed: Exception | None = None
        self._jobs = JobThread(deliver, "disk-jobs")
        self._thread = threading.Thread(target=self._work, name="log", daemon=True)
        self._thread.start()

    @property
    def refusal(self) -> str | None:
        """Say why new writes should be refused now, None when they are welcome.

        To be asked before a write gets a decree: what has one must be submitted.
        """
        if self.failed is not None:
            return f"the log failed: {self.failed}"
        if self.disk_full is not None:
            return f"the disk is full: {self.disk_full}"
        waiting = self._submitted - self._settled
        waiting_bytes = self._submitted_bytes - self._settled_bytes
        if waiting > QUEUE_MUTATIONS_MAX or waiting_bytes > QUEUE_BYTES_MAX:
            return f"the log's disk is slow: {waiting} mutations of {waiting_bytes} bytes wait"
        return None

    def submit(self, mutation: Mutation, done: Callable[[], None]) -> None:
        """Have one mutation logged; see ``submit_group``."""
        self.submit_group([(mutation, done)])

    def submit_group(self, entries: list[Entry]) -> None:
        """Have mutations logged; each callback is delivered when the durability class is met.

        The queue is bounded by its users: they give out no decree while ``refusal`` holds, and a
        partition has a bounded window.

        Args:
            entries: (mutation, callback), in order; they share a group. Not to be changed later.

        Raises:
            DiskStoppedError: the log failed or was stopped.
        """
        if self.failed is not None or self._is_stopping:
            raise DiskStoppedError(f"the log is closed: {self.failed or 'the node stops'}")
        self._submitted += len(entries)
        self._submitted_bytes += _bytes(entries)
        self._queue.put(entries)

    def run(
        self,
        job: Callable[[], Result],
        done: Callable[[Result], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Have a blocking job run in the second thread; see ``JobThread.run``."""
        self._jobs.run(job, done, failed)

    def delete_below(self, durable: Mapping[Gpid, Decree]) -> None:
        """Delete log segments nobody needs; see ``SharedLog.delete_below``.

        Args:
            durable: taken in this very turn. It is looked at before any mutation that is submitted
                later, so a replica made after it cannot be taken for a dropped one.
        """
        self._act(partial(_delete, durable))

    def discard_above(self, gpid: Gpid, decree: Decree) -> None:
        """Void what the log holds of a partition; see ``SharedLog.discard_above``."""
        self._act(lambda log: log.discard_above(gpid, decree))

    def settle(self, gpid: Gpid) -> None:
        """Take a partition as whole whatever the log lost; see ``SharedLog.settle``."""
        self._act(lambda log: log.settle(gpid))

    def look_for_pins(self, durable: Mapping[Gpid, Decree], told: Callable[[Pins], object]) -> None:
        """Have it told which replicas hold closed segments back; see ``SharedLog.pins``."""
        self._act(lambda log: self._deliver(partial(told, log.pins(durable))))

    @property
    def submitted(self) -> int:
        """How many mutations were submitted so far."""
        return self._submitted

    @property
    def settled(self) -> int:
        """How many of them, in their order, are logged and their callbacks delivered."""
        return self._settled

    def log_bytes(self) -> int:
        """Tell how many bytes the log holds, blocks and headers."""
        return self._log.bytes_held

    def stop(self) -> None:
        """Finish jobs and mutations, sync, close the log. Blocks.

        Mutations that a full disk refuses are not finished: they were never acknowledged.
        """
        self._jobs.stop()
        self._is_stopping = True
        self._wake()
        self._thread.join()

    def _act(self, action: Action) -> None:
        """Have the log's thread do something before it takes any mutation submitted later."""
        assert len(self._actions) < ACTIONS_MAX, "actions are rare and quickly done"
        self._actions.append(action)
        self._wake()

    def _wake(self) -> None:
        self._queue.put(())
        self._poke.set()

    # Everything below runs in the log's thread.

    def _work(self) -> None:
        try:
            while self._turn():
                pass
            self._log.close()
        except Exception as error:  # noqa: BLE001 -- a defect here is as fatal as a failed disk
            self.failed = error
            self._deliver(partial(self._fail, error))

    def _turn(self) -> bool:
        """Do one round of work; return False when it is time to end."""
        group = self._gather()
        self._run_actions()
        if group and not self._commit(group):
            return False
        self._maintain()
        return not (self._is_stopping and self._queue.empty())

    def _gather(self) -> list[Entry]:
        """Take what waits; if nothing does, wait for the first to come or for what is due next."""
        due = [at for at in (self._sync_at, self._mark_at, self._spare_at) if at is not None]
        wait_seconds = max(0.0, min(due) - time.monotonic()) if due else None
        try:
            submitted = self._queue.get(timeout=wait_seconds)
        except queue.Empty:
            return []
        group, group_bytes = list(submitted), _bytes(submitted)
        # As many as wait now, not more: a steady stream must not keep the group open.
        for _ in range(self._queue.qsize()):
            if len(group) >= GROUP_MUTATIONS_MAX or group_bytes >= GROUP_BYTES_MAX:
                break
            submitted = self._queue.get_nowait()
            group += submitted
            group_bytes += _bytes(submitted)
        return group

    def _run_actions(self) -> bool:
        """Do what was asked for; False if the disk is too full for some of it at present.

        No mutation may pass it: one that was submitted after a discard would be voided by it. A
        deletion may, for it is what makes room.
        """
        refused: list[Action] = []
        while self._actions:
            action = self._actions.popleft()
            try:
                action(self._log)
            except LogFullError as error:
                self._note_full(error)
                refused.append(action)
        self._actions.extendleft(reversed(refused))
        return not refused

    def _commit(self, group: Sequence[Entry]) -> bool:
        """Log a group and deliver its callbacks; return False when stopped before it was logged."""
        if not self._append([mutation for mutation, _ in group]):
            return False
        if self._durability.kind == "sync":
            self._log.sync()
        elif self._durability.kind == "interval" and self._sync_at is None:
            self._sync_at = time.monotonic() + self._durability.interval_ms / 1000
        self._deliver(partial(_call_all, [done for _, done in group]))
        self._settled += len(group)
        self._settled_bytes += _bytes(group)
        self._mark_at = time.monotonic() + IDLE_SECONDS
        return True

    def _append(self, mutations: Sequence[Mutation]) -> bool:
        """Append, for as long as it takes on a full disk; return False when stopped meanwhile."""
        was_refused = False
        while not (self._run_actions() and self._try_append(mutations)):
            was_refused = True
            if self._is_stopping:
                return False
            self._poke.wait(RETRY_SECONDS)
            self._poke.clear()
        if was_refused:
            self._note_room()
        return True

    def _try_append(self, mutations: Sequence[Mutation]) -> bool:
        try:
            self._log.append_group(mutations)
        except LogFullError as error:
            self._note_full(error)
            return False
        return True

    def _maintain(self) -> None:
        """Do what is due besides mutations."""
        now = time.monotonic()
        if self._sync_at is not None and now >= self._sync_at:
            self._sync_at = None
            self._log.sync()
            self._mark_at = now + IDLE_SECONDS
        if self._mark_at is not None and now >= self._mark_at:
            self._mark_at = None
            self._log.mark()
        if self._spare_at is not None and now < self._spare_at:
            return
        self._spare_at = None
        # Also while the disk is full: making the spare is how it shows that there is room again.
        wants_spare = self._log.wants_spare or self.disk_full is not None
        if wants_spare and not self._is_preparing:
            self._is_preparing = True
            try:
                self._jobs.run(self._prepare_spare, _ignore, self._fail)
            except JobsFullError:
                self._is_preparing = False
                self._spare_at = now + RETRY_SECONDS

    def _prepare_spare(self) -> None:
        """Make the next segment; in the second thread."""
        try:
            self._log.prepare_spare()
        except LogFullError as error:
            self._note_full(error)
            self._spare_at = time.monotonic() + RETRY_SECONDS
        else:
            self._note_room()
        self._is_preparing = False
        self._queue.put(())  # so that the log's thread learns when to try again

    def _note_full(self, error: LogFullError) -> None:
        if self.disk_full is None:
            logger.error("%s: writes are refused until there is more room; reads go on", error)
        self.disk_full = str(error)

    def _note_room(self) -> None:
        if self.disk_full is not None:
            logger.info("the log has room again: writes resume")
        self.disk_full = None

    def _fail(self, error: Exception) -> None:
        self.failed = error
        self._on_fatal(error)


def _bytes(entries: Iterable[Entry]) -> int:
    return sum([len(mutation.body) for mutation, _ in entries])


def _delete(durable: Mapping[Gpid, Decree], log: SharedLog) -> None:
    gone = log.delete_below(durable)
    if gone:
        logger.info("log segments done with: %s", ", ".join(map(str, gone)))


def _ignore(_result: object) -> None:
    """Take the result of a job that leaves its result elsewhere."""


def _call_all(callbacks: Sequence[Callable[[], None]]) -> None:
    """Call all, also when one fails: the others' mutations are on disk as well."""
    errors: list[Exception] = []
    for callback in callbacks:
        try:
            callback()
        except Exception as error:  # noqa: BLE001 -- raised below, after everyone had their turn
            errors.append(error)
    if errors:
        raise ExceptionGroup("callbacks of logged mutations failed", errors)
