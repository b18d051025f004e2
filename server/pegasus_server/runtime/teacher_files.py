"""A primary's side of learning: checkpoints and log files, lent to whoever sends them."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import google_crc32c

from pegasus_server.replication.effects import DescribeSources
from pegasus_server.replication.inputs import CheckpointSource, SourcesDescribed
from pegasus_server.replication.messages import LearnFile
from pegasus_server.runtime.clock import boottime_seconds
from pegasus_server.runtime.private_log import Part, PrivateLog, write
from pegasus_server.runtime.replica_folder import ReplicaFolder, remove
from pegasus_server.runtime.server_parts import ServerParts
from pegasus_server.storage.engine import EngineDamaged
from pegasus_server.storage.verify_checkpoint import Verification
from pegasus_tab.base.ids import Decree
from pegasus_tab.base.limits import MIB

if TYPE_CHECKING:
    from pegasus_server.runtime.hosted_replica import HostedReplica

logger = logging.getLogger(__name__)

KEPT_SECONDS: Final = 120.0
"""Files nobody asked for in so long are removed."""
UNWRITTEN_BYTES_MAX: Final = 16 * MIB
"""Of log that waits for the disk; beyond that the log is given up."""
TEACHING_BYTES_MAX: Final = 1024 * MIB
"""Of log kept for a learner; one that is slower begins again with a newer checkpoint."""


class TeacherFiles:
    """What one replica teaches from.

    Invariants: ``_published`` names exactly the files a learner may ask for; none is removed while
    one is being sent.

    Args:
        replica: whose data it is.
        folder: its place on disk.
        log: its private log.
        parts: of the server.
    """

    def __init__(
        self,
        replica: "HostedReplica",
        folder: ReplicaFolder,
        log: PrivateLog,
        parts: ServerParts,
    ) -> None:
        self._replica = replica
        self._folder = folder
        self._log = log
        self._parts = parts
        self._checkpoint: CheckpointSource | None = None
        self._published: dict[str, Path] = {}
        self._unwritten = 0
        self._is_copying = False
        self._asked_seconds = -KEPT_SECONDS
        self._readers = 0
        self._needless: list[Path] = []

    # The log.

    def note_applied(self, decree: Decree, body: bytes) -> None:
        """Take an applied mutation."""
        self._log.add(decree, body)
        if self._log.wants_write:
            self._write_log()

    def _write_log(self) -> None:
        if self._unwritten >= UNWRITTEN_BYTES_MAX:
            self._drop_log("the disk is slow")
            return
        part = self._log.take()
        self._write(part, lambda: None)

    def _write(self, part: Part, then: Callable[[], None]) -> None:
        """Have a piece of the log written, and do something afterwards."""
        size = len(part[1])
        self._unwritten += size

        def written(_: None) -> None:
            self._unwritten -= size
            then()

        def failed(error: Exception) -> None:
            self._unwritten -= size
            self._drop_log(str(error))

        self._parts.run_files(lambda: write(part), written, failed)

    def _drop_log(self, reason: str) -> None:
        """Begin anew; what is lost is of use to learners alone."""
        logger.warning("replica %s drops its log for learners: %s", self._replica.gpid, reason)
        self.begin_log(self._log.last)

    def begin_log(self, applied: Decree) -> None:
        """Forget the log: the engine has other data, or a piece of the log is lost."""
        self._forget(self._log.restart(Decree(applied + 1)))

    def _shrink_log(self) -> None:
        """Drop what is too old; what a learner may still need stays longer, but not for ever."""
        bytes_max = TEACHING_BYTES_MAX if self._is_teaching else self._parts.private_log_bytes_max
        self._forget(self._log.shrink(bytes_max))

    def _forget(self, paths: Sequence[Path]) -> None:
        for path in paths:
            self._published.pop(path.name, None)
            self._remove(path)

    @property
    def _is_teaching(self) -> bool:
        """Tell whether somebody learns from here, or did just now."""
        is_used = self._is_copying or self._readers > 0
        return is_used or boottime_seconds() - self._asked_seconds < KEPT_SECONDS

    # Sources.

    def describe(self, effect: DescribeSources) -> None:
        """Say what there is to learn from, once the log is written as far as it goes."""
        self._asked_seconds = boottime_seconds()
        part = self._log.take() if self._log.is_buffering else None
        found = self._log.source(effect.first)
        source = None
        if found is not None:
            source, paths = found
            self._published |= {path.name: path for path in paths}
        described = SourcesDescribed(
            effect.node, effect.signature, effect.round, source, self._checkpoint
        )
        if part is None:
            self._replica.drive(described)
            return
        self._write(part, lambda: self._replica.drive(described))

    def start_checkpoint(self) -> None:
        """Make a checkpoint; one under way already will do."""
        if self._is_copying:
            return
        self._is_copying = True
        self._asked_seconds = boottime_seconds()
        engine = self._replica.rocks
        unfinished = self._folder.path / "checkpoint.new"

        def make() -> Decree:
            remove(unfinished)
            decree = engine.checkpoint(unfinished)
            path = self._checkpoint_path(decree)
            remove(path)
            unfinished.rename(path)
            return decree

        def made(decree: Decree) -> None:
            path = self._checkpoint_path(decree)
            # Reads all of it: not a job for the thread that flushes.
            self._parts.run_senders(
                lambda: _described(decree, path), self._on_checkpoint, self._on_checkpoint_failed
            )

        self._parts.disk.run(make, made, self._on_checkpoint_failed)

    def _checkpoint_path(self, decree: Decree) -> Path:
        return self._folder.path / f"checkpoint.{decree}"

    def _on_checkpoint(self, checkpoint: CheckpointSource) -> None:
        self._is_copying = False
        old, self._checkpoint = self._checkpoint, checkpoint
        for file in checkpoint.files:
            self._published[file.name] = self._folder.path / file.name
        if old is not None and old.decree != checkpoint.decree:
            self._remove_checkpoint(old)

    def _on_checkpoint_failed(self, error: Exception) -> None:
        self._is_copying = False
        logger.error("replica %s made no checkpoint: %s", self._replica.gpid, error)
        if isinstance(error, EngineDamaged):
            self._replica.fail(str(error))

    def _remove_checkpoint(self, checkpoint: CheckpointSource) -> None:
        for file in checkpoint.files:
            self._published.pop(file.name, None)
        self._remove(self._checkpoint_path(checkpoint.decree))

    def _remove(self, path: Path) -> None:
        """Remove a file or folder as soon as nobody reads it."""
        self._needless.append(path)
        self._remove_needless()

    def _remove_needless(self) -> None:
        if self._readers == 0:
            needless, self._needless = self._needless, []
            self._parts.run_files(lambda: _remove_all(needless), lambda _: None, _log_failure)

    def sweep(self) -> None:
        """Write what waits, remove what nobody asked for in a while; call every second or so."""
        if self._log.is_buffering:
            self._write_log()
        self._shrink_log()
        if not self._is_teaching:
            self.end()

    def end(self) -> None:
        """Stop teaching from a checkpoint."""
        checkpoint, self._checkpoint = self._checkpoint, None
        if checkpoint is not None:
            self._remove_checkpoint(checkpoint)

    # Readers.

    def lend(self) -> Mapping[str, Path]:
        """Say where the files are that may be sent; they stay until ``give_back``."""
        self._readers += 1
        return dict(self._published)

    def give_back(self) -> None:
        """Take note that a reader is done."""
        self._readers -= 1
        self._asked_seconds = boottime_seconds()
        if self._needless:
            self._remove_needless()


def _described(decree: Decree, path: Path) -> CheckpointSource:
    """Read a checkpoint, as engine and as files. Blocks.

    Raises:
        EngineDamaged: a block is damaged; it must not spread.
        EngineUnavailable, OSError: it could not be read.
    """
    verification = Verification(path)
    files = tuple(_files(path))
    verification.wait()
    return CheckpointSource(decree, files)


def _files(checkpoint: Path) -> list[LearnFile]:
    """List a checkpoint's files with their checksums. Blocks."""
    listed = []
    for path in sorted(checkpoint.iterdir()):
        crc, size = 0, 0
        with path.open("rb", buffering=0) as file:
            while piece := file.read(MIB):
                crc = google_crc32c.extend(crc, piece)
                size += len(piece)
        listed.append(LearnFile(f"{checkpoint.name}/{path.name}", size, crc))
    return listed


def _remove_all(paths: Sequence[Path]) -> None:
    for path in paths:
        remove(path)


def _log_failure(error: Exception) -> None:
    logger.warning("files for learners could not be removed: %s", error)
