"""BACKUP, RESTORE and SHOW BACKUPS as written (see ``ast``)."""

from dataclasses import field
from typing import TypeAlias

from pegasus_tab.base.record import record
from pegasus_tab.sql.ast import TableName
from pegasus_tab.sql.ast_copy_from import CopyOption
from pegasus_tab.sql.place import Place


@record
class Backup:
    """BACKUP TABLE t, ... TO 'target' (options); ``tables`` is empty for BACKUP ALL."""

    tables: tuple[TableName, ...]
    target: str
    options: tuple[CopyOption, ...] = ()


@record
class Restore:
    """RESTORE TABLE t FROM 'target' [AS new name] [AT 'id'] (options)."""

    source: str
    target: str
    name: str
    at: str = ""
    options: tuple[CopyOption, ...] = ()
    place: Place | None = field(default=None, compare=False)


@record
class ShowBackups:
    """SHOW BACKUPS IN 'target'."""

    target: str


BackupStatement: TypeAlias = Backup | Restore | ShowBackups
