"""From a data folder to the replicas of a server in a cluster: engines, log, machines. Blocks.

What is known to be committed is applied at once; the rest waits for the next configuration. A
replica that is damaged goes to quarantine with all its bytes: for the cluster this server has no replica
of that partition then, and another copy will teach it (fault matrix F29, F31 to F33).
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from pegasus_server.data import physical_batch
from pegasus_server.mutation_log.files import SharedLog
from pegasus_server.mutation_log.folder import DiskFolder
from pegasus_server.mutation_log.mutation import Mutation as LoggedMutation
from pegasus_server.mutation_log.opening import holds_log
from pegasus_server.mutation_log.remainder import RemainderDamaged
from pegasus_server.mutation_log.replay import ReplicaReplay
from pegasus_server.replication import log_body
from pegasus_server.replication.mutation import Mutation
from pegasus_server.replication.prepare_list import PrepareList
from pegasus_server.replication.replica_state import ReplicaState
from pegasus_server.replication.restart import recover
from pegasus_server.replication.timestamps import Timestamps
from pegasus_server.runtime.data_folder import DataFolder
from pegasus_server.runtime.private_log import PrivateLog, repaired
from pegasus_server.runtime.remainder_file import put_back, read_remainder
from pegasus_server.runtime.replica_folder import ReplicaFolder, release
from pegasus_server.storage.engine import EngineDamaged, EngineUnavailable
from pegasus_server.storage.rocks import RocksEngine, RocksMemory
from pegasus_server.storage.side_file import (
    ReplicaRecord,
    SideFileDamaged,
    SideFileMissing,
    SideFileTooNew,
)
from pegasus_tab.base.ids import Decree, Gpid, NodeName

logger = logging.getLogger(__name__)

_DAMAGE = (
    EngineDamaged,
    SideFileDamaged,
    SideFileMissing,
    RemainderDamaged,
    physical_batch.BatchDamaged,
)
_HINDRANCES = (EngineUnavailable, SideFileTooNew, OSError)


@dataclass(frozen=True, slots=True)
class RestoredReplica:
    """A replica as the last life left it.

    Attributes:
        state: for its machine.
        engine: open, with what is known to be committed.
        folder: its place on disk.
        record: what its side file holds.
        log: its private log.
        is_log_doubted: the log lost something of it, and keeps what is damaged until it is whole.
    """

    state: ReplicaState
    engine: RocksEngine
    folder: ReplicaFolder
    record: ReplicaRecord
    log: PrivateLog
    is_log_doubted: bool = False


@dataclass(slots=True)
class Restored:
    """What a server starts from.

    Attributes:
        log: open for appending.
        replicas: by partition.
        faults: replicas that are neither damaged nor usable, and why.
    """

    log: SharedLog
    replicas: dict[Gpid, RestoredReplica] = field(default_factory=dict)
    faults: dict[Gpid, str] = field(default_factory=dict)


class ReplicaRestart:
    """One restart.

    Args:
        folder: the data folder.
        node: this server.
        memory: caches shared by the engines.
        is_suspect: the log may lack what was acknowledged, and nothing in it would show that.
    """

    def __init__(
        self,
        folder: DataFolder,
        node: NodeName,
        memory: RocksMemory,
        *,
        is_suspect: bool,
    ) -> None:
        self._folder = folder
        self._node = node
        self._memory = memory
        self._is_suspect = is_suspect
        self._opened: dict[Gpid, tuple[ReplicaFolder, ReplicaRecord, RocksEngine]] = {}
        self._kept: dict[Gpid, list[LoggedMutation]] = {}
        self._faults: dict[Gpid, str] = {}

    def run(self, segment_bytes_max: int, entropy: Callable[[int], bytes]) -> Restored:
        """Open everything and replay the log.

        Raises:
            LogRefusedError, LogFullError, LogFailedError: see ``SharedLog.open``.
        """
        held = sorted(self._folder.replicas())
        if held and not holds_log(DiskFolder(self._folder.log_path)):
            logger.error(
                "%s holds no log, but there are replicas, whose last writes were in the log alone: "
                "all are suspect and learn again",
                self._folder.log_path,
            )
            self._is_suspect = True
        for gpid in held:
            self._open(gpid)
        durable = {gpid: Decree(0) for gpid in self._faults}
        durable |= {gpid: engine.applied_decree for gpid, (_, _, engine) in self._opened.items()}
        durable |= {gpid: kept[-1].decree for gpid, kept in self._kept.items() if kept}
        log, replay = SharedLog.open(
            self._folder.log_path,
            cluster=self._folder.cluster,
            node=self._folder.node,
            segment_bytes_max=segment_bytes_max,
            durable=durable,
            entropy=entropy,
            content_of=log_body.content,
        )
        for finding in replay.findings:
            logger.warning("log: %s", finding)
        put_back(log, {self._folder.replica_path(gpid): kept for gpid, kept in self._kept.items()})
        restored = Restored(log, faults=self._faults)
        for gpid in list(self._opened):
            replica = self._restore(gpid, replay.replicas[gpid])
            if replica is not None:
                restored.replicas[gpid] = replica
        return restored

    def _open(self, gpid: Gpid) -> None:
        folder = ReplicaFolder(self._folder.replica_path(gpid), gpid, self._memory)
        try:
            folder.sweep()
            record = folder.read_record()
            if self._is_suspect and not record.suspect:
                # On disk before a new log or boot note hides why.
                record = replace(record, suspect=True)
                folder.write_record(record)
            engine = folder.open_engine(record.durable_decree)
            self._opened[gpid] = (folder, record, engine)
            self._read_kept(gpid, engine)
        except _DAMAGE as error:
            self._set_aside(gpid, error)
        except _HINDRANCES as error:
            logger.error("replica %s is not served: %s", gpid, error)  # noqa: TRY400 -- no defect
            self._faults[gpid] = str(error)

    def _read_kept(self, gpid: Gpid, engine: RocksEngine) -> None:
        """Read what the log once held of a replica that failed, if it had to go from there."""
        try:
            kept = read_remainder(self._folder.replica_path(gpid), gpid, engine.applied_decree)
        except (*_DAMAGE, OSError):
            del self._opened[gpid]
            release(engine)
            raise
        if kept is not None:
            self._kept[gpid] = kept

    def _set_aside(self, gpid: Gpid, error: Exception) -> None:
        path = self._folder.replica_path(gpid)
        try:
            kept = self._folder.quarantine.take(path, gpid, str(error))
        except OSError as refusal:
            self._faults[gpid] = f"{error}; nor can it be moved: {refusal}"
            logger.error("replica %s is not served: %s", gpid, self._faults[gpid])  # noqa: TRY400 -- no defect
            return
        logger.error("replica %s is damaged: %s; it is kept as %s", gpid, error, kept)

    def _restore(self, gpid: Gpid, given_back: ReplicaReplay) -> RestoredReplica | None:
        folder, record, engine = self._opened[gpid]
        durable = engine.applied_decree
        mutations = [*self._kept.get(gpid, ()), *given_back.mutations]
        given_back = ReplicaReplay(mutations, given_back.suspect)
        try:
            recovered = recover(durable, map(_record, given_back.mutations))
            for mutation in recovered.committed:
                engine.apply(mutation.changes, mutation.decree)
        except _DAMAGE as error:
            engine.close()
            self._set_aside(gpid, error)
            return None
        log = _private_log(folder, engine.applied_decree, durable, given_back)
        stamps = [each.timestamp_us for each in given_back.mutations]
        state = ReplicaState(
            gpid,
            self._node,
            record.ballot,
            PrepareList(
                engine.applied_decree,
                recovered.undecided,
                keeps_recent=True,
                committed_us=recovered.committed_us,
            ),
            Timestamps(max(stamps, default=0)),
            durable,
            suspect=record.suspect or given_back.suspect is not None,
            signature=record.signature,
        )
        is_doubted = given_back.suspect is not None
        return RestoredReplica(state, engine, folder, record, log, is_log_doubted=is_doubted)


def _private_log(
    folder: ReplicaFolder, applied: Decree, durable: Decree, given_back: ReplicaReplay
) -> PrivateLog:
    """Begin a private log with what was just applied."""
    replayed = [
        (each.decree, log_body.split(each.body)[2])
        for each in given_back.mutations
        if durable < each.decree <= applied
    ]
    try:
        return repaired(folder.path, applied, replayed)
    except OSError as error:
        logger.warning("replica %s begins its log for learners anew: %s", folder.gpid, error)
        return PrivateLog(folder.path, Decree(applied + 1))


def _record(logged: LoggedMutation) -> tuple[Mutation, Decree]:
    """Read a mutation back from the log, with the commit point noted beside it."""
    _, ballot, decree, timestamp_us, body = logged
    try:
        born, committed, batch = log_body.split(body)
    except ValueError as error:
        raise physical_batch.BatchDamaged(str(error)) from error
    changes = physical_batch.decode(batch)
    return Mutation(ballot, decree, timestamp_us, changes, len(batch), born), committed
