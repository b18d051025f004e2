"""Statements as written: what the front parsers hand to the binder.

Plain values; names are lower case unless they were quoted. Both fronts (``quick`` and ``front``)
make these, so that the binder need not know which one ran. What the quick front never makes stands
in ``ast_definition`` and ``ast_session``, so that a point query does without importing it.
"""

from dataclasses import field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pegasus_tab.base.record import record
from pegasus_tab.sql.place import Place
from pegasus_tab.sql.terms import Item, Name, Placeholder, Term

if TYPE_CHECKING:
    from pegasus_tab.sql.ast_backup import BackupStatement
    from pegasus_tab.sql.ast_copy_from import CopyFrom
    from pegasus_tab.sql.ast_definition import Definition
    from pegasus_tab.sql.ast_policy import PolicyStatement
    from pegasus_tab.sql.ast_session import SessionStatement
    from pegasus_tab.sql.ast_transfer import TransferStatement


@record
class TableName:
    """A table as named in the text, with the alias it goes by."""

    name: str
    alias: str | None = None
    place: Place | None = field(default=None, compare=False)


# ---- queries ------------------------------------------------------------------------------------


@record
class Star:
    """``*`` or ``t.*`` in a select list."""

    table: str | None = None
    place: Place | None = field(default=None, compare=False)


@record
class SelectItem:
    """One entry of a select list; ``alias`` is None when none was written."""

    value: Term | Star
    alias: str | None = None


@record
class OrderItem:
    """One ORDER BY entry; ``nulls_first`` is already PostgreSQL's default when it was not written."""

    term: Term
    descending: bool = False
    nulls_first: bool = False


@record
class Select:
    """SELECT over one table or none, without grouping.

    ``core`` is sqlglot's own tree of the same query, kept for the case that the planner finds it
    needs the residual engine (a big sort); the quick front, whose queries never do, leaves None.
    """

    items: tuple[SelectItem, ...]
    table: TableName | None = None
    where: Term | None = None
    order: tuple[OrderItem, ...] = ()
    distinct: bool = False
    limit: Term | None = None
    offset: Term | None = None
    allow_filtering: bool = False
    core: Any = field(default=None, compare=False, repr=False)


@record
class QueryCore:
    """Any other query (joins, GROUP BY, windows, subqueries, set operations): sqlglot's tree."""

    core: Any
    allow_filtering: bool = False


Query: TypeAlias = Select | QueryCore

# ---- writes -------------------------------------------------------------------------------------


@record
class Insert:
    """INSERT and UPSERT; ``columns`` is None when no list was written."""

    mode: Literal["insert", "upsert", "ignore"]
    table: TableName
    columns: tuple[Name, ...] | None
    rows: tuple[tuple[Term, ...], ...]
    query: Query | None = None
    ttl: Term | None = None


@record
class SetItem:
    """``target = value`` in UPDATE ... SET."""

    target: Name | Item
    value: Term


@record
class Update:
    """UPDATE t SET ... WHERE ...."""

    table: TableName
    assignments: tuple[SetItem, ...]
    where: Term | None
    ttl: Term | None = None
    allow_filtering: bool = False


@record
class Delete:
    """DELETE FROM t WHERE ..., or DELETE attrs['x'] FROM t WHERE ...."""

    table: TableName
    cells: tuple[Item, ...]
    where: Term | None
    allow_filtering: bool = False


# ---- EXPLAIN, and every statement -----------------------------------------------------------------


@record
class Explain:
    """EXPLAIN [ANALYZE] [(FORMAT json)] statement."""

    statement: "Statement"
    analyze: bool = False
    format: Literal["text", "json"] = "text"


Statement: TypeAlias = (
    "Select | QueryCore | Insert | Update | Delete | CopyFrom | Explain | Definition"
    " | SessionStatement | TransferStatement | BackupStatement | PolicyStatement"
)


@record
class Parsed:
    """A statement and the values it wants: None for ``?`` and ``$n``, the name for ``:name``.

    ``placeholders`` has one entry for each occurrence, which sqlglot's trees number (``QueryCore``).
    """

    statement: Statement
    parameters: tuple[str | None, ...] = ()
    placeholders: tuple[Placeholder, ...] = field(default=(), compare=False)
