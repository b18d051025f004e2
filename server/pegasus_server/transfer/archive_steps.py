"""What jobs that write an archive have in common: its partitions are committed, it is finished."""

import time
from collections.abc import Callable
from pathlib import Path

from pegasus_server.storage.rocks import RocksEngine, RocksMemory
from pegasus_server.transfer.order import Done, Progress, WorkerOrder
from pegasus_server.transfer.pace import BytePace
from pegasus_tab.base.limits import MIB
from pegasus_tab.base.version import VERSION
from pegasus_tab.export.commit import (
    abandon_archive,
    commit_partition,
    committed_partition,
    finish_archive,
    settle_partition,
    void_partition,
)
from pegasus_tab.export.filesystem import Target, open_target
from pegasus_tab.export.layout import Archive, ArchiveKind
from pegasus_tab.export.manifest import Description, PartitionManifest
from pegasus_tab.export.metered_stream import Pace, no_pace
from pegasus_tab.export.verify import damaged_files

REPORT_SECONDS = 0.5
_CACHE_BYTES = 8 * MIB
"""A scan meets every block once; a cache only costs memory."""

Tell = Callable[[Progress], None]
Write = Callable[[WorkerOrder, Target, Archive, Tell], PartitionManifest]
"""Writes a partition's files under their temporary names."""


class Teller:
    """Says how far a task is, now and then.

    Args:
        tell: takes what is said.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._told = time.monotonic()

    def __call__(self, rows: int, bytes_: int, rows_total: int) -> None:
        """Say it if the last time is long enough ago."""
        if time.monotonic() - self._told >= REPORT_SECONDS:
            self._told = time.monotonic()
            self._tell(Progress(rows=rows, bytes=bytes_, rows_total=max(rows_total, rows)))


def new_id(order: WorkerOrder) -> str:
    """Name a new archive; ids sort by age."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + f"-{order.job}"


def description(order: WorkerOrder, kind: ArchiveKind) -> Description:
    """Describe the archive that an order wants, without facts."""
    options = order.options
    return Description(
        table=options["table"],
        app_id=options["app_id"],
        partitions=options["partitions"],
        kind=kind,
        file_format=options["format"],
        schema=options["schema"],
        schema_version=options["schema_version"],
        ddl=options["ddl"],
        created=int(time.time()),
        version=VERSION,
    )


def archive_of(order: WorkerOrder) -> Archive:
    """Return the archive that the ``open`` step found."""
    plan = order.plan
    return Archive(plan["table"], plan["kind"], plan["id"])


def attempt_name(order: WorkerOrder) -> str:
    """Name the attempt so that none has the same, also not one of an earlier life of the server."""
    return f"{order.job}-{order.step}-{order.partition}-{order.attempt}-{time.time_ns():x}"


def checkpoint_of(order: WorkerOrder) -> RocksEngine:
    """Open the partition's checkpoint."""
    return RocksEngine.open_checkpoint(Path(order.checkpoint), RocksMemory(_CACHE_BYTES, 0))


def pace_of(order: WorkerOrder) -> Pace:
    """Return what slows the bytes of an order down."""
    rate = order.bytes_per_second
    return BytePace(rate, time.monotonic, time.sleep) if rate else no_pace


def commit_written(order: WorkerOrder, tell: Tell, write: Write) -> Done:
    """Write a partition's rows and commit them, unless an earlier attempt or job did."""
    target, archive = open_target(order.options["target"]), archive_of(order)
    manifest = committed_partition(target, archive, order.partition)
    if manifest is not None and not _is_whole(target, archive, manifest):
        void_partition(target, archive, order.partition)
        manifest = None
    is_new = manifest is None
    if manifest is None:
        written = write(order, target, archive, tell)
        manifest = commit_partition(target, archive, written)
        settle_partition(target, archive, manifest)
    return Done(
        result={"decree": manifest.decree, "files": len(manifest.files), "is_new": is_new},
        rows=manifest.rows,
        bytes=manifest.bytes,
    )


def _is_whole(target: Target, archive: Archive, manifest: PartitionManifest) -> bool:
    """Finish what an earlier attempt committed; tell whether all its files are as they were."""
    settle_partition(target, archive, manifest)
    return not damaged_files(target, archive, manifest)


def finish_written(order: WorkerOrder, _tell: Tell) -> Done:
    """Write the root manifest and the marker."""
    target, archive = open_target(order.options["target"]), archive_of(order)
    success = finish_archive(target, archive, attempt_name(order), time.time)
    result = {"folder": target.shown(archive.folder), "files": success.files}
    return Done(result=result, rows=success.rows, bytes=success.bytes)


def abandon_written(order: WorkerOrder, _tell: Tell) -> Done:
    """Remove what a cancelled job left unfinished."""
    if order.plan:
        abandon_archive(open_target(order.options["target"]), archive_of(order))
    return Done(result={})
