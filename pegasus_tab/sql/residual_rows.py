"""Comparisons of rows, written out column by column.

DuckDB compares rows as structs: it wants equal types (no text literal beside a timestamp), and orders
NULLs where SQL answers NULL.
"""

from typing import Any

from sqlglot import exp

_STRICT: dict[type, type] = {exp.GT: exp.GT, exp.GTE: exp.GT, exp.LT: exp.LT, exp.LTE: exp.LT}
_LOOSE: dict[type, type] = {exp.GT: exp.GTE, exp.LT: exp.LTE}


def expanded_comparison(node: Any) -> Any:
    """Return ``(a, b) > (x, y)`` as ``a >= x AND (a > x OR b > y)``, other comparisons as they are."""
    left, right = node.this, node.expression
    if not (_is_row(left) and _is_row(right)):
        return node
    pairs = list(zip(left.expressions, right.expressions, strict=False))
    if not pairs or len(left.expressions) != len(right.expressions):
        return node  # DuckDB says what is wrong with it
    if isinstance(node, exp.EQ):
        return exp.paren(_all_equal(pairs))
    if isinstance(node, exp.NEQ):
        return exp.paren(exp.Not(this=exp.paren(_all_equal(pairs))))
    return exp.paren(_lexicographic(type(node), pairs))


def expanded_membership(node: Any) -> Any:
    """Return ``(a, b) IN ((x, y), ...)`` as equalities joined by OR, other memberships as they are."""
    members = node.expressions
    if not _is_row(node.this) or not members or not all(_is_row(one) for one in members):
        return node
    equal = [exp.EQ(this=node.this.copy(), expression=one.copy()) for one in members]
    made = expanded_comparison(equal[0])
    for one in equal[1:]:
        made = exp.Or(this=made, expression=expanded_comparison(one))
    return exp.paren(made)


def _is_row(node: Any) -> bool:
    return isinstance(node, exp.Tuple)


def _all_equal(pairs: list[tuple[Any, Any]]) -> Any:
    made: Any = None
    for left, right in pairs:
        equal = _compared(exp.EQ, left, right)
        made = equal if made is None else exp.And(this=made, expression=equal)
    return made


def _lexicographic(kind: type, pairs: list[tuple[Any, Any]]) -> Any:
    (left, right), rest = pairs[0], pairs[1:]
    if not rest:
        return _compared(kind, left, right)
    strict = _STRICT[kind]
    beyond = exp.Or(this=_compared(strict, left, right), expression=_lexicographic(kind, rest))
    return exp.And(this=_compared(_LOOSE[strict], left, right), expression=exp.paren(beyond))


def _compared(kind: type, left: Any, right: Any) -> Any:
    return kind(this=left.copy(), expression=right.copy())
