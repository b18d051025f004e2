"""What a table is: columns, keys, families, and every row layout ever used.

The schema is kept as JSON in the table env ``tab.schema`` (DESIGN.md 2). It is a value: an ALTER
makes a new schema with ``version + 1``; old layouts stay, so that old rows stay readable.
"""

from dataclasses import field
from enum import Enum

from pegasus_tab.base.record import record

SCHEMA_ENV = "tab.schema"
RESTORE_ENV = "tab.restore"
"""Setting of a table that is being restored: from what, as JSON."""


class Kind(Enum):
    """The scalar types of the dialect, and MAP."""

    BOOLEAN = "BOOLEAN"
    INT = "INT"
    BIGINT = "BIGINT"
    DOUBLE = "DOUBLE"
    DECIMAL = "DECIMAL"
    TEXT = "TEXT"
    BLOB = "BLOB"
    TIMESTAMP = "TIMESTAMP"
    DATE = "DATE"
    UUID = "UUID"
    MAP = "MAP"


@record
class ColumnType:
    """A column's type.

    Attributes:
        kind: the type proper.
        precision: decimal digits in total, 1..38, only for DECIMAL.
        scale: decimal digits after the point, 0..precision, only for DECIMAL.
        value: type of a MAP's values, a scalar; None for every other kind. Map keys are TEXT.
    """

    kind: Kind
    precision: int = 0
    scale: int = 0
    value: "ColumnType | None" = None

    def __str__(self) -> str:
        match self.kind:
            case Kind.DECIMAL:
                return f"DECIMAL({self.precision},{self.scale})"
            case Kind.MAP:
                return f"MAP<TEXT,{self.value}>"
            case _:
                return str(self.kind.value)


@record
class Column:
    """One column.

    Attributes:
        id: never used twice in a table, also not after DROP COLUMN; names may change, ids do not.
        name: lower case unless it was quoted.
        type: see ColumnType.
        not_null: True for key columns and columns declared NOT NULL.
        default: a Python value of the column's type used when an INSERT leaves the column out.
        family: 0 for the main family; a MAP column is a family of its own.
    """

    id: int
    name: str
    type: ColumnType
    not_null: bool = False
    default: object = None
    family: int = 0


@record
class SortColumn:
    """A column of the sort key: its id, and whether its order is inverted."""

    column: int
    descending: bool = False


@record
class Layout:
    """One way rows of a family were ever packed: its id and the ids of its columns in order.

    Invariant: a layout never changes once written; the newest layout of a family is the one
    writers use.
    """

    id: int
    family: int
    columns: tuple[int, ...]


@record
class Schema:
    """Everything needed to turn rows into key-value pairs and back.

    Attributes:
        version: counts ALTERs, starting at 1.
        columns: living columns in declaration order, key columns included.
        hash_key: column ids, at least one.
        sort_key: may be empty.
        families: family id -> name; 0 is always there under the name ``main``. A MAP column's
            family carries the column's name.
        layouts: every layout ever used, oldest first.
        dropped: columns that were dropped; old layouts still name them, and their types are
            needed to step over their bytes.
        next_column: the next free column id.
    """

    version: int
    columns: tuple[Column, ...]
    hash_key: tuple[int, ...]
    sort_key: tuple[SortColumn, ...]
    families: dict[int, str] = field(default_factory=lambda: {0: "main"})
    layouts: tuple[Layout, ...] = ()
    dropped: tuple[Column, ...] = ()
    next_column: int = 0


RAW_SCHEMA = Schema(
    version=0,
    columns=(
        Column(0, "hash_key", ColumnType(Kind.BLOB), not_null=True),
        Column(1, "sort_key", ColumnType(Kind.BLOB), not_null=True),
        Column(2, "value", ColumnType(Kind.BLOB), not_null=True),
    ),
    hash_key=(0,),
    sort_key=(SortColumn(1),),
    next_column=3,
)
"""What SQL shows of a table without ``tab.schema``: keys and values are stored as they are.

Version 0 and no layout tell it from every real schema.
"""


def is_raw(schema: Schema) -> bool:
    """Return whether the schema stands for a raw key-value table."""
    return schema.version == 0
