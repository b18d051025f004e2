"""COPY t FROM 'files' as written (see ``ast``)."""

from dataclasses import field

from pegasus_tab.base.record import record
from pegasus_tab.sql.ast import TableName
from pegasus_tab.sql.place import Place
from pegasus_tab.sql.terms import Name


@record
class CopyOption:
    """One ``NAME value`` behind COPY ... FROM; the mapping's value is a tuple of pairs."""

    name: str
    value: object
    place: Place | None = field(default=None, compare=False)


@record
class CopyFrom:
    """COPY t (columns) FROM 'source' (options); ``columns`` is None when no list was written."""

    table: TableName
    columns: tuple[Name, ...] | None
    source: str
    options: tuple[CopyOption, ...] = ()
