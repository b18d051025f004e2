"""BACKUP, RESTORE and SHOW BACKUPS: tables and options checked; the target is looked at later."""

from pegasus_tab.base.errors import ProgrammingError
from pegasus_tab.base.limits import PARTITIONS_MAX, PARTITIONS_MIN, REPLICAS_MAX
from pegasus_tab.sql.ast_backup import Backup, BackupStatement, Restore, ShowBackups
from pegasus_tab.sql.place import at
from pegasus_tab.sql.plan_nodes import BackupPlan, BackupTables, ListBackups, RestoreTable
from pegasus_tab.sql.planning import Planning
from pegasus_tab.sql.transfer_options import Options, known_options, rate, refused, truth, whole

BACKUP_OPTIONS = ("full", "bytes_per_second", "wait")
RESTORE_OPTIONS = ("partitions", "replicas", "bytes_per_second")
"""Every option of BACKUP and RESTORE, as the documentation lists them."""
RESTORING_SUFFIX = ".restoring"
NAME_CHARACTERS_MAX = 64 - len(RESTORING_SUFFIX)


def plan_backup(planning: Planning, statement: BackupStatement) -> BackupPlan:
    """Plan one of these statements.

    Raises:
        ProgrammingError: 42P01 no such table; 42601 an option that does not exist; 22023 a value it
            does not take; 42622 a name too long.
    """
    match statement:
        case Backup():
            given = known_options("BACKUP", statement.options, BACKUP_OPTIONS)
            return BackupTables(
                tables=tuple(planning.table(each) for each in statement.tables),
                target=statement.target,
                full=truth(given, "full", default=False),
                bytes_per_second=rate(given),
                wait=truth(given, "wait", default=True),
            )
        case Restore():
            return _plan_restore(statement)
        case ShowBackups(target=target):
            return ListBackups(target)


def _plan_restore(statement: Restore) -> RestoreTable:
    given = known_options("RESTORE", statement.options, RESTORE_OPTIONS)
    if len(statement.name) > NAME_CHARACTERS_MAX:
        raise ProgrammingError(
            f"a restored table's name has at most {NAME_CHARACTERS_MAX} characters",
            sqlstate="42622",
            hint="restore it AS a shorter name; ALTER TABLE can rename it",
            **at(statement.place),
        )
    return RestoreTable(
        source=statement.source,
        target=statement.target,
        name=statement.name,
        at=statement.at,
        partitions=_partitions(given),
        replicas=_replicas(given),
        bytes_per_second=rate(given),
    )


def _partitions(given: Options) -> int:
    count = whole(given, "partitions", PARTITIONS_MIN, 0)
    if count > PARTITIONS_MAX or count & (count - 1):
        raise refused(given["partitions"], f"a power of two up to {PARTITIONS_MAX}")
    return count


def _replicas(given: Options) -> int:
    count = whole(given, "replicas", 1, 0)
    if count > REPLICAS_MAX:
        raise refused(given["replicas"], f"1 to {REPLICAS_MAX}")
    return count
