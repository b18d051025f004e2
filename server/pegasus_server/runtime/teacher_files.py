"""A primary's side of learning: checkpoints and log files, and pieces of them on request."""

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import google_crc32c

from pegasus_server.replication.effects import DescribeSources
from pegasus_server.replication.inputs import CheckpointSource, SourcesDescribed
from pegasus_server.replication.messages import LearnFile
from pegasus_server.runtime.clock import boottime_seconds
from pegasus_server.runtime.peer_messages import FileChunk, FileRequest
from pegasus_server.runtime.replica_folder import ReplicaFolder, remove
from pegasus_server.runtime.server_parts import ServerParts
from pegasus_server.runtime.teaching_log import TeachingLog
from pegasus_tab.base.ids import Decree, NodeName
from pegasus_tab.base.limits import MIB

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pegasus_server.runtime.hosted_replica import HostedReplica
    from pegasus_server.storage.engine import Change

logger = logging.getLogger(__name__)

KEPT_SECONDS: Final = 120.0
"""Files nobody asked for in so long are removed."""
PIECE_BYTES_MAX: Final = 1 * MIB


class TeacherFiles:
    """What one replica teaches from.

    Invariant: ``_published`` names exactly the files a learner may ask for.

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

    # The log.

    def note_applied(self, decree: Decree, changes: "Sequence[Change]") -> None:
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
            self._parts.run_files(lambda: remove(log.path), lambda _: None, _log_failure)

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

        def make() -> CheckpointSource:
            remove(unfinished)
            decree = engine.checkpoint(unfinished)
            path = self._folder.path / f"checkpoint.{decree}"
            remove(path)
            unfinished.rename(path)
            return CheckpointSource(decree, tuple(_files(path)))

        self._parts.disk.run(make, self._on_checkpoint, self._on_checkpoint_failed)

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
        path = self._folder.path / f"checkpoint.{checkpoint.decree}"
        self._parts.run_files(lambda: remove(path), lambda _: None, _log_failure)

    def sweep(self) -> None:
        """Remove what nobody asked for in a while; call now and then."""
        if self._is_copying or boottime_seconds() - self._asked_seconds < KEPT_SECONDS:
            return
        self.end()

    def end(self) -> None:
        """Stop teaching: the data is no longer a primary's, or is not needed."""
        self._end_log()
        checkpoint, self._checkpoint = self._checkpoint, None
        if checkpoint is not None:
            self._remove_checkpoint(checkpoint)

    # Pieces.

    def on_request(self, sender: NodeName, request: FileRequest) -> None:
        """Send a piece of a file, or say that it is gone."""
        self._asked_seconds = boottime_seconds()
        path = self._published.get(request.name)

        def send(data: bytes | None) -> None:
            chunk = FileChunk(request.copy, request.name, request.offset, data)
            self._parts.links.send(sender, chunk, self._replica.gpid)

        if path is None or request.offset < 0:
            send(None)
            return
        wanted = max(0, min(request.bytes, PIECE_BYTES_MAX))
        self._parts.run_files(
            lambda: _read(path, request.offset, wanted), send, lambda _: send(None)
        )


def _read(path: Path, offset: int, wanted: int) -> bytes:
    with path.open("rb") as file:
        return os.pread(file.fileno(), wanted, offset)


def _files(checkpoint: Path) -> list[LearnFile]:
    """List a checkpoint's files with their checksums. Blocks."""
    listed = []
    for path in sorted(checkpoint.iterdir()):
        crc, size = 0, 0
        with path.open("rb") as file:
            while piece := file.read(PIECE_BYTES_MAX):
                crc = google_crc32c.extend(crc, piece)
                size += len(piece)
        listed.append(LearnFile(f"{checkpoint.name}/{path.name}", size, crc))
    return listed


def _log_failure(error: Exception) -> None:
    logger.warning("files for learners could not be removed: %s", error)
