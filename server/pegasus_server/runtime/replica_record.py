"""The side file in a replica's folder, and how a folder with one comes into being. Every call blocks.

Whether a replica has copies elsewhere makes no difference to either.
"""

import shutil
from pathlib import Path
from typing import Final

from pegasus_server.storage.atomic_file import fsync_folder
from pegasus_server.storage.side_file import (
    ReplicaRecord,
    SideFileDamaged,
    read_side_file,
    write_side_file,
)
from pegasus_tab.base.ids import Gpid

SIDE_NAME: Final = "side.json"


def make_replica(replica: Path, record: ReplicaRecord) -> None:
    """Make the folder of a replica with its first side file.

    Made under another name and renamed, so that a crash leaves no half-made replica (F34).

    Args:
        replica: the folder; it must not exist.
        record: of a replica without data.

    Raises:
        OSError: the disk refused.
    """
    unfinished = replica.with_name(replica.name + ".tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    write_side_file(unfinished / SIDE_NAME, record)
    unfinished.rename(replica)
    fsync_folder(replica.parent)


def read_record(replica: Path, gpid: Gpid) -> ReplicaRecord:
    """Read what a replica remembers outside its engine.

    Raises:
        SideFileDamaged: damaged, or of another replica, whose folder was copied or moved here.
        SideFileMissing, SideFileTooNew, OSError: see ``read_side_file``.
    """
    file = replica / SIDE_NAME
    record = read_side_file(file)
    if (record.app_id, record.partition_index) != gpid:
        raise SideFileDamaged(
            f"side file {file} belongs to replica {record.app_id}.{record.partition_index}: "
            "was the folder copied or moved here?"
        )
    return record
