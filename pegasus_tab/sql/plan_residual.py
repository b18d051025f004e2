"""Queries that DuckDB finishes: regenerated as its SQL over one view for each table reference.

Each view delivers the columns the query reads, through the cheapest access path that the WHERE
allows for that table alone. The WHERE itself stays in the query whole, so a predicate worked out twice
is the only cost of handing it down, and a table below the NULL side of an outer join gets none.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sqlglot import exp
from sqlglot.errors import SqlglotError

from pegasus_tab.base.errors import NotSupportedError
from pegasus_tab.sql.bind_expression import boolean
from pegasus_tab.sql.bind_functions import binder_for
from pegasus_tab.sql.column_types import TIMESTAMP
from pegasus_tab.sql.expression import Call, Expression
from pegasus_tab.sql.plan_nodes import ResidualQuery, ScanView
from pegasus_tab.sql.planning import Planning, filtering, in_schema_order
from pegasus_tab.sql.residual_literals import fit_literals
from pegasus_tab.sql.residual_nodes import check_nodes
from pegasus_tab.sql.residual_rewrite import ResidualParameters, name_outputs, rewrite_tree
from pegasus_tab.sql.residual_scope import Reference, Scopes, SelectScope, may_have
from pegasus_tab.sql.residual_sums import cast_integer_sums
from pegasus_tab.sql.scope import Scope
from pegasus_tab.sql.translate import translation
from pegasus_tab.sql.translation import identifier

_BEYOND = (exp.Query, exp.AggFunc, exp.Window)


def plan_core(planning: Planning, core: Any) -> ResidualQuery:
    """Plan any query of the stock parser's tree.

    Raises:
        ProgrammingError: unknown names, types in what can be handed down, a refused full scan.
        NotSupportedError: what the residual engine is not trusted with, by name.
    """
    check_nodes(core, planning.text)
    tree = core.copy()
    scopes = Scopes(planning, tree)
    names = _view_names(scopes.references, tree)
    views = []
    for select in scopes.selects:
        scope = scopes.of(select)
        for reference in scope.tables:
            parts = _handed_down(planning, select, scope, reference)
            source = planning.source(reference.table, parts, reference.written)
            columns = in_schema_order(reference.table, reference.columns)
            views.append(ScanView(names[reference], replace(source, columns=columns, residual=())))
    for reference in scopes.references:
        _rename(reference, names[reference])

    def parameter_index(occurrence: int) -> int:
        return planning.placeholders[occurrence].index

    typed = fit_literals(tree, scopes, parameter_index)
    name_outputs(tree)
    cast_integer_sums(tree, scopes)
    parameters = ResidualParameters()
    tree = rewrite_tree(
        tree,
        parameters,
        parameter_index,
        lambda: _now(planning),
    )
    return ResidualQuery(_generate(tree), tuple(views), tuple(parameters.indexes), typed)


def _now(planning: Planning) -> int:
    return planning.computed.index(Call("current_timestamp", (), TIMESTAMP))


def _generate(tree: Any) -> str:
    try:
        return str(tree.sql("duckdb", comments=False))
    except (SqlglotError, ValueError, AttributeError, TypeError, KeyError) as error:
        # Some odd but parsed trees trip the generator itself.
        raise NotSupportedError(
            f"this query cannot be written for the residual engine: {error}"
        ) from None


# ---- views --------------------------------------------------------------------------------------


def _view_names(references: list[Reference], tree: Any) -> dict[Reference, str]:
    """Return a name for each view that no CTE and no other view has."""
    taken = {identifier(one.args["alias"].this) for one in tree.find_all(exp.CTE)}
    names: dict[Reference, str] = {}
    for reference in references:
        name, number = reference.table.name, 1
        while name in taken:
            number += 1
            name = f"{reference.table.name}_{number}"
        taken.add(name)
        names[reference] = name
    return names


def _rename(reference: Reference, view: str) -> None:
    node = reference.node
    if node.args.get("alias") is None and view != reference.written.name:
        alias = exp.TableAlias(this=exp.to_identifier(reference.written.name, quoted=True))
        node.set("alias", alias)
    node.set("this", exp.to_identifier(view, quoted=True))


# ---- predicates ---------------------------------------------------------------------------------


def _handed_down(
    planning: Planning, select: Any, scope: SelectScope, reference: Reference
) -> tuple[Expression, ...]:
    """Return the conjuncts that concern one table alone, bound."""
    if reference.nullable:
        return ()
    found: list[Expression] = []
    terms = translation(planning.text, planning.placeholders)
    binder = binder_for(Scope(reference.table, reference.called))
    for conjunct in _conjuncts(select):
        if not _concerns(conjunct, scope, reference):
            continue
        try:
            bound = boolean(binder, terms.term(conjunct), "argument of WHERE")
        except NotSupportedError:
            continue  # the residual engine works it out
        found.extend(filtering(reference.table, planning.finished(bound)))
    return tuple(found)


def _conjuncts(select: Any) -> Iterator[Any]:
    """Yield the conjuncts of WHERE and, unless an outer join is near, of the joins' ON."""
    where = select.args.get("where")
    if where is not None:
        yield from _parts(where.this)
    joins = select.args.get("joins") or ()
    if any(join.args.get("side") for join in joins):
        return
    for join in joins:
        if join.args.get("on") is not None:
            yield from _parts(join.args["on"])


def _parts(node: Any) -> Iterator[Any]:
    stack = [node]
    while stack:
        node = stack.pop()
        while isinstance(node, exp.Paren):
            node = node.this
        if isinstance(node, exp.And):
            stack += (node.expression, node.this)
        else:
            yield node


def _concerns(conjunct: Any, scope: SelectScope, reference: Reference) -> bool:
    """Tell whether a conjunct reads columns of this table reference and of nothing else."""
    mine = False
    for node in conjunct.walk():
        if isinstance(node, _BEYOND):
            return False
        if not isinstance(node, exp.Column) or isinstance(node.this, exp.Star):
            continue
        table = node.args.get("table")
        if table is not None:
            if identifier(table) != reference.called:
                return False
        elif not _is_surely(identifier(node.this), scope, reference):
            return False
        mine = True
    return mine


def _is_surely(column: str, scope: SelectScope, reference: Reference) -> bool:
    owners = [one for one in scope.tables if one.has(column)]
    return owners == [reference] and not any(
        may_have(query, column) for query in scope.others.values()
    )
