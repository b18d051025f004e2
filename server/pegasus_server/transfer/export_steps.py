"""The steps of an export: columns as an analyst wants them."""

from contextlib import closing

from pegasus_server.transfer.archive_steps import (
    Tell,
    Teller,
    attempt_name,
    checkpoint_of,
    commit_written,
    description,
    new_id,
    pace_of,
)
from pegasus_server.transfer.checkpoint_rows import batches
from pegasus_server.transfer.order import Done, WorkerOrder
from pegasus_tab.base.limits import EPOCH_UNIX_SECONDS
from pegasus_tab.export.commit import open_archive
from pegasus_tab.export.filesystem import Target, open_target
from pegasus_tab.export.layout import Archive
from pegasus_tab.export.manifest import PartitionManifest
from pegasus_tab.export.part_files import PartFiles, PartitionAttempt, PartStyle
from pegasus_tab.export.table_format import file_schema, schema_of, sorted_by
from pegasus_tab.tabular.schema import Schema


def open_export(order: WorkerOrder, _tell: Tell) -> Done:
    """Find or make the archive that the other steps write into."""
    target = open_target(order.options["target"])
    wanted = description(order, "export")
    archive = open_archive(target, wanted, new_id(order), attempt_name(order))
    return Done(result={"table": archive.table, "kind": archive.kind, "id": archive.id})


def export_partition(order: WorkerOrder, tell: Tell) -> Done:
    """Write a partition's rows and commit them, unless an earlier attempt or job did."""
    return commit_written(order, tell, _write)


def _write(order: WorkerOrder, target: Target, archive: Archive, tell: Tell) -> PartitionManifest:
    schema = schema_of(description(order, "export"))
    attempt = PartitionAttempt(target, archive, order.partition, attempt_name(order))
    files = PartFiles(attempt, _style(order, schema), pace=pace_of(order))
    progress, rows = Teller(tell), 0
    with closing(checkpoint_of(order)) as engine:
        total = engine.rows_estimate()
        for batch in batches(engine, schema, order.pinned - EPOCH_UNIX_SECONDS):
            files.add(*batch)
            rows += batch.rows.num_rows
            progress(rows, files.written, total)
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
