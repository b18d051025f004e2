"""The steps of a prune: read the newest backup again, then remove those that are too old.

Nothing is removed before every partition of what will be relied on was compared with what was
written. Each step may be repeated: what is removed already is not found any more.
"""

from pegasus_server.transfer.archive_steps import Tell, Teller, pace_of
from pegasus_server.transfer.order import Done, WorkerOrder
from pegasus_tab.base.errors import DataError
from pegasus_tab.export.backup_chain import backups, chain_to, checked_manifests
from pegasus_tab.export.backup_retention import superseded, unfinished_before
from pegasus_tab.export.commit import committed_partition, remove_archive
from pegasus_tab.export.errors import DamagedExport
from pegasus_tab.export.filesystem import open_target
from pegasus_tab.export.layout import Archive
from pegasus_tab.export.verify import damaged_files


def open_prune(order: WorkerOrder, _tell: Tell) -> Done:
    """Decide what is to be read again and what can go.

    The newest backup is always read again. All that it continues is as well when something can go,
    for from then on the table hangs by that chain.
    """
    options = order.options
    target = open_target(options["target"])
    try:
        known = backups(target, options["table"])
        chain = chain_to(target, options["table"])
        removable = superseded(known, options["keep"])
        checked = chain if removable else chain[:1]
        for backup in checked:
            checked_manifests(target, backup)
    except DamagedExport as error:
        raise _damaged(error.message) from error
    return Done(
        result={
            "newest": chain[0].archive.id,
            "checked": [[each.archive.id, each.description.partitions] for each in checked],
            "removed": [each.archive.id for each in removable],
        }
    )


def verify_partition(order: WorkerOrder, tell: Tell) -> Done:
    """Compare the files of a share of the partitions with what was written."""
    target = open_target(order.options["target"])
    pace, progress = pace_of(order), Teller(tell)
    rows = read = 0
    for id_, partitions in order.plan["checked"]:
        archive = _archive(order, id_)
        for partition in range(order.partition, partitions, order.options["partitions"]):
            try:
                manifest = committed_partition(target, archive, partition)
            except DamagedExport as error:
                raise _damaged(error.message) from error
            if manifest is None:
                raise _damaged(f"{archive.partition_manifest(partition)} is gone")
            pace(manifest.bytes)
            for finding in damaged_files(target, archive, manifest):
                raise _damaged(f"{finding.name} is damaged: {finding.fault}")
            rows, read = rows + manifest.rows, read + manifest.bytes
            progress(rows, read, rows)
    return Done(result={}, rows=rows, bytes=read)


def finish_prune(order: WorkerOrder, _tell: Tell) -> Done:
    """Remove what is too old, and what was left unfinished before the newest backup."""
    target = open_target(order.options["target"])
    newest = _archive(order, order.plan["newest"])
    if not target.exists(newest.success):
        raise _damaged(f"{newest.success} is gone")
    removed = [_archive(order, id_) for id_ in order.plan["removed"]]
    for archive in removed:
        remove_archive(target, archive)
    for archive in unfinished_before(target, newest):
        remove_archive(target, archive)
    return Done(result={"removed": [archive.id for archive in removed]})


def abandon_prune(_order: WorkerOrder, _tell: Tell) -> Done:
    """Leave everything as it is."""
    return Done(result={})


def _archive(order: WorkerOrder, id_: str) -> Archive:
    return Archive(order.options["table"], "backup", id_)


def _damaged(what: str) -> DataError:
    """Reading again will not help."""
    return DataError(
        f"{what}; no older backup was removed",
        sqlstate="XX001",
        hint="The policy makes a full backup next. VERIFY BACKUP tells which others are damaged.",
    )
