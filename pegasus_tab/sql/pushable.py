"""Which conjuncts a storage node can evaluate (the filter tree of ``tabular/filter.py``)."""

from pegasus_tab.sql.expression import Call, ColumnRef, Expression, Literal, Parameter
from pegasus_tab.tabular.schema import Kind

PUSHED_NODES_MAX = 2_000
"""Nodes of one pushed predicate; the filter's own limit is 10,000 nodes in a request."""

_COMPARISONS = frozenset(("=", "<>", "<", "<=", ">", ">="))


def is_pushable(expression: Expression) -> bool:
    """Tell whether a predicate is made of comparisons, IN, IS NULL and LIKE of plain columns only."""
    return _nodes(expression) is not None


def _nodes(expression: Expression) -> int | None:
    """Return the size of a pushable predicate, None for one that is not."""
    match expression:
        case Call(function="and" | "or" | "not", arguments=parts):
            sizes = [_nodes(part) for part in parts]
            known = [size for size in sizes if size is not None]
            total = 1 + sum(known)
            return total if len(known) == len(sizes) and total <= PUSHED_NODES_MAX else None
        case Call(function="is_null" | "is_not_null", arguments=(ColumnRef() as column,)):
            return 1 if _is_plain(column) else None
        case Call(function="in", arguments=(ColumnRef() as column, *members)):
            fits = all(_fits(column, member) for member in members)
            return 1 if _is_plain(column) and fits else None
        case Call(function="like" | "ilike", arguments=(ColumnRef() as column, pattern)):
            return 1 if column.type.kind is Kind.TEXT and _fits(column, pattern) else None
        case Call(function=symbol, arguments=(ColumnRef() as column, value)):
            pushed = symbol in _COMPARISONS and _is_plain(column) and _fits(column, value)
            return 1 if pushed else None
        case ColumnRef(type=type_) if type_.kind is Kind.BOOLEAN:
            return 1
        case Literal(value=None | bool()):
            return 1
        case _:
            return None


def _is_plain(column: ColumnRef) -> bool:
    return column.type.kind is not Kind.MAP


def _fits(column: ColumnRef, value: Expression) -> bool:
    match value:
        case Literal(value=None):
            return True
        case Literal(type=type_) | Parameter(type=type_):
            return type_ == column.type
        case _:
            return False
