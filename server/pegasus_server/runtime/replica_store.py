"""The folder of one replica: its RocksDB and the side file beside it. Every call blocks."""

from pathlib import Path

from pegasus_server.mutation_log.remainder import RemainderDamaged
from pegasus_server.runtime.replica_record import SIDE_NAME, make_replica, read_record
from pegasus_server.storage.engine import EngineDamaged, EngineUnavailable
from pegasus_server.storage.rocks import RocksEngine, RocksMemory
from pegasus_server.storage.side_file import (
    ReplicaRecord,
    SideFileDamaged,
    SideFileMissing,
    SideFileTooNew,
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

        Raises:
            OSError: the disk refused.
        """
        if not self.path.exists():
            make_replica(self.path, self._record(Ballot(1), Decree(0)))

    def durable_decree(self) -> Decree:
        """Read the decree up to which the engine is on disk; may raise what ``read_record`` does."""
        return read_record(self.path, self.gpid).durable_decree

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
        write_side_file(self.path / SIDE_NAME, self._record(ballot, decree))

    def _record(self, ballot: Ballot, decree: Decree) -> ReplicaRecord:
        return ReplicaRecord(
            app_id=self.gpid.app_id,
            partition_index=self.gpid.partition_index,
            ballot=ballot,
            durable_decree=decree,
        )
