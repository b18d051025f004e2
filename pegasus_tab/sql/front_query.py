"""SELECT and its kin: the stock parser reads them, this module says which are ours.

A query over one table (or none) without grouping becomes ``ast.Select``, in terms of ours; every
other query keeps sqlglot's tree for the residual engine.
"""

from typing import Any

from sqlglot import exp
from sqlglot.tokens import TokenType

from pegasus_tab.base.errors import NotSupportedError, ProgrammingError
from pegasus_tab.sql import ast
from pegasus_tab.sql.dialect import parse_core
from pegasus_tab.sql.front_expression import Expressions
from pegasus_tab.sql.place import at
from pegasus_tab.sql.terms import Apply, Constant, Term
from pegasus_tab.sql.translation import (
    Translation,
    check_arguments,
    identifier,
    nearest_place,
    place_of_node,
    refused,
)

_SELECT_ARGUMENTS = frozenset(
    ("expressions", "from", "from_", "where", "order", "limit", "offset", "distinct")
)
_BEYOND = (exp.AggFunc, exp.Window, exp.Query, exp.Exists)
"""What makes an expression the residual engine's: aggregates, windows, subqueries."""

_REFUSED_CLAUSES = {
    "locks": ("FOR UPDATE", "each statement is atomic per row; there are no row locks"),
    "into": ("SELECT INTO", "use CREATE TABLE and INSERT INTO ... SELECT"),
    "hint": ("hints", "write ALLOW FILTERING at the end to allow a full scan"),
}


def query(expressions: Expressions, end: int | None = None) -> ast.Query:
    """Read a query from the next token up to ``end`` (default: the last token).

    Raises:
        ProgrammingError: 42601 syntax.
        NotSupportedError: a clause that nothing here can do, by name.
    """
    reader = expressions.reader
    stop = len(reader.tokens) if end is None else end
    cut = reader.find("ALLOW", "FILTERING", until=stop)
    if cut is not None and cut + 2 != stop:
        reader.at_token = cut + 2
        raise reader.error("ALLOW FILTERING stands at the end")
    core_end = stop if cut is None else cut
    _check_after_with(expressions, core_end)
    tree = parse_core(reader.tokens[reader.at_token : core_end], reader.text)
    reader.at_token = stop
    if not isinstance(tree, exp.Query | exp.Values):
        raise ProgrammingError("expected a query", sqlstate="42601", **at(nearest_place(tree)))
    refuse_clauses(tree)
    allow = cut is not None
    if is_simple(tree):
        return _select(expressions.translation, tree, allow_filtering=allow)
    return ast.QueryCore(tree, allow_filtering=allow)


def _check_after_with(expressions: Expressions, end: int) -> None:
    """Raise 42601 unless a query follows WITH: sqlglot would read any statement there, and log."""
    reader = expressions.reader
    if not reader.at("WITH"):
        return
    saved = reader.at_token
    index = saved
    while index < end:
        if reader.tokens[index].token_type is not TokenType.L_PAREN:
            index += 1
            continue
        is_query = index > saved and reader.tokens[index - 1].text.upper() in ("AS", "MATERIALIZED")
        index = reader.group_end(index) + 1
        reader.at_token = index
        if is_query and not reader.at(","):
            if not any(reader.at(word) for word in ("SELECT", "VALUES", "(")):
                raise reader.error("expected SELECT after WITH")
            break
    reader.at_token = saved


def refuse_clauses(tree: Any) -> None:
    """Raise for clauses that the residual engine would ignore or misread.

    Raises:
        NotSupportedError: the clause, by name.
        ProgrammingError: 42601, a SELECT of nothing.
    """
    for node in tree.find_all(exp.Select):
        if not node.expressions:
            raise ProgrammingError(
                "SELECT needs a select list", sqlstate="42601", **at(nearest_place(node))
            )
        for argument, (clause, hint) in _REFUSED_CLAUSES.items():
            if node.args.get(argument):
                raise NotSupportedError(
                    f"{clause} is not supported", hint=hint, **at(nearest_place(node))
                )


def is_simple(tree: Any) -> bool:
    """Tell whether a tree is a SELECT over at most one table without grouping or subqueries."""
    if not isinstance(tree, exp.Select):
        return False
    filled = {name for name, value in tree.args.items() if value}
    if not filled <= _SELECT_ARGUMENTS:
        return False
    distinct = tree.args.get("distinct")
    if distinct is not None and distinct.args.get("on"):
        return False
    source = _from(tree)
    if source is not None and not isinstance(source.this, exp.Table):
        return False
    if is_count_rows(tree):
        return not any(tree.args.get(name) for name in ("order", "limit", "offset", "distinct"))
    return not any(
        isinstance(node, _BEYOND) and node is not tree and not isinstance(node, exp.Table)
        for node in tree.walk()
    )


def is_count_rows(tree: Any) -> bool:
    """Tell whether the select list is count(*) alone, and no other aggregate or subquery is near."""
    if len(tree.expressions) != 1:
        return False
    item = tree.expressions[0].unalias()
    if not isinstance(item, exp.Count) or not isinstance(item.this, exp.Star):
        return False
    return not any(
        isinstance(node, _BEYOND) and node is not tree and node is not item for node in tree.walk()
    )


def _from(tree: Any) -> Any:
    return tree.args.get("from_") or tree.args.get("from")


def _select(translation: Translation, tree: Any, *, allow_filtering: bool) -> ast.Select:
    source = _from(tree)
    where = tree.args.get("where")
    order = tree.args.get("order")
    return ast.Select(
        items=tuple(_item(translation, item) for item in tree.expressions),
        table=None if source is None else table_name(source.this),
        where=None if where is None else translation.term(where.this),
        order=tuple(_ordered(translation, one) for one in (order.expressions if order else ())),
        distinct=tree.args.get("distinct") is not None,
        limit=_limit(translation, tree.args.get("limit")),
        offset=_offset(translation, tree.args.get("offset")),
        allow_filtering=allow_filtering,
        core=tree,
    )


def table_name(node: Any) -> ast.TableName:
    """Return a table reference; schemas, samples and the like are refused by name."""
    if not isinstance(node.this, exp.Identifier):
        raise refused(node)
    schema = node.args.get("db")
    if schema is not None:
        raise ProgrammingError(
            f'schema "{schema.name}" does not exist',
            sqlstate="3F000",
            hint="tables have no schema here: write the name alone",
            **at(place_of_node(schema)),
        )
    check_arguments(node, "this", "alias", "joins")
    alias = node.args.get("alias")
    if alias is not None:
        check_arguments(alias, "this")
    return ast.TableName(
        identifier(node.this),
        identifier(alias.this) if alias is not None else None,
        place_of_node(node.this),
    )


def _item(translation: Translation, node: Any) -> ast.SelectItem:
    alias = None
    if isinstance(node, exp.Alias):
        alias, node = identifier(node.args["alias"]), node.this
    if isinstance(node, exp.Star):
        check_arguments(node)
        return ast.SelectItem(ast.Star(None, place_of_node(node)))
    if isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
        check_arguments(node, "this", "table")
        table = node.args["table"]
        return ast.SelectItem(ast.Star(identifier(table), place_of_node(table)))
    if isinstance(node, exp.Count):
        return ast.SelectItem(Apply("count", (), place_of_node(node)), alias)
    return ast.SelectItem(translation.term(node), alias)


def _ordered(translation: Translation, node: Any) -> ast.OrderItem:
    if not isinstance(node, exp.Ordered):
        return ast.OrderItem(translation.term(node))
    check_arguments(node, "this", "desc", "nulls_first")
    return ast.OrderItem(
        translation.term(node.this), bool(node.args.get("desc")), bool(node.args.get("nulls_first"))
    )


def _limit(translation: Translation, node: Any) -> Term | None:
    if node is None:
        return None
    if isinstance(node, exp.Fetch):
        check_arguments(node, "direction", "count", "limit_options")
        options = node.args.get("limit_options")
        if options is not None:
            check_arguments(options, "rows")
        count = node.args.get("count")
        return Constant(1) if count is None else translation.term(count)
    check_arguments(node, "expression")
    expression = node.expression
    if isinstance(expression, exp.Var | exp.Column) and expression.name.upper() == "ALL":
        return None
    return translation.term(expression)


def _offset(translation: Translation, node: Any) -> Term | None:
    if node is None:
        return None
    check_arguments(node, "expression")
    return translation.term(node.expression)
