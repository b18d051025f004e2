"""Operators on literals are worked out: ``1 + 1`` is ``2``, ``a = NULL`` is NULL.

Only what has one meaning everywhere and cannot fail is folded; other constant expressions are left
to the execution, which works each out once (``Statement.computed``).
"""

import operator
from collections.abc import Callable
from typing import Any

from pegasus_tab.sql.column_types import BOOLEAN, INTEGERS, NUMBERS
from pegasus_tab.sql.expression import Call, Expression, Literal
from pegasus_tab.tabular.schema import ColumnType, Kind

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}
_BITS = {Kind.INT: 31, Kind.BIGINT: 63}
_NULL = Literal(None, BOOLEAN)


def fold_constants(expression: Expression) -> Expression:
    """Return the literal that a call over literals amounts to, or the call."""
    match expression:
        case Call(function="is_null", arguments=(Literal(value=value),)):
            return Literal(value is None, BOOLEAN)
        case Call(function="is_not_null", arguments=(Literal(value=value),)):
            return Literal(value is not None, BOOLEAN)
        case Call(function="not", arguments=(Literal(value=None | bool() as value),)):
            return Literal(None if value is None else not value, BOOLEAN)
        case Call(function=symbol, arguments=(left, right)) if symbol in _COMPARISONS:
            return _comparison(expression, symbol, left, right)
        case Call(
            function="neg", arguments=(Literal(value=int() as value),), type=ColumnType(kind=kind)
        ) if kind in INTEGERS:
            return _integer(expression, -value)
        case Call(
            function=symbol,
            arguments=(Literal(value=int() as left), Literal(value=int() as right)),
            type=ColumnType(kind=kind),
        ) if symbol in _ARITHMETIC and kind in INTEGERS:
            return _integer(expression, _ARITHMETIC[symbol](left, right))
    return expression


def _integer(call: Call, value: int) -> Expression:
    assert call.type is not None
    limit = 1 << _BITS[call.type.kind]
    return Literal(value, call.type) if -limit <= value < limit else call


def _comparison(call: Call, symbol: str, left: Expression, right: Expression) -> Expression:
    for side in (left, right):
        if isinstance(side, Literal) and side.value is None:
            return _NULL
    if not (isinstance(left, Literal) and isinstance(right, Literal)):
        return call
    if left.type is None or right.type is None or not _ordered_alike(left.type, right.type):
        return call
    return Literal(_COMPARISONS[symbol](left.value, right.value), BOOLEAN)


def _ordered_alike(left: ColumnType, right: ColumnType) -> bool:
    # NaN does not compare in Python as it does in SQL, so DOUBLE is left to the execution.
    if Kind.DOUBLE in (left.kind, right.kind):
        return False
    return left.kind is right.kind or {left.kind, right.kind} <= NUMBERS
