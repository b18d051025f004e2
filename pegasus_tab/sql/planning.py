"""What the planners of all statements share: the catalog, the settings, and what a plan gathers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pegasus_tab.base.errors import ProgrammingError
from pegasus_tab.sql import settings as session
from pegasus_tab.sql.access import choose_access, with_keys
from pegasus_tab.sql.ast import TableName
from pegasus_tab.sql.bind_expression import boolean
from pegasus_tab.sql.bind_functions import binder_for
from pegasus_tab.sql.catalog import Catalog, Table
from pegasus_tab.sql.column_types import BOOLEAN
from pegasus_tab.sql.compute import Computed
from pegasus_tab.sql.expression import Call, ColumnRef, Expression, Literal
from pegasus_tab.sql.place import at
from pegasus_tab.sql.plan_nodes import NoRows, Source, TableScan
from pegasus_tab.sql.pushable import is_pushable
from pegasus_tab.sql.rules import rewrite
from pegasus_tab.sql.scope import Scope, known_table
from pegasus_tab.sql.terms import Placeholder, Term
from pegasus_tab.sql.tree import columns_of, conjuncts


@dataclass(slots=True)
class Planning:
    """One statement being planned.

    Attributes:
        text: the statement.
        catalog: where tables are looked up.
        settings: the session's settings.
        computed: constant expressions taken out so far.
        placeholders: the parameter of each occurrence in the text.
        tables: every table the plan rests on, for the plan cache.
        notices: what the user should hear.
        scan_allowed: ALLOW FILTERING was written.
    """

    text: str
    catalog: Catalog
    settings: Mapping[str, object]
    computed: Computed
    placeholders: Sequence[Placeholder] = ()
    tables: list[Table] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    scan_allowed: bool = False

    def table(self, reference: TableName) -> Table:
        """Look a table up and note that the plan rests on it."""
        table = known_table(self.catalog, reference)
        self.tables.append(table)
        return table

    def finished(self, expression: Expression) -> Expression:
        """Return a bound expression rewritten, its constant parts taken out."""
        return self.computed.extract(rewrite(expression))

    def predicate(self, scope: Scope, where: Term | None) -> tuple[Expression, ...]:
        """Bind a WHERE and return its conjuncts, rewritten."""
        if where is None:
            return ()
        bound = boolean(binder_for(scope), where, "argument of WHERE")
        return filtering(scope.table, self.finished(bound))

    def source(
        self, table: Table, parts: tuple[Expression, ...], reference: TableName | None
    ) -> Source:
        """Choose the access path for a conjunction and split it into seek, pushed and residual.

        ``columns`` holds what the residual reads; the caller adds what the query wants.

        Raises:
            ProgrammingError: a full scan under ``full_scan = error`` without ALLOW FILTERING.
        """
        if any(is_never(part) for part in parts):
            return Source(table, NoRows(), (), seek=parts)
        access, seek = choose_access(table.schema, parts)
        access = with_keys(access, self.computed.extract)
        rest = [part for part in parts if part not in seek] if seek else parts
        pushed = tuple(part for part in rest if is_pushable(part))
        residual = tuple(part for part in rest if part not in pushed)
        if isinstance(access, TableScan):
            self.check_scan(table, reference)
        read = set().union(*(columns_of(part) for part in residual))
        return Source(table, access, in_schema_order(table, read), seek, pushed, residual)

    def check_scan(self, table: Table, reference: TableName | None) -> None:
        """Refuse or note a full scan, as the session's ``full_scan`` says."""
        mode = session.current(self.settings, session.FULL_SCAN)
        if self.scan_allowed or mode == "allow":
            return
        keys = ", ".join(
            column.name for column in table.schema.columns if column.id in table.schema.hash_key
        )
        message = f'this reads all {table.partition_count} partitions of table "{table.name}"'
        hint = f"give {keys} a value in WHERE, or add ALLOW FILTERING"
        if mode == "error":
            raise ProgrammingError(
                message,
                hint=f"{hint}, or SET full_scan = allow",
                **at(reference.place if reference else None),
            )
        self.notices.append(f"{message}; {hint}")


def in_schema_order(table: Table, ids: set[int]) -> tuple[int, ...]:
    """Return column ids in the order of the table's columns."""
    return tuple(column.id for column in table.schema.columns if column.id in ids)


def is_never(part: Expression) -> bool:
    """Tell whether a conjunct keeps no row: FALSE, NULL, or ``a <> a``."""
    match part:
        case Literal(value=None | False):
            return True
        case Call(function="<>", arguments=(ColumnRef() as left, ColumnRef() as right)):
            return left == right
        case _:
            return False


def filtering(table: Table | None, predicate: Expression) -> tuple[Expression, ...]:
    """Return the conjuncts of a filter, simplified for what a filter does: keep TRUE, drop the rest.

    Here NULL is as good as FALSE, so ``a = a`` is ``a IS NOT NULL``; and a column that holds no
    NULL decides both IS NULL and IS NOT NULL.
    """
    not_null = {column.id for column in (table.schema.columns if table else ()) if column.not_null}
    kept = []
    for part in conjuncts(predicate):
        simplified = _as_filter(part, not_null)
        if not (isinstance(simplified, Literal) and simplified.value is True):
            kept.append(simplified)
    return tuple(kept)


def _as_filter(part: Expression, not_null: set[int]) -> Expression:
    match part:
        case Call(function="=", arguments=(ColumnRef() as left, ColumnRef() as right)) if (
            left == right
        ):
            return _as_filter(Call("is_not_null", (left,), BOOLEAN), not_null)
        case Call(function="is_not_null", arguments=(ColumnRef(column=id_),)) if id_ in not_null:
            return Literal(value=True, type=BOOLEAN)
        case Call(function="is_null", arguments=(ColumnRef(column=id_),)) if id_ in not_null:
            return Literal(value=False, type=BOOLEAN)
        case _:
            return part
