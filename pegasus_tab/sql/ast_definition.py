"""CREATE, DROP, RECALL and ALTER TABLE as written (see ``ast``)."""

from dataclasses import field
from typing import TypeAlias

from pegasus_tab.base.record import record
from pegasus_tab.sql.ast import TableName
from pegasus_tab.sql.place import Place
from pegasus_tab.sql.terms import Name, Term
from pegasus_tab.tabular.schema import ColumnType


@record
class ColumnDefinition:
    """One column of CREATE TABLE or ALTER TABLE ADD."""

    name: Name
    type: ColumnType
    not_null: bool = False
    default: Term | None = None


@record
class KeyPart:
    """A sort column as listed in PRIMARY KEY."""

    name: Name
    descending: bool = False


@record
class FamilyDefinition:
    """``FAMILY name (columns)``."""

    name: str
    columns: tuple[Name, ...]


@record
class Option:
    """``name = value`` of WITH (...) or SET (...): an int, a str, a bool, or None for DEFAULT."""

    name: str
    value: object
    place: Place | None = field(default=None, compare=False)


@record
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


@record
class DropTable:
    """DROP TABLE [IF EXISTS] t."""

    table: TableName
    if_exists: bool


@record
class RecallTable:
    """RECALL TABLE id-or-name [AS new_name]."""

    table: int | str
    new_name: str | None


@record
class AddColumn:
    """ALTER TABLE ... ADD [COLUMN] ...; ``family`` is None for the main family."""

    column: ColumnDefinition
    if_not_exists: bool = False
    family: str | None = None


@record
class DropColumn:
    """ALTER TABLE ... DROP [COLUMN] name."""

    name: Name
    if_exists: bool = False


@record
class RenameColumn:
    """ALTER TABLE ... RENAME [COLUMN] old TO new."""

    name: Name
    new_name: str


@record
class RenameTable:
    """ALTER TABLE ... RENAME TO new_name."""

    new_name: str


@record
class SetOptions:
    """ALTER TABLE ... SET (options)."""

    options: tuple[Option, ...]


AlterAction: TypeAlias = AddColumn | DropColumn | RenameColumn | RenameTable | SetOptions


@record
class AlterTable:
    """ALTER TABLE with one action or, comma-separated, several column actions."""

    table: TableName
    actions: tuple[AlterAction, ...]


Definition: TypeAlias = CreateTable | DropTable | RecallTable | AlterTable
