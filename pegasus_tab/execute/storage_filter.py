"""Pushed conjuncts with their parameters known, as the filter tree a storage node evaluates.

A storage filter has no NULL constant. A part that is NULL for every row (``a = NULL``) becomes FALSE
where the tree asks it to be true, and TRUE below an odd number of NOTs: either way the row is not
kept, which is all a filter decides.
"""

from collections.abc import Sequence
from typing import Any

from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.sql.expression import Call, ColumnRef, Expression, Literal, Parameter
from pegasus_tab.tabular.filter import And, Compare, Comparison, Filter, In, IsNull, Like, Not, Or
from pegasus_tab.tabular.value import coerce

TRUE: Filter = And(())
FALSE: Filter = Or(())

_MIRRORED: dict[str, Comparison] = {
    "=": "=",
    "<>": "<>",
    "<": ">",
    "<=": ">=",
    ">": "<",
    ">=": "<=",
}


def storage_filter(conjuncts: Sequence[Expression], bindings: Bindings) -> Filter | None:
    """Return the conjunction as a storage filter, None when there is nothing to filter.

    Args:
        conjuncts: expressions of the forms the planner pushes: comparisons, IN, IS NULL and LIKE
            between a column and constants, joined by AND, OR and NOT.
        bindings: gives the parameters their values.
    """
    parts = [_convert(part, bindings, positive=True) for part in conjuncts]
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def is_false(filter_: Filter | None) -> bool:
    """Tell whether the filter keeps no row whatever the rows are."""
    return filter_ == FALSE or (isinstance(filter_, And) and FALSE in filter_.parts)


def _convert(expression: Expression, bindings: Bindings, *, positive: bool) -> Filter:
    match expression:
        case Call(function="and", arguments=parts):
            return And(tuple(_convert(part, bindings, positive=positive) for part in parts))
        case Call(function="or", arguments=parts):
            return Or(tuple(_convert(part, bindings, positive=positive) for part in parts))
        case Call(function="not", arguments=(part,)):
            return Not(_convert(part, bindings, positive=not positive))
        case Call(function="is_null", arguments=(ColumnRef(column=column),)):
            return IsNull(column)
        case Call(function="is_not_null", arguments=(ColumnRef(column=column),)):
            return IsNull(column, negated=True)
        case Call(function="in", arguments=(ColumnRef(column=column), *members)):
            return _in(column, [_value(one, bindings) for one in members], positive=positive)
        case Call(function="like" | "ilike" as name, arguments=(ColumnRef(column=column), pattern)):
            text = _value(pattern, bindings)
            return (
                _unknown(positive=positive) if text is None else Like(column, text, name == "ilike")
            )
        case Call(function=symbol, arguments=(one, other)):
            return _compare(symbol, one, other, bindings, positive=positive)
        case ColumnRef(column=column):
            return Compare(column, "=", value=True)
        case _:
            return _constant(_value(expression, bindings), positive=positive)


def _value(expression: Expression, bindings: Bindings) -> Any:
    match expression:
        case Literal(value=value):
            return value
        case Parameter(index=index, type=None):
            return bindings.parameters[index]
        case Parameter(index=index, type=type_):
            assert type_ is not None
            return coerce(type_, bindings.parameters[index])
        case _:
            raise AssertionError(f"the planner pushed {expression}")


def _unknown(*, positive: bool) -> Filter:
    return FALSE if positive else TRUE


def _constant(value: Any, *, positive: bool) -> Filter:
    if value is None:
        return _unknown(positive=positive)
    return TRUE if value else FALSE


def _compare(
    symbol: str, one: Expression, other: Expression, bindings: Bindings, *, positive: bool
) -> Filter:
    if isinstance(other, ColumnRef):
        symbol, one, other = _MIRRORED[symbol], other, one
    assert isinstance(one, ColumnRef)
    value = _value(other, bindings)
    if value is None:
        return _unknown(positive=positive)
    return Compare(one.column, _MIRRORED[_MIRRORED[symbol]], value)


def _in(column: int, values: list[Any], *, positive: bool) -> Filter:
    known = tuple(value for value in values if value is not None)
    if len(known) < len(values) and not positive:
        # ``x IN (1, NULL)`` is TRUE or NULL, so its negation never keeps a row.
        return TRUE
    return In(column, known)
