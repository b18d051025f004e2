"""SELECT over one table or none: outputs, order, limit, and whether it is ours to finish."""

from collections.abc import Sequence
from dataclasses import replace

from pegasus_tab.base.errors import DataError, ProgrammingError
from pegasus_tab.sql import ast
from pegasus_tab.sql.bind_expression import Binder, is_interval, type_of
from pegasus_tab.sql.bind_functions import binder_for
from pegasus_tab.sql.column_types import BIGINT
from pegasus_tab.sql.expression import ColumnRef, Expression, Literal, MapItem, TtlOf
from pegasus_tab.sql.ordering import without_sort
from pegasus_tab.sql.place import at
from pegasus_tab.sql.plan_nodes import (
    CountRows,
    OrderBy,
    Output,
    Query,
    Select,
    Source,
    TableScan,
    ValuesQuery,
)
from pegasus_tab.sql.planning import Planning, in_schema_order
from pegasus_tab.sql.render import Renderer
from pegasus_tab.sql.scope import Scope
from pegasus_tab.sql.terms import Apply, Constant, Name, Term, place_of
from pegasus_tab.sql.tree import columns_of, walk
from pegasus_tab.tabular.schema import Kind

OUTPUTS_MAX = 1_664
"""Columns of one result, PostgreSQL's own limit."""


def plan_select(planning: Planning, statement: ast.Select) -> Query:
    """Plan a SELECT; one that needs a big sort or a count over a residual goes to DuckDB.

    Raises:
        ProgrammingError: names, types, ordinals; a full scan that the session refuses.
    """
    if statement.table is None:
        return _values(planning, statement)
    planning.scan_allowed = planning.scan_allowed or statement.allow_filtering
    table = planning.table(statement.table)
    scope = Scope(table, statement.table.alias)
    source = planning.source(table, planning.predicate(scope, statement.where), statement.table)
    first = statement.items[0].value
    if isinstance(first, Apply) and first.function == "count":
        if source.residual:
            return _residual(planning, statement)
        return CountRows(source, statement.items[0].alias or "count")
    return _rows(planning, statement, scope, source)


def _residual(planning: Planning, statement: ast.Select) -> Query:
    from pegasus_tab.sql import front
    from pegasus_tab.sql.plan_residual import plan_core

    core = statement.core
    if core is None:
        # The quick front made the statement: it keeps no tree for the rare case that comes here.
        parsed = front.parse(planning.text)
        assert isinstance(parsed.statement, ast.Select)  # both fronts read one text alike
        core, planning.placeholders = parsed.statement.core, parsed.placeholders
    return plan_core(planning, core)


def _values(planning: Planning, statement: ast.Select) -> Query:
    if statement.where is not None or statement.order or statement.distinct:
        return _residual(planning, statement)
    if statement.limit is not None or statement.offset is not None:
        return _residual(planning, statement)
    if isinstance(statement.items[0].value, Apply) and statement.items[0].value.function == "count":
        return _residual(planning, statement)
    return ValuesQuery(_outputs(planning, binder_for(Scope()), statement))


def _rows(planning: Planning, statement: ast.Select, scope: Scope, source: Source) -> Query:
    binder = binder_for(scope)
    output = _outputs(planning, binder, statement)
    order = _order(planning, binder, statement, output)
    access = without_sort(source.table.schema, source.access, order)
    if access is not None:
        source, order = replace(source, access=access), ()
    sorting = bool(order) or statement.distinct
    if isinstance(source.access, TableScan) and sorting and not _is_ours_alone(output, order):
        return _residual(planning, statement)
    wanted = set(source.columns).union(*(columns_of(one) for one in _expressions(output, order)))
    limit, offset = (
        _count(planning, binder, statement.limit, "LIMIT"),
        _count(planning, binder, statement.offset, "OFFSET"),
    )
    source = replace(
        source,
        columns=in_schema_order(source.table, wanted),
        limit_pushed=limit is not None and not source.residual and not sorting,
    )
    return Select(source, output, order, statement.distinct, limit, offset)


def _is_ours_alone(output: tuple[Output, ...], order: tuple[OrderBy, ...]) -> bool:
    # TTL lives beside the value, where the residual engine does not see it.
    return any(
        isinstance(node, TtlOf)
        for expression in _expressions(output, order)
        for node in walk(expression)
    )


def _expressions(output: Sequence[Output], order: Sequence[OrderBy]) -> list[Expression]:
    return [*(one.expression for one in output), *(one.expression for one in order)]


# ---- outputs ------------------------------------------------------------------------------------


def _outputs(planning: Planning, binder: Binder, statement: ast.Select) -> tuple[Output, ...]:
    outputs: list[Output] = []
    for item in statement.items:
        if isinstance(item.value, ast.Star):
            outputs.extend(_star(binder.scope, item.value))
        else:
            outputs.append(_output(planning, binder, item.value, item.alias))
    if len(outputs) > OUTPUTS_MAX:
        raise ProgrammingError(f"a result has at most {OUTPUTS_MAX} columns", sqlstate="54011")
    return tuple(outputs)


def _star(scope: Scope, star: ast.Star) -> list[Output]:
    if scope.table is None:
        raise ProgrammingError("SELECT * needs a FROM", sqlstate="42601", **at(star.place))
    if star.table is not None and star.table != scope.called:
        raise ProgrammingError(
            f'there is no table "{star.table}" in this statement',
            sqlstate="42P01",
            hint=f'the table goes by "{scope.called}" here',
            **at(star.place),
        )
    return [
        Output(column.name, ColumnRef(column.id, column.type), column.type)
        for column in scope.table.schema.columns
    ]


def _output(planning: Planning, binder: Binder, term: Term, alias: str | None) -> Output:
    bound = binder.bind(term)
    if is_interval(bound):
        raise ProgrammingError(
            "an INTERVAL cannot be selected",
            sqlstate="0A000",
            hint="add it to a timestamp",
            **at(place_of(term)),
        )
    name = alias or output_name(binder.scope, term, bound)
    expression = planning.finished(bound)
    return Output(name, expression, type_of(bound))


def output_name(scope: Scope, term: Term, bound: Expression) -> str:
    """Return PostgreSQL's name for a column without an alias; a map item is called as written."""
    if isinstance(bound, MapItem):
        return Renderer(scope.table).text(bound)
    match term:
        case Name(column=column):
            return column
        case Apply(function=function) if function.isidentifier() and function not in _NAMELESS:
            return "case" if function == "case" else function
    return "?column?"


_NAMELESS = frozenset(
    ("and", "or", "not", "in", "is_null", "between", "like", "ilike", "neg", "row")
)


# ---- order and limit ----------------------------------------------------------------------------


def _order(
    planning: Planning, binder: Binder, statement: ast.Select, output: tuple[Output, ...]
) -> tuple[OrderBy, ...]:
    terms = []
    for item in statement.order:
        expression = _order_expression(planning, binder, item.term, output)
        type_ = type_of(expression)
        if type_ is not None and type_.kind is Kind.MAP:
            raise ProgrammingError(
                "a MAP has no order",
                sqlstate="42883",
                hint="order by an item of it",
                **at(place_of(item.term)),
            )
        if statement.distinct and all(one.expression != expression for one in output):
            raise ProgrammingError(
                "for SELECT DISTINCT, ORDER BY expressions must be in the select list",
                sqlstate="42P10",
                **at(place_of(item.term)),
            )
        terms.append(OrderBy(expression, item.descending, item.nulls_first))
    return tuple(terms)


def _order_expression(
    planning: Planning, binder: Binder, term: Term, output: tuple[Output, ...]
) -> Expression:
    match term:
        case Constant(value=int() as ordinal) if not isinstance(ordinal, bool):
            if not 1 <= ordinal <= len(output):
                raise ProgrammingError(
                    f"ORDER BY position {ordinal} is not in the select list",
                    sqlstate="42P10",
                    hint=f"positions are 1 to {len(output)}",
                    **at(term.place),
                )
            return output[ordinal - 1].expression
        case Constant() as constant:
            raise ProgrammingError(
                "a constant in ORDER BY must be a position",
                sqlstate="42601",
                **at(constant.place),
            )
        case Name(column=name, table=None):
            for one in output:
                if one.name == name:
                    return one.expression
        case _:
            pass
    return planning.finished(binder.bind(term))


def _count(planning: Planning, binder: Binder, term: Term | None, what: str) -> Expression | None:
    if term is None or (isinstance(term, Constant) and term.value is None):
        return None
    bound = planning.finished(binder.bind_as(term, BIGINT, f"argument of {what}"))
    if isinstance(bound, Literal):
        if type(bound.value) is not int or bound.value < 0:
            raise DataError(
                f"{what} must be a whole number >= 0",
                sqlstate="2201W" if what == "LIMIT" else "2201X",
                **at(place_of(term)),
            )
        return bound
    if columns_of(bound):
        raise ProgrammingError(
            f"{what} must not read columns", sqlstate="42P10", **at(place_of(term))
        )
    return bound
