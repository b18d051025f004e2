"""What may stand in a query that the residual engine finishes: a list, so that nothing slips through.

A node outside the list is refused by name. Functions of the list mean in DuckDB what they mean here,
after ``residual_rewrite``.
"""

from typing import Any

from sqlglot import exp

from pegasus_tab.base.errors import NotSupportedError
from pegasus_tab.sql.function_names import unknown_function
from pegasus_tab.sql.place import at
from pegasus_tab.sql.translate import HANDLERS
from pegasus_tab.sql.translation import nearest_place, place_of_node, refused

_STRUCTURE = (
    "Select From Join Where Group Having Order Ordered Limit Offset Fetch LimitOptions Distinct "
    "Subquery CTE With Union Except Intersect Values Table TableAlias Alias Identifier Star Window "
    "WindowSpec Filter WithinGroup Exists Any All Rollup Cube GroupingSets DataType DataTypeParam "
    "PropertyEQ PivotAlias"
)
_AGGREGATES = (
    "Count Sum Avg Min Max Stddev StddevSamp StddevPop Variance VariancePop Median GroupConcat "
    "LogicalAnd LogicalOr PercentileCont PercentileDisc Corr CovarSamp CovarPop Grouping"
)
_WINDOWS = (
    "RowNumber Rank DenseRank PercentRank CumeDist Ntile Lag Lead FirstValue LastValue NthValue"
)
_ANONYMOUS = frozenset(("trunc", "btrim"))


def _classes(names: str) -> frozenset[type]:
    # Later sqlglot versions have classes that earlier ones lack.
    return frozenset(getattr(exp, name) for name in names.split() if hasattr(exp, name))


ALLOWED: frozenset[type] = (
    frozenset(HANDLERS) | _classes(_STRUCTURE) | _classes(_AGGREGATES) | _classes(_WINDOWS)
)
_JOIN_SIDES = frozenset(("", "LEFT", "RIGHT", "FULL"))
_JOIN_KINDS = frozenset(("", "INNER", "OUTER", "CROSS"))


def check_nodes(tree: Any, text: str) -> None:
    """Raise when a query holds what the residual engine is not trusted with.

    Args:
        tree: the query.
        text: the statement it came from, for errors.

    Raises:
        ProgrammingError: 42883, an unknown function.
        NotSupportedError: anything else that is not in the list, by name.
    """
    for node in tree.walk():
        if isinstance(node, exp.AggFunc) and type(node) not in ALLOWED:
            raise _refused_aggregate(node)
        if type(node) not in ALLOWED:
            raise refused(node, text)
        if isinstance(node, exp.Anonymous) and node.name.lower() not in _ANONYMOUS:
            raise _refused_function(node)
        if isinstance(node, exp.Join):
            _check_join(node)
        if isinstance(node, exp.Values) and node.args.get("joins"):
            raise refused(node)


def _refused_aggregate(node: Any) -> NotSupportedError:
    return NotSupportedError(
        f"aggregate {str(node.sql_name()).lower()} is not supported",
        hint="there are count, sum, avg, min, max, stddev, variance, median, string_agg, bool_and",
        **at(place_of_node(node)),
    )


def _refused_function(node: Any) -> Exception:
    name = node.name.lower()
    if name == "ttl":
        return NotSupportedError(
            "TTL is not supported in joins, groups and sorts of full scans",
            hint="select TTL(column) of one table without grouping",
            **at(place_of_node(node)),
        )
    return unknown_function(name, place_of_node(node))


def _check_join(node: Any) -> None:
    side, kind = str(node.args.get("side") or "").upper(), str(node.args.get("kind") or "").upper()
    method = str(node.args.get("method") or "").upper()
    if side not in _JOIN_SIDES or kind not in _JOIN_KINDS or method not in ("", "NATURAL"):
        words = " ".join(word for word in (method, side, kind, "JOIN") if word)
        raise NotSupportedError(
            f"{words} is not supported",
            hint="there are INNER, LEFT, RIGHT, FULL and CROSS joins; EXISTS does semi joins",
            **at(nearest_place(node)),
        )
