"""Who a name means in a query with several tables: the tables of each SELECT, and their columns.

Every table reference becomes a ``Reference`` with the columns that the query reads of it. Where a name
could come from a subquery or CTE, whose columns are not known here, every table that has such a
column is charged with it: one column too many is only slower.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from pegasus_tab.base.errors import ProgrammingError
from pegasus_tab.sql.ast import TableName
from pegasus_tab.sql.catalog import Table
from pegasus_tab.sql.front_query import table_name
from pegasus_tab.sql.place import at
from pegasus_tab.sql.planning import Planning
from pegasus_tab.sql.scope import unknown_column
from pegasus_tab.sql.suggest import nearest
from pegasus_tab.sql.terms import Name
from pegasus_tab.sql.translation import column_place, identifier
from pegasus_tab.tabular.schema import ColumnType


@dataclass(slots=True, eq=False)
class Reference:
    """One table reference of a query.

    Attributes:
        node: its place in the tree.
        written: the table as named in the text.
        table: the table.
        nullable: True when an outer join can fill its columns with NULL.
        columns: ids of the columns the query reads.
    """

    node: Any
    written: TableName
    table: Table
    nullable: bool = False
    columns: set[int] = field(default_factory=set)

    @property
    def called(self) -> str:
        """The name before the dot of its columns."""
        return self.written.alias or self.written.name

    def has(self, column: str) -> bool:
        """Tell whether the table has a column of that name."""
        return any(one.name == column for one in self.table.schema.columns)

    def type_of(self, column: str) -> ColumnType:
        """Return the type of a column that the table has."""
        return next(one.type for one in self.table.schema.columns if one.name == column)

    def read(self, column: str) -> None:
        """Note that the query reads a column, when the table has it."""
        self.columns.update(one.id for one in self.table.schema.columns if one.name == column)

    def read_all(self) -> None:
        """Note that the query reads every column."""
        self.columns.update(one.id for one in self.table.schema.columns)


@dataclass(slots=True, eq=False)
class SelectScope:
    """The sources of one SELECT.

    Attributes:
        tables: its table references.
        others: its subqueries and CTEs by name; which columns they have is not known.
        outputs: names of its result columns, which ORDER BY and GROUP BY may use.
        parent: the SELECT it stands in, for correlated subqueries.
    """

    tables: list[Reference]
    others: dict[str, Any]
    outputs: set[str]
    parent: "SelectScope | None" = None


class Scopes:
    """Every SELECT of a query with its sources; built once, then names are resolved against it.

    Raises:
        ProgrammingError: 42P01 unknown table, 42703 unknown column, 42702 ambiguous column.
    """

    def __init__(self, planning: Planning, tree: Any) -> None:
        self._planning = planning
        self._scopes: dict[int, SelectScope] = {}
        self._types: dict[int, ColumnType] = {}
        self.selects: list[Any] = []
        for select in tree.find_all(exp.Select):
            self._add(select)
        for select in self.selects:
            outer = select.parent_select
            self.of(select).parent = self._scopes.get(id(outer)) if outer is not None else None
        self._resolve(tree)

    def of(self, select: Any) -> SelectScope:
        """Return the scope of a SELECT node."""
        return self._scopes[id(select)]

    @property
    def references(self) -> list[Reference]:
        """Every table reference, in the order of the tree's SELECTs."""
        return [one for select in self.selects for one in self.of(select).tables]

    def type_of(self, column: Any) -> ColumnType | None:
        """Return the type of a column node, None when its source is a subquery or CTE."""
        return self._types.get(id(column))

    def definition_of(self, column: Any) -> Any:
        """Return the expression behind a column of a subquery or CTE, None when it is not plain."""
        owner = _owner(column)
        if owner is None:
            return None
        table = column.args.get("table")
        others = self.of(owner).others
        called = [identifier(table)] if table is not None else list(others)
        queries = [others[name] for name in called if name in others]
        if len(queries) != 1 or not isinstance(queries[0], exp.Select):
            return None
        wanted = identifier(column.this)
        for item in queries[0].expressions:
            if not isinstance(item, exp.Star) and item.alias_or_name.lower() == wanted:
                return item.unalias()
        return None

    # ---- sources ----

    def _add(self, select: Any) -> None:
        scope = SelectScope([], {}, _aliases(select))
        earlier: list[Reference] = []
        for join, source in _sources(select):
            reference = self._source(scope, source)
            side = str(join.args.get("side") or "").upper() if join is not None else ""
            if side in ("RIGHT", "FULL"):
                for one in earlier:
                    one.nullable = True
            if reference is not None:
                reference.nullable = side in ("LEFT", "FULL")
                earlier.append(reference)
        self._scopes[id(select)] = scope
        self.selects.append(select)

    def _source(self, scope: SelectScope, source: Any) -> Reference | None:
        if not isinstance(source, exp.Table) or _cte(source) is not None:
            query = _cte(source) if isinstance(source, exp.Table) else source.this
            alias = source.args.get("alias")
            renamed = alias is not None and bool(alias.args.get("columns"))
            scope.others[source.alias_or_name.lower()] = None if renamed else query
            return None
        written = table_name(source)
        called = written.alias or written.name
        if any(one.called == called for one in scope.tables):
            raise ProgrammingError(
                f'table name "{called}" is given twice',
                sqlstate="42712",
                hint="give each its own alias",
                **at(written.place),
            )
        reference = Reference(source, written, self._planning.table(written))
        scope.tables.append(reference)
        return reference

    # ---- columns ----

    def _resolve(self, tree: Any) -> None:
        for column in tree.find_all(exp.Column):
            owner = _owner(column)
            if owner is not None:
                self._resolve_column(column, self.of(owner))
        for select in self.selects:
            self._resolve_stars(select)
            self._resolve_joins(select)

    def _resolve_column(self, column: Any, scope: SelectScope) -> None:
        if isinstance(column.this, exp.Star) or _is_output(column, scope):
            return
        table = column.args.get("table")
        name = Name(
            identifier(column.this),
            identifier(table) if table is not None else None,
            column_place(column),
        )
        if name.table is not None:
            owner = self._resolve_qualified(name, scope)
        else:
            owner = self._resolve_bare(name, scope)
        if owner is not None:
            self._types[id(column)] = owner.type_of(name.column)

    def _resolve_qualified(self, name: Name, scope: SelectScope) -> Reference | None:
        assert name.table is not None  # the caller looked
        for one in _outwards(scope):
            for reference in one.tables:
                if reference.called == name.table:
                    if not reference.has(name.column):
                        raise unknown_column(name, reference.table)
                    reference.read(name.column)
                    return reference
            if name.table in one.others:
                return None
        names = [one.called for level in _outwards(scope) for one in level.tables]
        raise ProgrammingError(
            f'there is no table "{name.table}" in this statement',
            sqlstate="42P01",
            hint=nearest(name.table, names),
            **at(name.place),
        )

    def _resolve_bare(self, name: Name, scope: SelectScope) -> Reference | None:
        known = False
        for level in _outwards(scope):
            owners = [one for one in level.tables if one.has(name.column)]
            elsewhere = any(may_have(one, name.column) for one in level.others.values())
            if len(owners) > 1 and not elsewhere:
                _check_ambiguous(name, owners)
            for owner in owners:
                owner.read(name.column)
            if owners and not elsewhere:
                return owners[0]
            known = known or bool(owners) or elsewhere
        if not known:
            tables = [one for level in _outwards(scope) for one in level.tables]
            if len(tables) == 1:
                raise unknown_column(name, tables[0].table)
            raise _unknown_in_all(name, tables)
        return None

    def _resolve_stars(self, select: Any) -> None:
        scope = self.of(select)
        for item in select.expressions:
            if isinstance(item, exp.Star):
                for reference in scope.tables:
                    reference.read_all()
            elif isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
                wanted = identifier(item.args["table"])
                for reference in scope.tables:
                    if reference.called == wanted:
                        reference.read_all()

    def _resolve_joins(self, select: Any) -> None:
        scope = self.of(select)
        for join in select.args.get("joins") or ():
            if join.args.get("method"):
                # NATURAL joins by every common name, so every column decides what it joins by.
                for reference in scope.tables:
                    reference.read_all()
            for using in join.args.get("using") or ():
                for reference in scope.tables:
                    reference.read(
                        identifier(using.this if isinstance(using, exp.Column) else using)
                    )


def _sources(select: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (join, source) for FROM, whose join is None, and each JOIN, left to right."""
    start = select.args.get("from_") or select.args.get("from")
    if start is not None:
        yield None, start.this
        for join in start.this.args.get("joins") or ():
            yield join, join.this
    for join in select.args.get("joins") or ():
        yield join, join.this


def _cte(table: Any) -> Any:
    """Return the query of the CTE that a table reference means, None when it means a table."""
    if table.args.get("db") is not None:
        return None
    name = identifier(table.this)
    node = table.parent
    while node is not None:
        with_ = node.args.get("with_") or node.args.get("with")
        for one in with_.expressions if with_ is not None else ():
            if identifier(one.args["alias"].this) == name:
                # q(a, b) renames the columns, so they are not to be looked up by name.
                return one if one.args["alias"].args.get("columns") else one.this
        node = node.parent
    return None


def may_have(query: Any, column: str) -> bool:
    """Tell whether a subquery or CTE may have a column; one that is no plain SELECT may."""
    if not isinstance(query, exp.Select):
        return True
    return any(
        isinstance(item, exp.Star)
        or (isinstance(item, exp.Column) and isinstance(item.this, exp.Star))
        or item.alias_or_name.lower() == column
        or not item.alias_or_name
        for item in query.expressions
    )


def _aliases(select: Any) -> set[str]:
    return {
        identifier(item.args["alias"]) for item in select.expressions if isinstance(item, exp.Alias)
    }


def _is_output(column: Any, scope: SelectScope) -> bool:
    """Tell whether a bare name in GROUP BY, HAVING or ORDER BY is an alias of the select list."""
    if column.args.get("table") is not None or identifier(column.this) not in scope.outputs:
        return False
    clause = column.find_ancestor(exp.Group, exp.Having, exp.Order, exp.Select)
    return clause is not None and not isinstance(clause, exp.Select)


def _owner(column: Any) -> Any:
    """Return the SELECT whose sources a column sees; None below ORDER BY of a set operation."""
    node = column.parent
    while node is not None and not isinstance(node, exp.Query):
        node = node.parent
    return node if isinstance(node, exp.Select) else None


def _outwards(scope: SelectScope | None) -> Iterator[SelectScope]:
    while scope is not None:
        yield scope
        scope = scope.parent


def _check_ambiguous(name: Name, owners: list[Reference]) -> None:
    for owner in owners:
        join = owner.node.find_ancestor(exp.Join, exp.Select)
        select = owner.node.find_ancestor(exp.Select)
        joins = [join, *(select.args.get("joins") or ())] if select is not None else []
        if any(one.args.get("using") or one.args.get("method") for one in joins if one is not None):
            return  # USING and NATURAL make one column of both
    tables = " and ".join(f'"{owner.called}"' for owner in owners)
    raise ProgrammingError(
        f'column "{name.column}" is in {tables}',
        sqlstate="42702",
        hint=f"write {owners[0].called}.{name.column}",
        **at(name.place),
    )


def _unknown_in_all(name: Name, tables: list[Reference]) -> ProgrammingError:
    columns = {column.name for one in tables for column in one.table.schema.columns}
    return ProgrammingError(
        f'column "{name.column}" does not exist',
        sqlstate="42703",
        hint=nearest(name.column, columns),
        **at(name.place),
    )
