"""COPY ... TO, EXPORT TABLE, CANCEL JOB and VERIFY EXPORT as written (see ``ast``)."""

from dataclasses import field
from typing import TypeAlias

from pegasus_tab.base.record import record
from pegasus_tab.sql.ast import Query, TableName
from pegasus_tab.sql.ast_copy_from import CopyOption
from pegasus_tab.sql.place import Place


@record
class CopyTo:
    """COPY t TO 'target' (options), or EXPORT TABLE t TO ..."""

    table: TableName
    target: str
    options: tuple[CopyOption, ...] = ()
    place: Place | None = field(default=None, compare=False)


@record
class CopyQueryTo:
    """COPY (query) TO 'target' (options)."""

    query: Query
    target: str
    options: tuple[CopyOption, ...] = ()
    place: Place | None = field(default=None, compare=False)


@record
class CancelJob:
    """CANCEL JOB n."""

    job: int
    place: Place | None = field(default=None, compare=False)


@record
class VerifyExport:
    """VERIFY EXPORT 'target'."""

    target: str


TransferStatement: TypeAlias = CopyTo | CopyQueryTo | CancelJob | VerifyExport
