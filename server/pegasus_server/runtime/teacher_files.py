"""A primary's side of learning: checkpoints and log files, lent to whoever sends them."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import google_crc32c

from pegasus_server.replication.effects import DescribeSources
from pegasus_server.replication.inputs import CheckpointSource, SourcesDescribed
from pegasus_server.replication.messages import LearnFile
from pegasus_server.runtime.clock import boottime_seconds
from pegasus_server.runtime.replica_folder import ReplicaFolder, remove
from pegasus_server.runtime.server_parts import ServerParts
from pegasus_server.runtime.teaching_log import TeachingLog
from pegasus_tab.base.ids import Decree
from pegasus_tab.base.limits import MIB

if TYPE_CHECKING:
    from pegasus_server.runtime.hosted_replica import HostedReplica
    from pegasus_server.storage.engine import Change

logger = logging.getLogger(__name__)

KEPT_SECONDS: Final = 120.0
"""Files nobody asked for in so long are removed."""


class TeacherFiles:
    """What one replica teaches from.

    Invariants: ``_published`` names exactly the files a learner may ask for; none is removed while
    one is being sent.

    Args:
        replica: whose data it is.
        folder: its place on disk.
        parts: of the server.
    """

    def __init__(self, replica: "HostedReplica", folder: ReplicaFolder, parts: ServerParts) -> None:
        self._replica = replica
        self._folder = folder
        self._parts = parts
        self._checkpoint: CheckpointSource | None = None
        self._log: TeachingLog | None = None
        self._published: dict[str, Path] = {}
        self._is_copying = False
        self._asked_seconds = 0.0
        self._readers = 0
        self._needless: list[Path] = []

    # The log.

    def note_applied(self, decree: Decree, changes: Sequence["Change"]) -> None:
        """Take an applied mutation, if there is somebody to teach."""
        log = self._log
        if log is None:
            return
        log.add(decree, self._parts.links.body(changes))
        if log.is_full:
            self._end_log()
        elif log.wants_write:
            self._write_log(log)

    def _write_log(self, log: TeachingLog) -> None:
        data = log.take()
        self._parts.run_files(lambda: log.write(data), lambda _: None, self._on_log_failed)

    def _on_log_failed(self, error: Exception) -> None:
        logger.warning("replica %s has no log for learners: %s", self._replica.gpid, error)
        self._end_log()

    def _end_log(self) -> None:
        log, self._log = self._log, None
        if log is not None:
            self._published.pop(log.path.name, None)
            self._remove(log.path)

    # Sources.

    def describe(self, effect: DescribeSources) -> None:
        """Say what there is to learn from, once the log is written as far as it goes."""
        self._asked_seconds = boottime_seconds()
        log, checkpoint = self._log, self._checkpoint
        if log is None or log.last < log.first:
            self._replica.drive(
                SourcesDescribed(effect.node, effect.signature, effect.round, None, checkpoint)
            )
            return
        data = log.take()
        source = log.source()
        self._published[log.path.name] = log.path
        described = SourcesDescribed(
            effect.node, effect.signature, effect.round, source, checkpoint
        )
        self._parts.run_files(
            lambda: log.write(data),
            lambda _: self._replica.drive(described),
            self._on_log_failed,
        )

    def start_checkpoint(self) -> None:
        """Make a checkpoint, and begin the log that continues it; one under way will do."""
        if self._is_copying:
            return
        self._is_copying = True
        self._asked_seconds = boottime_seconds()
        engine = self._replica.rocks
        if self._log is None:
            self._log = TeachingLog(self._folder.path, Decree(engine.applied_decree + 1))
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
                lambda: CheckpointSource(decree, tuple(_files(path))),
                self._on_checkpoint,
                self._on_checkpoint_failed,
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
        """Remove what nobody asked for in a while; call now and then."""
        is_used = self._is_copying or self._readers > 0
        if is_used or boottime_seconds() - self._asked_seconds < KEPT_SECONDS:
            return
        self.end()

    def end(self) -> None:
        """Stop teaching: the data is no longer a primary's, or is not needed."""
        self._end_log()
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
