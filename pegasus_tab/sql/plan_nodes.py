"""Physical plans: what ``execute`` carries out. Values, cached by statement text.

An access path says how rows are reached; cheapest first: PointGet, MultiGet, RangeScan, MultiRange,
TableScan. Key parts are expressions because a cached plan is bound to parameters at each execution;
each is a Literal or a Parameter of the key column's type (see ``Statement.computed``).
"""

from dataclasses import field
from typing import Literal, TypeAlias

from pegasus_tab.base.record import record
from pegasus_tab.sql.catalog import Table
from pegasus_tab.sql.expression import Expression, Parameter
from pegasus_tab.sql.policy_nodes import PolicyPlan
from pegasus_tab.tabular.schema import ColumnType, Schema

# ---- access paths -------------------------------------------------------------------------------


@record
class PointGet:
    """One row by its whole key; expressions in key order."""

    hash_key: tuple[Expression, ...]
    sort_key: tuple[Expression, ...]


@record
class MultiGet:
    """Several whole keys: each of ``hash_keys`` with each of ``sort_keys`` (IN lists).

    Duplicates are removed at execution: two expressions may have one value. ``sort_keys`` is
    ``((),)`` for a table without a sort key; a key part that turns out NULL names no row.
    """

    hash_keys: tuple[tuple[Expression, ...], ...]
    sort_keys: tuple[tuple[Expression, ...], ...]


@record
class Bound:
    """One end of a range on the first sort column that has no equality, in *value* order."""

    value: Expression
    inclusive: bool


@record
class RangeScan:
    """Rows of one hash key whose sort key begins with ``prefix``, then lies between the bounds.

    ``reverse`` walks against storage order. Bounds are in the column's own order; the executor
    swaps them for a DESC column.
    """

    hash_key: tuple[Expression, ...]
    prefix: tuple[Expression, ...] = ()
    lower: Bound | None = None
    upper: Bound | None = None
    reverse: bool = False


@record
class MultiRange:
    """Several hash keys, the same sort range of each (``user_id IN (1, 2) AND at > ?``).

    Duplicate hash keys are removed at execution. Fields as in RangeScan; rows come hash key by
    hash key in the order given, so no order over all of them is promised.
    """

    hash_keys: tuple[tuple[Expression, ...], ...]
    prefix: tuple[Expression, ...] = ()
    lower: Bound | None = None
    upper: Bound | None = None


@record
class TableScan:
    """All partitions, or the one a whole hash key without order names (never wrong, only slower)."""


@record
class NoRows:
    """The predicate can never be true (WHERE FALSE, k = 1 AND k = 2): nothing is asked of any server."""


Access: TypeAlias = PointGet | MultiGet | RangeScan | MultiRange | TableScan | NoRows


@record
class Source:
    """Rows of one table: the access path and what the storage side filters.

    Attributes:
        columns: ids of the columns to fetch, in schema order; may be empty (COUNT(*)).
        seek: conjuncts the access path answers exactly (for EXPLAIN).
        pushed: conjuncts that become a storage filter (tabular/filter.py) once parameters are known.
        residual: conjuncts evaluated by the client on the fetched rows.
        limit_pushed: True when LIMIT (+ OFFSET) may stop the access early.
    """

    table: Table
    access: Access
    columns: tuple[int, ...]
    seek: tuple[Expression, ...] = ()
    pushed: tuple[Expression, ...] = ()
    residual: tuple[Expression, ...] = ()
    limit_pushed: bool = False


# ---- queries ------------------------------------------------------------------------------------


@record
class Output:
    """One column of the result; ``type`` is None when only known at run time."""

    name: str
    expression: Expression
    type: ColumnType | None


@record
class OrderBy:
    """One sort term over the source's columns."""

    expression: Expression
    descending: bool = False
    nulls_first: bool = False


@record
class Select:
    """SELECT over one table without aggregates: source -> order -> project -> distinct -> offset -> limit.

    ``order`` is empty when the access path already delivers the wanted order.
    """

    source: Source
    output: tuple[Output, ...]
    order: tuple[OrderBy, ...] = ()
    distinct: bool = False
    limit: Expression | None = None
    offset: Expression | None = None


@record
class CountRows:
    """SELECT count(*) over one table when every predicate is seek or pushed."""

    source: Source
    name: str = "count"


@record
class ScanView:
    """A source that a residual query reads under a view name."""

    name: str
    source: Source


@record
class ResidualQuery:
    """A query DuckDB finishes over our scans (joins, GROUP BY, windows, subqueries, big sorts).

    Attributes:
        sql: DuckDB text; tables are the views' names, parameters are ``$1`` ...
        views: one source for each table reference.
        parameters: for ``$n`` the index n-1 gives the statement's parameter index.
        typed: parameters that are compared with columns, with the columns' types.
        seek etc. live in the views' sources.
    """

    sql: str
    views: tuple[ScanView, ...]
    parameters: tuple[int, ...] = ()
    typed: tuple[Parameter, ...] = ()


@record
class ValuesQuery:
    """SELECT without FROM: one row of expressions."""

    output: tuple[Output, ...]


Query: TypeAlias = Select | CountRows | ResidualQuery | ValuesQuery

# ---- writes -------------------------------------------------------------------------------------


@record
class Assignment:
    """``column = value`` or, with ``map_key``, ``column['key'] = value`` (value None: delete the cell)."""

    column: int
    value: Expression | None
    map_key: Expression | None = None


@record
class Insert:
    """INSERT and UPSERT.

    Attributes:
        mode: ``insert`` fails on a duplicate key, ``upsert`` overwrites, ``ignore`` is ON CONFLICT
            DO NOTHING.
        columns: column ids the values are for, key columns included. Columns with a DEFAULT that
            the statement leaves out are added here by the planner unless ``merge`` is set.
        rows: a tuple of expressions a row; empty when ``query`` feeds the rows.
        ttl: seconds, or None for the table's default.
        merge: only with ``upsert``: the column list leaves out columns of a family it writes (or
            writes a whole MAP), so each row is read first: an existing row keeps what is not
            listed (a listed MAP replaces all cells), a new row gets DEFAULT or NULL, and a NOT
            NULL column without either is IntegrityError 23502. False is a blind write.
        defaults: trailing columns of ``columns`` that ``rows`` and ``query`` do not supply: their
            constant values, the same for every row.
    """

    table: Table
    mode: Literal["insert", "upsert", "ignore"]
    columns: tuple[int, ...]
    rows: tuple[tuple[Expression, ...], ...]
    query: Query | None = None
    ttl: Expression | None = None
    merge: bool = False
    defaults: tuple[object, ...] = ()


@record
class Update:
    """UPDATE: for each row of ``source`` read, assign, write back if unchanged (bounded retry)."""

    source: Source
    assignments: tuple[Assignment, ...]
    ttl: Expression | None = None


@record
class Delete:
    """DELETE of whole rows, or of map cells when ``cells`` names them (DELETE attrs['x'] FROM t)."""

    source: Source
    cells: tuple[Assignment, ...] = ()


@record
class CsvForm:
    """How a CSV file is written; ``quote`` is empty when nothing is quoted.

    Without a delimiter the file's name says which.
    """

    header: bool = True
    delimiter: str | None = None
    null: str = ""
    quote: str = '"'


OnConflict = Literal["upsert", "ignore", "fail"]


@record
class CopyFrom:
    """COPY ... FROM: rows of files into a table.

    Attributes:
        source: a file, folder or pattern, as written.
        format: None when the files' names decide.
        columns: the table's columns to fill, None for all that the files have.
        mapping: (name in the file, name in the table) where they differ.
        on_conflict: what happens to a row whose key exists.
        rejects: where rows that do not fit are written, None for nowhere.
        rejects_max: how many of them there may be, None for any number.
        state: where it is kept which files are done, None for nowhere.
        parallel: how many batches are made ready at once, None for what the machine suggests.
        ttl_seconds: when the rows expire, 0 for the table's default.
        csv: how the files are written, if they are CSV.
    """

    table: Table
    source: str
    format: Literal["parquet", "csv", "arrow"] | None = None
    columns: tuple[str, ...] | None = None
    mapping: tuple[tuple[str, str], ...] = ()
    on_conflict: OnConflict = "upsert"
    rejects: str | None = None
    rejects_max: int | None = 0
    state: str | None = None
    parallel: int | None = None
    ttl_seconds: int = 0
    csv: CsvForm = field(default_factory=CsvForm)


@record
class ExportTable:
    """COPY t TO and EXPORT TABLE: a job on the servers that writes every partition.

    Attributes:
        target: a folder, as written.
        format: of the files.
        bytes_per_second: limit of each server; 0 for none.
        wait: return when the job has ended, not when it has begun.
    """

    table: Table
    target: str
    format: Literal["parquet", "csv", "arrow"]
    bytes_per_second: int
    wait: bool


@record
class CopyQuery:
    """COPY (query) TO: the query's rows as one file, written by the client."""

    query: "Query"
    target: str
    format: Literal["parquet", "csv", "arrow"]


@record
class CancelJob:
    """CANCEL JOB n."""

    job: int


@record
class VerifyExport:
    """VERIFY EXPORT: read an export again, as the client sees it."""

    target: str


@record
class BackupTables:
    """BACKUP: a job of the servers for each table; ``tables`` is empty for all there are."""

    tables: tuple[Table, ...]
    target: str
    full: bool
    bytes_per_second: int
    wait: bool


@record
class RestoreTable:
    """RESTORE: a new table from its backups.

    Attributes:
        source: what the table was called.
        target: folder or URL of the backups.
        name: what the new table is to be called.
        at: id of a backup; empty for the latest.
        partitions: of the new table; 0 for as many as it had.
        replicas: likewise.
        bytes_per_second: limit of each server; 0 for none.
    """

    source: str
    target: str
    name: str
    at: str
    partitions: int
    replicas: int
    bytes_per_second: int


@record
class ListBackups:
    """SHOW BACKUPS IN a folder."""

    target: str


BackupPlan: TypeAlias = BackupTables | RestoreTable | ListBackups
TransferPlan: TypeAlias = ExportTable | CopyQuery | CancelJob | VerifyExport


# ---- definitions and reports --------------------------------------------------------------------


@record
class CreateTable:
    """CREATE TABLE; ``schema`` is None for CREATE RAW TABLE."""

    name: str
    schema: Schema | None
    if_not_exists: bool
    partitions: int
    replicas: int
    envs: dict[str, str] = field(default_factory=dict)


@record
class DropTable:
    """DROP TABLE: soft, recallable until the hold time ends."""

    name: str
    if_exists: bool


@record
class RecallTable:
    """RECALL TABLE id-or-name [AS new name]."""

    table: int | str
    new_name: str | None


@record
class AlterTable:
    """ALTER TABLE that changes the schema: the new schema, complete, version + 1."""

    table: Table
    schema: Schema


@record
class AlterOptions:
    """ALTER TABLE ... SET (default_ttl = ...): envs to set, None removes one; copies to have."""

    table: Table
    envs: dict[str, str | None]
    replicas: int | None = None


@record
class RenameTable:
    """ALTER TABLE t RENAME TO u."""

    table: Table
    new_name: str


@record
class Show:
    """SHOW TABLES | NODES | CLUSTER | JOBS | PARTITIONS OF t | CREATE TABLE t | setting, and DESCRIBE t.

    ``name`` is the session setting for ``option``, None for all of them.
    """

    what: Literal[
        "tables",
        "dropped",
        "nodes",
        "cluster",
        "partitions",
        "create",
        "describe",
        "jobs",
        "option",
    ]
    table: Table | None = None
    name: str | None = None


@record
class Balance:
    """BALANCE: plan at most ``moves_max`` moves of what (None: of both), and begin unless dry."""

    what: Literal["primaries", "replicas"] | None
    moves_max: int
    is_dry: bool


@record
class SetOption:
    """SET name = value, for the session (``full_scan = allow|warn|error`` ...); value None resets it."""

    name: str
    value: object


@record
class Explain:
    """EXPLAIN [ANALYZE] [(FORMAT json)] of another plan."""

    plan: "Plan"
    analyze: bool = False
    format: Literal["text", "json"] = "text"


Plan: TypeAlias = (
    Select
    | CountRows
    | ResidualQuery
    | ValuesQuery
    | Insert
    | Update
    | Delete
    | CopyFrom
    | ExportTable
    | CopyQuery
    | CancelJob
    | VerifyExport
    | BackupTables
    | RestoreTable
    | ListBackups
    | PolicyPlan
    | CreateTable
    | DropTable
    | RecallTable
    | AlterTable
    | AlterOptions
    | RenameTable
    | Show
    | Balance
    | SetOption
    | Explain
)


@record
class Statement:
    """A planned statement: the plan and the parameters it wants.

    Attributes:
        text: the SQL it came from (for error positions).
        parameters: one entry a value to be bound: None for ``?`` and ``$n``, the name for
            ``:name`` (once, however often it is used).
        computed: constant expressions over the parameters, worked out once an execution and
            appended to the bound values in order: ``Parameter(index)`` with an index past
            ``parameters`` reads them. So key parts, filters and limits are only ever a Literal or
            a Parameter. ``current_timestamp`` is one of them.
        notices: what the user should hear about the plan (a full scan under ``full_scan = warn``).
    """

    text: str
    plan: Plan
    parameters: tuple[str | None, ...] = ()
    computed: tuple[Expression, ...] = ()
    notices: tuple[str, ...] = ()
