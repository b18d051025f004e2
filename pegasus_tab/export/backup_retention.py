"""Which backups of a table are not needed any more."""

from collections.abc import Sequence

from pegasus_tab.export.backup_chain import Backup
from pegasus_tab.export.filesystem import Target
from pegasus_tab.export.layout import Archive, archive_of, table_folder


def superseded(known: Sequence[Backup], keep: int) -> list[Backup]:
    """Return the backups that can go, newest first, so that none ever continues one that is gone.

    The newest ``keep`` stay, and all that those continue.

    Args:
        known: all complete backups of a table, oldest first.
        keep: >= 1.
    """
    by_id = {backup.archive.id: backup for backup in known}
    needed = set()
    for kept in known[-keep:]:
        backup: Backup | None = kept
        while backup is not None and backup.archive.id not in needed:
            needed.add(backup.archive.id)
            backup = by_id.get(backup.continues)
    return [backup for backup in reversed(known) if backup.archive.id not in needed]


def unfinished_before(target: Target, newest: Archive) -> list[Archive]:
    """Return the backups of a table that were left unfinished, or half removed, before one.

    Raises:
        TargetError: the target cannot be read.
    """
    folder = table_folder(newest.table)
    found = [archive_of(folder, name) for name in target.folder_names(folder)]
    return [
        archive
        for archive in found
        if archive is not None
        and archive.kind == "backup"
        and archive.id < newest.id
        and not target.exists(archive.success)
    ]
