"""The folder of one replica of a cluster. Every call blocks.

db                 the engine
side.json          what is remembered outside it
checkpoint.<n>     copies for learners, n the decree; swept at every start
private.<n>.<m>    mutations from decree n on, for learners (private_log); swept at every start
remainder          what the shared log held of it, if it failed for long (remainder_file)
learned            files copied from a primary, until they are the engine; learned.json says which
db.aside           the engine before the last time it had to be set aside
"""

import logging
import shutil
from pathlib import Path

from pegasus_server.runtime.failpoint import reach
from pegasus_server.runtime.kept_record import KeptRecord
from pegasus_server.runtime.replica_record import SIDE_NAME, make_replica, read_record
from pegasus_server.storage.atomic_file import fsync_folder
from pegasus_server.storage.engine import EngineDamaged
from pegasus_server.storage.rocks import RocksEngine, RocksMemory
from pegasus_server.storage.side_file import ReplicaRecord, write_side_file
from pegasus_tab.base.ids import Ballot, Decree, Gpid

logger = logging.getLogger(__name__)


class ReplicaFolder:
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

    @property
    def learned(self) -> Path:
        """Where files copied from a primary go."""
        return self.path / "learned"

    def create(self) -> None:
        """Make the folder of a replica without data, in one step (F34).

        Such a replica is suspect: a configuration that counts on it counts on what it lost (A9).

        Raises:
            OSError: the disk refused.
        """
        record = ReplicaRecord(
            app_id=self.gpid.app_id,
            partition_index=self.gpid.partition_index,
            ballot=Ballot(0),
            durable_decree=Decree(0),
            suspect=True,
        )
        make_replica(self.path, record)

    def read_record(self) -> ReplicaRecord:
        """Read the side file; see ``read_record`` for what it raises."""
        return read_record(self.path, self.gpid)

    def write_record(self, record: ReplicaRecord) -> None:
        """Replace the side file, before anybody keeps it.

        Raises:
            OSError: the disk refused; the old one is still there.
        """
        write_side_file(self.path / SIDE_NAME, record)

    def keep(self, record: ReplicaRecord) -> KeptRecord:
        """Return the side file for changing it; ``record`` is what it holds."""
        return KeptRecord(self.path / SIDE_NAME, record)

    def sweep(self) -> None:
        """Remove what only the life before had a use for."""
        for pattern in ("checkpoint.*", "private.*", "db.old", "remainder.tmp"):
            for path in self.path.glob(pattern):
                remove(path)

    def open_engine(self, durable: Decree) -> RocksEngine:
        """Open the engine.

        Raises:
            EngineDamaged, EngineUnavailable: see ``RocksEngine.open``.
        """
        return RocksEngine.open(self.path / "db", durable_decree=durable, memory=self._memory)

    def set_engine_aside(self) -> None:
        """Make room for an empty engine; the closed one stays, instead of the one set aside before.

        Raises:
            OSError: the disk refused.
        """
        engine, aside = self.path / "db", self.path / "db.aside"
        if engine.exists():
            remove(aside)
            engine.rename(aside)
            fsync_folder(self.path)

    def remove_learned(self) -> None:
        """Remove what was copied.

        Raises:
            OSError: the disk refused.
        """
        remove(self.learned)
        remove(self.learned.with_name("learned.json"))

    def put_learned_in_place(self) -> None:
        """Put the copied files where the closed engine was; that one is removed.

        Raises:
            OSError: the disk refused.
        """
        old = self.path / "db.old"
        remove(old)
        if (self.path / "db").exists():
            (self.path / "db").rename(old)
        reach("learn.moved")
        self.learned.rename(self.path / "db")
        fsync_folder(self.path)
        remove(old)


def release(engine: RocksEngine) -> None:
    """Close an engine whose data is given up, whatever state it is in. Blocks."""
    try:
        engine.close()
    except EngineDamaged as error:
        logger.warning("an engine that is given up: %s", error)


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
