"""Statements as written: what the front parsers hand to the binder.

Plain values; names are lower case unless they were quoted. Both fronts (``quick`` and ``front``)
make these, so that the binder need not know which one ran.
"""

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from pegasus_tab.sql.place import Place
from pegasus_tab.sql.terms import Item, Name, Placeholder, Term
from pegasus_tab.tabular.schema import ColumnType


@dataclass(frozen=True, slots=True)
class TableName:
    """A table as named in the text, with the alias it goes by."""

    name: str
    alias: str | None = None
    place: Place | None = field(default=None, compare=False)


# ---- queries ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Star:
    """``*`` or ``t.*`` in a select list."""

    table: str | None = None
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class SelectItem:
    """One entry of a select list; ``alias`` is None when none was written."""

    value: Term | Star
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class OrderItem:
    """One ORDER BY entry; ``nulls_first`` is already PostgreSQL's default when it was not written."""

    term: Term
    descending: bool = False
    nulls_first: bool = False


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class QueryCore:
    """Any other query (joins, GROUP BY, windows, subqueries, set operations): sqlglot's tree."""

    core: Any
    allow_filtering: bool = False


Query: TypeAlias = Select | QueryCore

# ---- writes -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Insert:
    """INSERT and UPSERT; ``columns`` is None when no list was written."""

    mode: Literal["insert", "upsert", "ignore"]
    table: TableName
    columns: tuple[Name, ...] | None
    rows: tuple[tuple[Term, ...], ...]
    query: Query | None = None
    ttl: Term | None = None


@dataclass(frozen=True, slots=True)
class SetItem:
    """``target = value`` in UPDATE ... SET."""

    target: Name | Item
    value: Term


@dataclass(frozen=True, slots=True)
class Update:
    """UPDATE t SET ... WHERE ...."""

    table: TableName
    assignments: tuple[SetItem, ...]
    where: Term | None
    ttl: Term | None = None
    allow_filtering: bool = False


@dataclass(frozen=True, slots=True)
class Delete:
    """DELETE FROM t WHERE ..., or DELETE attrs['x'] FROM t WHERE ...."""

    table: TableName
    cells: tuple[Item, ...]
    where: Term | None
    allow_filtering: bool = False


# ---- definitions --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ColumnDefinition:
    """One column of CREATE TABLE or ALTER TABLE ADD."""

    name: Name
    type: ColumnType
    not_null: bool = False
    default: Term | None = None


@dataclass(frozen=True, slots=True)
class KeyPart:
    """A sort column as listed in PRIMARY KEY."""

    name: Name
    descending: bool = False


@dataclass(frozen=True, slots=True)
class FamilyDefinition:
    """``FAMILY name (columns)``."""

    name: str
    columns: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Option:
    """``name = value`` of WITH (...) or SET (...): an int, a str, a bool, or None for DEFAULT."""

    name: str
    value: object
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class CreateTable:
    """CREATE TABLE; ``raw`` is CREATE RAW TABLE, which has no columns of its own."""

    name: str
    if_not_exists: bool
    raw: bool = False
    columns: tuple[ColumnDefinition, ...] = ()
    hash_key: tuple[Name, ...] = ()
    sort_key: tuple[KeyPart, ...] = ()
    families: tuple[FamilyDefinition, ...] = ()
    options: tuple[Option, ...] = ()
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DropTable:
    """DROP TABLE [IF EXISTS] t."""

    table: TableName
    if_exists: bool


@dataclass(frozen=True, slots=True)
class RecallTable:
    """RECALL TABLE id-or-name [AS new_name]."""

    table: int | str
    new_name: str | None


@dataclass(frozen=True, slots=True)
class AddColumn:
    """ALTER TABLE ... ADD [COLUMN] ...; ``family`` is None for the main family."""

    column: ColumnDefinition
    if_not_exists: bool = False
    family: str | None = None


@dataclass(frozen=True, slots=True)
class DropColumn:
    """ALTER TABLE ... DROP [COLUMN] name."""

    name: Name
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class RenameColumn:
    """ALTER TABLE ... RENAME [COLUMN] old TO new."""

    name: Name
    new_name: str


@dataclass(frozen=True, slots=True)
class RenameTable:
    """ALTER TABLE ... RENAME TO new_name."""

    new_name: str


@dataclass(frozen=True, slots=True)
class SetOptions:
    """ALTER TABLE ... SET (options)."""

    options: tuple[Option, ...]


AlterAction: TypeAlias = AddColumn | DropColumn | RenameColumn | RenameTable | SetOptions


@dataclass(frozen=True, slots=True)
class AlterTable:
    """ALTER TABLE with one action or, comma-separated, several column actions."""

    table: TableName
    actions: tuple[AlterAction, ...]


# ---- session ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Show:
    """SHOW ... and DESCRIBE t; ``name`` is the setting for ``option``, None for all."""

    what: Literal["tables", "dropped", "partitions", "create", "describe", "option"]
    table: TableName | None = None
    name: str | None = None
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class SetOption:
    """SET name = value; None resets it."""

    name: str
    value: object
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Explain:
    """EXPLAIN [ANALYZE] [(FORMAT json)] statement."""

    statement: "Statement"
    analyze: bool = False
    format: Literal["text", "json"] = "text"


Statement: TypeAlias = (
    Select
    | QueryCore
    | Insert
    | Update
    | Delete
    | CreateTable
    | DropTable
    | RecallTable
    | AlterTable
    | Show
    | SetOption
    | Explain
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A statement and the values it wants: None for ``?`` and ``$n``, the name for ``:name``.

    ``placeholders`` has one entry for each occurrence, which sqlglot's trees number (``QueryCore``).
    """

    statement: Statement
    parameters: tuple[str | None, ...] = ()
    placeholders: tuple[Placeholder, ...] = field(default=(), compare=False)
