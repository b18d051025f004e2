"""The file work of learning, both sides: copies taken from a primary, and what is taught from.

Installing and discarding change the engine itself, so they run where all engine work runs, one job
after another; while one is under way nothing else may use the engine.
"""

import logging
from typing import TYPE_CHECKING

from pegasus_server.data import physical_batch
from pegasus_server.replication.effects import (
    CancelLearning,
    CopyFiles,
    DescribeSources,
    DiscardData,
    Install,
    StartCheckpoint,
)
from pegasus_server.replication.inputs import (
    CopyFailed,
    Discarded,
    FilesCopied,
    Installed,
    InstallFailed,
)
from pegasus_server.replication.messages import LearnMode
from pegasus_server.runtime.clock import boottime_seconds
from pegasus_server.runtime.copied_files import CopiedFiles, CopyDamaged, own_name
from pegasus_server.runtime.failpoint import reach
from pegasus_server.runtime.file_copy import FileCopy
from pegasus_server.runtime.kept_record import KeptRecord
from pegasus_server.runtime.private_log import PrivateLog, read_private_log
from pegasus_server.runtime.replica_folder import ReplicaFolder, release
from pegasus_server.runtime.server_parts import ServerParts
from pegasus_server.runtime.teacher_files import KEPT_SECONDS, TeacherFiles
from pegasus_server.storage.engine import EngineDamaged
from pegasus_server.storage.rocks import RocksEngine
from pegasus_tab.base.ids import Decree

if TYPE_CHECKING:
    from pegasus_server.runtime.hosted_replica import HostedReplica

logger = logging.getLogger(__name__)

LearningEffect = (
    DescribeSources | StartCheckpoint | CopyFiles | Install | DiscardData | CancelLearning
)


class LearningFiles:
    """The files one replica teaches from and learns with.

    Invariant: at most one copy is under way; one that was overtaken never reaches the machine.

    Args:
        replica: whose.
        folder: its place on disk.
        record: its side file.
        log: its private log.
        parts: of the server.

    Attributes:
        teacher: what is taught from.
        is_replacing: the engine is being changed in the background.
    """

    def __init__(
        self,
        replica: "HostedReplica",
        folder: ReplicaFolder,
        record: KeptRecord,
        log: PrivateLog,
        parts: ServerParts,
    ) -> None:
        self.teacher = TeacherFiles(replica, folder, log, parts)
        self.is_replacing = False
        self._replica = replica
        self._folder = folder
        self._record = record
        self._parts = parts
        self._copy: FileCopy | None = None
        # The life before may have left files to go on with.
        self._kept_seconds: float | None = boottime_seconds()

    def end(self) -> None:
        """Copy and teach no longer: the replica is about to be closed."""
        self._end_copy()
        self.teacher.end()

    def perform(self, effect: LearningEffect) -> None:
        """Carry an effect out."""
        match effect:
            case DescribeSources():
                self.teacher.describe(effect)
            case StartCheckpoint():
                self.teacher.start_checkpoint()
            case CopyFiles():
                self._start_copy(effect)
            case Install():
                self._install(effect)
            case DiscardData():
                self._discard(effect)
            case CancelLearning():
                # What came so far stays for a while: the next attempt may want the same.
                self._end_copy()

    def tick(self) -> None:
        """Let time pass; call every second or so."""
        self.teacher.sweep()
        self._sweep_copied()

    # Copies.

    def _start_copy(self, effect: CopyFiles) -> None:
        self._end_copy()
        gpid = self._replica.gpid

        begun, size = boottime_seconds(), sum([each.bytes for each in effect.files])

        def end(reason: str | None) -> None:
            self._copy = None
            if reason is None:
                reach("learn.copied")
                spent = boottime_seconds() - begun
                logger.info("replica %s copied %d bytes in %.1f s", gpid, size, spent)
                self._replica.drive(FilesCopied(effect.signature, effect.round))
            else:
                logger.warning("replica %s did not copy %d bytes: %s", gpid, size, reason)
                self._replica.drive(CopyFailed(effect.signature, effect.round, reason))

        try:
            files = CopiedFiles(self._folder.learned, effect.source, effect.files)
        except CopyDamaged as error:
            end(str(error))
            return
        parts = self._parts
        self._copy = FileCopy(parts.cluster, parts.node, gpid, effect, files, end)
        self._copy.start(parts.run_copies)

    def _end_copy(self) -> None:
        if self._copy is not None:
            self._copy.cancel()
            self._copy = None
            self._kept_seconds = boottime_seconds()

    def _sweep_copied(self) -> None:
        """Remove what was copied and nobody went on with; its source is gone by now."""
        kept = self._kept_seconds
        if self._copy is not None or self.is_replacing or kept is None:
            return
        if boottime_seconds() - kept >= KEPT_SECONDS:
            self._kept_seconds = None
            folder = self._folder
            self._parts.run_copies(folder.remove_learned, lambda _: None, _log_failure)

    # The engine.

    def _install(self, effect: Install) -> None:
        self._end_copy()
        if self.is_replacing:
            return  # for an attempt that is over; its outcome makes this one ask anew
        self.is_replacing = True
        is_log = effect.mode == LearnMode.LOG
        engine = self._replica.rocks

        def install() -> RocksEngine:
            return self._extend(engine, effect) if is_log else self._exchange(engine, effect)

        def installed(engine: RocksEngine) -> None:
            self._use(engine)
            applied = engine.applied_decree
            logger.info(
                "replica %s learned up to decree %d (%s)", self._replica.gpid, applied, effect.mode
            )
            self._replica.drive(Installed(effect.signature, effect.round, applied))

        def failed(error: Exception) -> None:
            self.is_replacing = False
            logger.error("replica %s: what it copied is no use: %s", self._replica.gpid, error)
            self._replica.drive(
                InstallFailed(effect.signature, effect.round, Decree(0), str(error))
            )

        self._parts.disk.run(install, installed, failed)

    def _exchange(self, engine: RocksEngine, effect: Install) -> RocksEngine:
        """Put a copied checkpoint in the engine's place. Blocks."""
        release(engine)
        # A crash from here on leaves a replica that is suspect and has nothing durable.
        self._record.note_durable(Decree(0))
        reach("learn.closed")
        self._folder.put_learned_in_place()
        opened = self._folder.open_engine(effect.through)
        if opened.applied_decree != effect.through:
            opened.close()
            raise EngineDamaged(f"the checkpoint holds decree {opened.applied_decree}")
        self._record.note_durable(effect.through)
        reach("learn.installed")
        return opened

    def _extend(self, engine: RocksEngine, effect: Install) -> RocksEngine:
        """Apply what a copied log has beyond the engine. Blocks."""
        for decree, body in read_private_log(
            [self._folder.learned / own_name(file.name) for file in effect.files]
        ):
            if engine.applied_decree + 1 == decree <= effect.through:
                engine.apply(physical_batch.decode(body), decree)
        if engine.applied_decree != effect.through:
            raise EngineDamaged(f"the log ends at decree {engine.applied_decree}")
        self._record.note_durable(engine.flush())
        self._folder.remove_learned()
        reach("learn.extended")
        return engine

    def _discard(self, effect: DiscardData) -> None:
        self._end_copy()
        if self.is_replacing:
            return  # as above
        self.is_replacing = True
        engine, gpid = self._replica.rocks, self._replica.gpid

        def discard() -> RocksEngine:
            release(engine)
            self._record.note_durable(Decree(0))
            self._folder.set_engine_aside()
            reach("learn.discarded")
            return self._folder.open_engine(Decree(0))

        def discarded(engine: RocksEngine) -> None:
            self._use(engine)
            # Before any mutation that is logged from now on.
            self._parts.disk.discard_above(gpid, Decree(0))
            self._replica.drive(Discarded(effect.signature))

        def failed(error: Exception) -> None:
            self.is_replacing = False
            self._replica.fail(f"its engine could not be set aside: {error}")

        self._parts.disk.run(discard, discarded, failed)

    def _use(self, engine: RocksEngine) -> None:
        self.is_replacing = False
        self._replica.replace_engine(engine)
        self.teacher.begin_log(engine.applied_decree)


def _log_failure(error: Exception) -> None:
    logger.warning("copied files could not be removed: %s", error)
