"""Lets the shared log go of what failed replicas would hold in it until the next start.

Only when the log is too large. See ``mutation_log.remainder`` for why, and for what becomes of it.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from pegasus_server.mutation_log.folder import DiskFolder
from pegasus_server.mutation_log.mutation import ContentOf
from pegasus_server.mutation_log.pins import Pins
from pegasus_server.mutation_log.remainder import gather
from pegasus_server.runtime.data_folder import DataFolder
from pegasus_server.runtime.remainder_file import write_remainder
from pegasus_tab.base.ids import Decree, Gpid

logger = logging.getLogger(__name__)


class LooksIntoLog(Protocol):
    """The log's thread, as far as it is needed here; see ``DiskThread``."""

    @property
    def submitted(self) -> int:
        """How many mutations it was given."""

    @property
    def settled(self) -> int:
        """How many of them are logged."""

    def log_bytes(self) -> int:
        """How many bytes the log holds."""

    def look_for_pins(self, durable: Mapping[Gpid, Decree], told: Callable[[Pins], object]) -> None:
        """Have ``told`` called with which of these replicas hold closed segments back."""


class RunJob(Protocol):
    """Runs something that blocks elsewhere; see ``JobThread.run``."""

    def __call__(
        self,
        job: Callable[[], Decree],
        done: Callable[[Decree], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Have ``job`` run; exactly one of ``done`` and ``failed`` is called afterwards."""


class Patients(Protocol):
    """Replicas that failed and hold the log back."""

    def failed(self) -> Mapping[Gpid, Decree]:
        """Name them with their durable decrees, without those that are kept already."""

    def begin_keeping(self, gpid: Gpid) -> bool:
        """Leave a failed replica's folder where it is from now on; False if it is gone."""

    def end_keeping(self, gpid: Gpid, last: Decree | None) -> None:
        """Go on; the log may let go of it up to ``last``, None for nothing."""


class RemainderRefused(Exception):  # noqa: N818 -- says what is the case
    """The log cannot vouch for what it holds of a replica, so nothing is taken out of it."""


class LogRelief:
    """Copies what the log holds of failed replicas, one after the other.

    Invariants: a replica is copied only when all it ever submitted is logged, and in segments that
    are closed; one that could not be copied once is left in the log.

    Args:
        folder: the data folder.
        log_bytes_max: size from which on the log is too large.
        content_of: see ``SharedLog.open``.
        disk: the log's thread.
        run: runs a copy.
        patients: the failed replicas.
    """

    def __init__(
        self,
        folder: DataFolder,
        log_bytes_max: int,
        content_of: ContentOf,
        *,
        disk: LooksIntoLog,
        run: RunJob,
        patients: Patients,
    ) -> None:
        self._folder = folder
        self._log_bytes_max = log_bytes_max
        self._content_of = content_of
        self._disk = disk
        self._run = run
        self._patients = patients
        self._submitted: dict[Gpid, int] = {}
        self._left: set[Gpid] = set()
        self._is_busy = False

    def look(self) -> None:
        """See whether the log needs relief; call after segments were deleted."""
        if self._is_busy or self._disk.log_bytes() < self._log_bytes_max:
            return
        failed = {
            gpid: durable
            for gpid, durable in self._patients.failed().items()
            if gpid not in self._left
        }
        for gpid in failed:
            self._submitted.setdefault(gpid, self._disk.submitted)
        ready = {
            gpid: durable
            for gpid, durable in failed.items()
            if self._disk.settled >= self._submitted[gpid]
        }
        if ready:
            self._is_busy = True
            self._disk.look_for_pins(ready, lambda pins: self._on_pins(pins, ready))

    def _on_pins(self, pins: Pins, durable: Mapping[Gpid, Decree]) -> None:
        if not pins.held:
            self._is_busy = False
            return
        gpid = min(pins.held)
        if not self._patients.begin_keeping(gpid):
            self._is_busy = False
            return

        def copied(last: Decree) -> None:
            self._is_busy = False
            self._patients.end_keeping(gpid, last)
            logger.warning(
                "replica %s failed and the log is full: what it holds of it up to decree %d lies in "
                "%s now; the next start of the server opens the replica again",
                gpid,
                last,
                self._folder.replica_path(gpid),
            )

        def refused(error: Exception) -> None:
            self._is_busy = False
            self._left.add(gpid)
            self._patients.end_keeping(gpid, None)
            logger.error(
                "replica %s failed and holds the log back, which cannot be helped (%s); restart "
                "the server to have it opened again",
                gpid,
                error,
            )

        self._run(lambda: self._copy(gpid, durable[gpid], pins.writing), copied, refused)

    def _copy(self, gpid: Gpid, durable: Decree, writing: int) -> Decree:
        """Blocks."""
        folder = self._folder
        owner = folder.cluster, folder.node
        log = DiskFolder(folder.log_path)
        held = gather(log, owner, gpid, durable, writing, self._content_of)
        if held.suspect is not None or not held.mutations:
            raise RemainderRefused(held.suspect or "the log holds nothing of it")
        write_remainder(folder.replica_path(gpid), held.mutations)
        return held.mutations[-1].decree
