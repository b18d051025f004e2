"""The shared log of one server: group commit on the simulated disk, as the runtime's log thread.

Everything that waits becomes one group; it is written, and after the disk's time synced; only then
do its callbacks run. A full disk keeps the group and tries again; a failed one ends the process.
"""

from collections import deque
from collections.abc import Callable

from pegasus_server.mutation_log.errors import LogFailedError, LogFullError
from pegasus_server.mutation_log.files import SharedLog
from pegasus_server.mutation_log.mutation import Mutation
from pegasus_server.simulator.disk import SimulatedDisk
from pegasus_server.simulator.entropy import Stream
from pegasus_server.simulator.process import Process
from pegasus_tab.base.ids import Decree, Gpid

GROUP_MUTATIONS_MAX = 1024
RETRY_US = 1_000_000

Done = Callable[[], None]


class LogWriter:
    """Owns a server's log in one life of its process.

    Invariant: callbacks run in the order of submission, after a sync that covers them.

    Args:
        process: whose.
        disk: where the log is.
        log: open.
        stream: of the disk's latency.
        sync_us: mean time of a sync.
        on_fatal: the disk failed; the process must end.
        acks_early: the planted bug of the canary: callbacks do not wait for the disk.
    """

    def __init__(
        self,
        process: Process,
        disk: SimulatedDisk,
        log: SharedLog,
        stream: Stream,
        sync_us: int,
        on_fatal: Callable[[], None],
        *,
        acks_early: bool,
    ) -> None:
        self._process = process
        self._disk = disk
        self._log = log
        self._stream = stream
        self._sync_us = sync_us
        self._on_fatal = on_fatal
        self._acks_early = acks_early
        self._queue: deque[tuple[Mutation | None, Done]] = deque()
        self._is_busy = False
        self.is_full = False

    @property
    def bytes_held(self) -> int:
        """How many bytes the log holds."""
        return self._log.bytes_held

    def submit(self, mutation: Mutation, done: Done) -> None:
        """Have a mutation logged."""
        if self._acks_early:
            self._process.after(0, done)
            done = _nothing
        self._queue.append((mutation, done))
        if not self._is_busy:
            self._begin()

    def run(self, action: Done) -> None:
        """Have an action on the log run behind everything submitted so far, synced."""
        self._queue.append((None, action))
        if not self._is_busy:
            self._begin()

    def delete_below(self, durable: dict[Gpid, Decree]) -> None:
        """Delete the segments that nobody needs."""
        self._guarded(lambda: self._log.delete_below(durable))

    def discard_above(self, gpid: Gpid, decree: Decree) -> bool:
        """Void what the log holds of a partition above ``decree``; only inside ``run``.

        Returns:
            False if the disk was full or failed.
        """
        return self._guarded(lambda: self._log.discard_above(gpid, decree))

    def _guarded(self, action: Callable[[], object]) -> bool:
        """Do something with the log; False if the disk was full or failed."""
        try:
            action()
        except LogFullError:
            self.is_full = True
            return False
        except LogFailedError:
            self._on_fatal()
            return False
        self.is_full = False
        return True

    def _begin(self) -> None:
        """Write the next group, and wait for the disk."""
        self._is_busy = True
        group = [self._queue[index] for index in range(min(len(self._queue), GROUP_MUTATIONS_MAX))]
        mutations = [mutation for mutation, _ in group if mutation is not None]
        if mutations and not self._guarded(lambda: self._log.append_group(mutations)):
            self._process.after(RETRY_US, self._begin)
            return
        for _ in group:
            self._queue.popleft()
        delay_us = int(self._stream.exponential(self._sync_us)) + self._disk.fault.latency_us
        self._process.after(delay_us, self._end, group)

    def _end(self, group: list[tuple[Mutation | None, Done]]) -> None:
        if not self._guarded(self._log.sync):
            return
        for _, done in group:
            done()
        if self._log.wants_spare:
            # A full disk only leaves the log without a spare.
            self._guarded(self._log.prepare_spare)
        self._is_busy = False
        if self._queue and self._process.is_alive:
            self._begin()


def _nothing() -> None:
    """Do nothing."""
