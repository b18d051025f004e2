"""The folder of one replica: its RocksDB and the side file beside it. Every call blocks."""

import shutil
from pathlib import Path

from pegasus_server.mutation_log.remainder import RemainderDamaged
from pegasus_server.storage.atomic_file import fsync_folder
from pegasus_server.storage.engine import EngineDamaged, EngineUnavailable
from pegasus_server.storage.rocks import RocksEngine, RocksMemory
from pegasus_server.storage.side_file import (
    ReplicaRecord,
    SideFileDamaged,
    SideFileMissing,
    SideFileTooNew,
    read_side_file,
    write_side_file,
)
from pegasus_tab.base.ids import Ballot, Decree, Gpid

REPLICA_FAULTS = (
    EngineDamaged,
    EngineUnavailable,
    SideFileDamaged,
    SideFileMissing,
    SideFileTooNew,
    RemainderDamaged,
    OSError,
)
"""What can be wrong with one replica on disk; the others are served all the same."""


class ReplicaStore:
    """A replica's place on disk.

    Args:
        path: its folder.
        gpid: the partition.
        memory: caches shared by the engines of the process.
    """

    def __init__(self, path: Path, gpid: Gpid, memory: RocksMemory) -> None:
        self.path = path
        self.gpid = gpid
        self._memory = memory

    def create(self) -> None:
        """Make the folder with a first side file, unless it is there already.

        Made under another name and renamed, so that a crash leaves no half-made replica (F34).

        Raises:
            OSError: the disk refused.
        """
        if self.path.exists():
            return
        unfinished = self.path.with_name(self.path.name + ".tmp")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        write_side_file(unfinished / "side.json", self._record(Ballot(1), Decree(0)))
        unfinished.rename(self.path)
        fsync_folder(self.path.parent)

    def durable_decree(self) -> Decree:
        """Read the decree up to which the engine is on disk; see ``record`` for what it raises."""
        return self.record().durable_decree

    def record(self) -> ReplicaRecord:
        """Read what the replica remembers outside its engine.

        Raises:
            SideFileDamaged: damaged, or of another replica, whose folder was copied or moved here.
            SideFileMissing, SideFileTooNew, OSError: see ``read_side_file``.
        """
        file = self.path / "side.json"
        record = read_side_file(file)
        if (record.app_id, record.partition_index) != self.gpid:
            raise SideFileDamaged(
                f"side file {file} belongs to replica {record.app_id}.{record.partition_index}: "
                "was the folder copied or moved here?"
            )
        return record

    def open(self) -> RocksEngine:
        """Open the engine.

        Raises:
            SideFileMissing, SideFileDamaged, SideFileTooNew: the side file is not usable.
            EngineDamaged, EngineUnavailable: see ``RocksEngine.open``.
            OSError: the disk refused.
        """
        return RocksEngine.open(
            self.path / "db", durable_decree=self.durable_decree(), memory=self._memory
        )

    def note_durable(self, ballot: Ballot, decree: Decree) -> None:
        """Write down that the engine is on disk up to ``decree``; only after its flush returned.

        Raises:
            OSError: the disk refused; the old record is still there.
        """
        write_side_file(self.path / "side.json", self._record(ballot, decree))

    def _record(self, ballot: Ballot, decree: Decree) -> ReplicaRecord:
        return ReplicaRecord(
            app_id=self.gpid.app_id,
            partition_index=self.gpid.partition_index,
            ballot=ballot,
            durable_decree=decree,
        )
