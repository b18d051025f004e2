"""The steps of an export: open the archive, write each partition, finish."""

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from pegasus_server.storage.rocks import RocksEngine, RocksMemory
from pegasus_server.transfer.checkpoint_rows import batches
from pegasus_server.transfer.order import Done, Progress, WorkerOrder
from pegasus_server.transfer.pace import BytePace
from pegasus_tab.base.limits import EPOCH_UNIX_SECONDS, MIB
from pegasus_tab.base.version import VERSION
from pegasus_tab.export.commit import (
    abandon_archive,
    commit_partition,
    committed_partition,
    finish_archive,
    open_archive,
    settle_partition,
    void_partition,
)
from pegasus_tab.export.filesystem import Target, open_target
from pegasus_tab.export.layout import Archive
from pegasus_tab.export.manifest import Description, PartitionManifest
from pegasus_tab.export.metered_stream import no_pace
from pegasus_tab.export.part_files import PartFiles, PartitionAttempt, PartStyle
from pegasus_tab.export.table_format import file_schema, schema_of, sorted_by
from pegasus_tab.export.verify import damaged_files
from pegasus_tab.tabular.schema import Schema

REPORT_SECONDS = 0.5
_CACHE_BYTES = 8 * MIB
"""A scan meets every block once; a cache only costs memory."""

Tell = Callable[[Progress], None]


def open_export(order: WorkerOrder, _tell: Tell) -> Done:
    """Find or make the archive that the other steps write into."""
    target = open_target(order.options["target"])
    id_ = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + f"-{order.job}"
    archive = open_archive(target, _description(order), id_, _attempt_name(order))
    return Done(result={"table": archive.table, "kind": archive.kind, "id": archive.id})


def _description(order: WorkerOrder) -> Description:
    options = order.options
    return Description(
        table=options["table"],
        app_id=options["app_id"],
        partitions=options["partitions"],
        kind="export",
        file_format=options["format"],
        schema=options["schema"],
        schema_version=options["schema_version"],
        ddl=options["ddl"],
        created=int(time.time()),
        version=VERSION,
    )


def export_partition(order: WorkerOrder, tell: Tell) -> Done:
    """Write a partition's rows and commit them, unless an earlier attempt or job did."""
    target, archive = open_target(order.options["target"]), archive_of(order)
    manifest = committed_partition(target, archive, order.partition)
    if manifest is not None and not _is_whole(target, archive, manifest):
        void_partition(target, archive, order.partition)
        manifest = None
    is_new = manifest is None
    if manifest is None:
        written = _write(order, target, archive, tell)
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


def _write(order: WorkerOrder, target: Target, archive: Archive, tell: Tell) -> PartitionManifest:
    description = _description(order)
    schema = schema_of(description)
    attempt = PartitionAttempt(target, archive, order.partition, _attempt_name(order))
    rate = order.bytes_per_second
    pace = BytePace(rate, time.monotonic, time.sleep) if rate else no_pace
    files = PartFiles(attempt, _style(order, schema), pace=pace)
    with closing(
        RocksEngine.open_checkpoint(Path(order.checkpoint), RocksMemory(_CACHE_BYTES, 0))
    ) as engine:
        rows, total, told = 0, engine.rows_estimate(), time.monotonic()
        for batch in batches(engine, schema, order.pinned - EPOCH_UNIX_SECONDS):
            files.add(*batch)
            rows += batch.rows.num_rows
            if time.monotonic() - told >= REPORT_SECONDS:
                told = time.monotonic()
                tell(Progress(rows=rows, bytes=files.written, rows_total=max(total, rows)))
    return PartitionManifest(
        order.partition,
        order.decree,
        order.pinned,
        order.job,
        attempt.name,
        files.finish(),
        {"repeated": order.attempt > 1},
    )


def _style(order: WorkerOrder, schema: Schema) -> PartStyle:
    facts = {
        "table": order.options["table"],
        "ddl": order.options["ddl"],
        "schema": order.options["schema"],
        "schema_version": str(order.options["schema_version"]),
        "partition": str(order.partition),
        "decree": str(order.decree),
        "pinned": str(order.pinned),
    }
    return PartStyle(file_schema(schema, facts), order.options["format"], sorted_by(schema))


def finish_export(order: WorkerOrder, _tell: Tell) -> Done:
    """Write the root manifest and the marker."""
    target, archive = open_target(order.options["target"]), archive_of(order)
    success = finish_archive(target, archive, _attempt_name(order), time.time)
    result = {"folder": target.shown(archive.folder), "files": success.files}
    return Done(result=result, rows=success.rows, bytes=success.bytes)


def abandon_export(order: WorkerOrder, _tell: Tell) -> Done:
    """Remove what a cancelled export left unfinished."""
    if order.plan:
        abandon_archive(open_target(order.options["target"]), archive_of(order))
    return Done(result={})


def archive_of(order: WorkerOrder) -> Archive:
    """Return the archive that the ``open`` step found."""
    plan = order.plan
    return Archive(plan["table"], plan["kind"], plan["id"])


def _attempt_name(order: WorkerOrder) -> str:
    """Name the attempt so that none has the same, also not one of an earlier life of the server."""
    return f"{order.job}-{order.step}-{order.partition}-{order.attempt}-{time.time_ns():x}"
