"""From PostgreSQL's meaning to DuckDB's, where sqlglot's own translation does not keep it.

Measured against DuckDB 2.0: ``//`` divides integers truncating toward zero and other numbers
exactly, which is PostgreSQL's ``/``; LIKE has no escape character unless one is named; substr counts
from the end for a negative start.
"""

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from pegasus_tab.sql.residual_rows import expanded_comparison, expanded_membership
from pegasus_tab.sql.translation import identifier


class ResidualParameters:
    """Numbers the parameters of a residual query.

    Attributes:
        indexes: for ``$n`` of the residual query, item n - 1 is the statement's parameter index.
    """

    def __init__(self) -> None:
        self.indexes: list[int] = []

    def node(self, index: int) -> Any:
        """Return the ``$n`` that stands for the statement's parameter ``index``."""
        if index not in self.indexes:
            self.indexes.append(index)
        number = self.indexes.index(index) + 1
        return exp.Parameter(this=exp.Literal.number(number))


def rewrite_tree(
    tree: Any,
    parameters: ResidualParameters,
    parameter_index: Callable[[int], int],
    current_timestamp: Callable[[], int],
) -> Any:
    """Return the tree in DuckDB's meaning; the tree given is changed.

    Args:
        tree: a checked query whose table nodes already name views and whose outputs have names.
        parameters: collects what the query wants.
        parameter_index: occurrence number of a placeholder -> the statement's parameter index.
        current_timestamp: gives the parameter index of the execution's time.
    """
    for node in sorted(tree.find_all(exp.Parameter), key=_occurrence):
        node.replace(parameters.node(parameter_index(_occurrence(node))))
    # Children before parents: a rewritten parent copies what its children have become.
    for node in reversed(list(tree.walk())):
        if isinstance(node, exp.CurrentTimestamp):
            node.replace(parameters.node(current_timestamp()))
        elif isinstance(node, exp.CurrentDate):
            node.replace(exp.cast(parameters.node(current_timestamp()), "date"))
        elif (rewrite := _REWRITES.get(type(node))) is not None:
            made = rewrite(node)
            if made is not node:
                node.replace(made)
    return tree


def _occurrence(node: Any) -> int:
    return int(node.this.this)


def name_outputs(tree: Any) -> None:
    """Give unnamed result columns PostgreSQL's names; DuckDB would call count(*) count_star()."""
    for select in list(tree.find_all(exp.Select)):
        if isinstance(select.parent, exp.Exists | exp.In | exp.Any | exp.All):
            continue
        named = [_named(item) for item in select.expressions]
        select.set("expressions", named)


def _named(item: Any) -> Any:
    if isinstance(item, exp.Alias | exp.Column | exp.Star):
        return item
    return exp.alias_(item, output_name(item), quoted=True, copy=False)


def output_name(item: Any) -> str:
    """Return the name PostgreSQL gives a column without an alias."""
    node = item
    while isinstance(node, exp.Window | exp.Filter | exp.WithinGroup | exp.Paren):
        node = node.this
    if isinstance(node, exp.Case | exp.If):
        return "case"
    if isinstance(node, exp.Cast):
        return output_name(node.this) if isinstance(node.this, exp.Column) else "?column?"
    if isinstance(node, exp.Column):
        return identifier(node.this)
    if isinstance(node, exp.Bracket):
        return str(node.sql("duckdb"))
    if isinstance(node, exp.Anonymous):
        return str(node.name.lower())
    if isinstance(node, exp.Func) and not isinstance(node, exp.Connector | exp.Exists):
        return _FUNCTION_NAMES.get(type(node), str(node.sql_name()).lower())
    return "?column?"


_FUNCTION_NAMES = {
    exp.CurrentTimestamp: "current_timestamp",
    exp.Pow: "power",
    exp.Substring: "substr",
    exp.TimestampTrunc: "date_trunc",
    exp.StrPosition: "strpos",
    exp.GroupConcat: "string_agg",
    exp.LogicalAnd: "bool_and",
    exp.LogicalOr: "bool_or",
}


# ---- single nodes -------------------------------------------------------------------------------


def _division(node: Any) -> Any:
    return exp.IntDiv(this=node.this.copy(), expression=node.expression.copy())


def _like(node: Any) -> Any:
    if isinstance(node.parent, exp.Escape):
        return node
    pattern = node.expression
    if isinstance(pattern, exp.Literal) and "\\" not in pattern.this:
        return node
    # The escape binds to the LIKE alone: NOT LIKE keeps its flag on the inner node.
    return exp.Escape(this=node.copy(), expression=exp.Literal.string("\\"))


def _text(node: Any) -> Any:
    return exp.Literal.string(node.this)


def _bytes(node: Any) -> Any:
    return exp.Anonymous(this="unhex", expressions=[exp.Literal.string(node.this)])


def _substring(node: Any) -> Any:
    start, length = node.args.get("start"), node.args.get("length")
    if isinstance(start, exp.Literal) and start.is_int and int(start.this) > 0:
        return node
    one = exp.Literal.number(1)
    begin = exp.Greatest(this=start.copy(), expressions=[one.copy()], ignore_nulls=True)
    if length is None:
        return exp.Substring(this=node.this.copy(), start=begin)
    # The window may begin before the text: what lies before is cut from its length.
    hidden = exp.Least(
        this=exp.Sub(this=exp.paren(start.copy()), expression=one.copy()),
        expressions=[exp.Literal.number(0)],
        ignore_nulls=True,
    )
    shown = exp.Add(this=exp.paren(length.copy()), expression=hidden)
    most = exp.Greatest(this=shown, expressions=[exp.Literal.number(0)], ignore_nulls=True)
    return exp.Substring(this=node.this.copy(), start=begin, length=most)


def _type(node: Any) -> Any:
    # All our timestamps are UTC without a zone; DuckDB's zoned ones would move with the session.
    return exp.DataType.build("timestamp") if node.is_type("timestamptz", "timestampltz") else node


def _identifier(node: Any) -> Any:
    # DuckDB reserves words that we do not; a quoted name is a name.
    return exp.to_identifier(identifier(node), quoted=True)


_REWRITES: dict[type, Callable[[Any], Any]] = {
    exp.Div: _division,
    exp.Like: _like,
    exp.ILike: _like,
    exp.ByteString: _text,
    exp.RawString: _text,
    exp.HexString: _bytes,
    exp.Substring: _substring,
    exp.Identifier: _identifier,
    exp.DataType: _type,
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE), expanded_comparison),
    exp.In: expanded_membership,
}
