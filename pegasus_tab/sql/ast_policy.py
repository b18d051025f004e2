"""CREATE, ALTER and DROP BACKUP POLICY and SHOW BACKUP POLICIES as written (see ``ast``)."""

from dataclasses import field
from typing import TypeAlias

from pegasus_tab.base.record import record
from pegasus_tab.sql.ast import TableName
from pegasus_tab.sql.ast_copy_from import CopyOption
from pegasus_tab.sql.place import Place


@record
class Period:
    """EVERY 'interval'."""

    text: str
    place: Place | None = field(default=None, compare=False)


@record
class CreatePolicy:
    """CREATE BACKUP POLICY; ``tables`` is empty for ALL."""

    name: str
    tables: tuple[TableName, ...]
    target: str
    every: Period
    keep: int
    options: tuple[CopyOption, ...] = ()


@record
class AlterPolicy:
    """ALTER BACKUP POLICY; None leaves as it is."""

    name: str
    every: Period | None = None
    keep: int | None = None
    is_paused: bool | None = None


@record
class DropPolicy:
    """DROP BACKUP POLICY p."""

    name: str


@record
class ShowPolicies:
    """SHOW BACKUP POLICIES."""


PolicyStatement: TypeAlias = CreatePolicy | AlterPolicy | DropPolicy | ShowPolicies
