"""Literals and parameters beside a column, in the column's type.

DuckDB would read a quoted literal by its own rules: it drops the offset of ``'2024-01-01 10:00+02'``
beside a TIMESTAMP, for one. So each is read by ours, and written with its type; a parameter is noted
with its type, so that the driver brings its value into the form we compare.
"""

import math
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlglot import exp

from pegasus_tab.sql.expression import Parameter
from pegasus_tab.sql.literals import fitted
from pegasus_tab.sql.residual_scope import Scopes
from pegasus_tab.sql.translate_operators import column_type
from pegasus_tab.sql.translation import place_of_node
from pegasus_tab.tabular.schema import ColumnType, Kind

_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ)
_TYPED_PARAMETERS = frozenset((Kind.TIMESTAMP, Kind.DATE, Kind.UUID, Kind.BLOB, Kind.BOOLEAN))
"""Numbers are left as given: 1.5 beside an INT column is no mistake in a comparison."""


def fit_literals(
    tree: Any, scopes: Scopes, parameter_index: Callable[[int], int]
) -> tuple[Parameter, ...]:
    """Write each quoted literal beside a column in the column's type.

    Args:
        tree: a query whose names are resolved; it is changed.
        scopes: knows the columns' types.
        parameter_index: occurrence number of a placeholder -> the statement's parameter index.

    Returns:
        The parameters that stand beside columns, with their types.

    Raises:
        DataError: a literal that does not read as its column's type, at its place.
    """
    _fit_casts(tree)
    found: dict[Parameter, None] = {}
    for column, value in list(_pairs(tree)):
        type_ = scopes.type_of(column)
        if type_ is None or type_.kind in (Kind.TEXT, Kind.MAP):
            continue
        if isinstance(value, exp.Parameter):
            if type_.kind in _TYPED_PARAMETERS:
                found[Parameter(parameter_index(int(value.this.this)), type_)] = None
        elif value.is_string:
            value.replace(typed_literal(fitted(value.this, type_, place_of_node(value)), type_))
    return tuple(found)


def _fit_casts(tree: Any) -> None:
    """Read ``TIMESTAMP '...'`` and its like by our rules."""
    for node in list(tree.find_all(exp.Cast)):
        text = node.this
        if not isinstance(text, exp.Literal) or not text.is_string:
            continue
        place = place_of_node(text)
        type_ = column_type(node.args["to"], place)
        if type_.kind in _TYPED_PARAMETERS:
            node.replace(typed_literal(fitted(text.this, type_, place), type_))


def _pairs(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (column, literal or parameter) for each that are compared."""
    for node in tree.walk():
        if isinstance(node, _COMPARISONS):
            sides = [(node.this, node.expression), (node.expression, node.this)]
        elif isinstance(node, exp.Between):
            sides = [(node.this, node.args["low"]), (node.this, node.args["high"])]
        elif isinstance(node, exp.In):
            sides = [(node.this, member) for member in node.expressions]
        else:
            continue
        for column, value in sides:
            if isinstance(column, exp.Tuple) and isinstance(value, exp.Tuple):
                yield from _row_pairs(column, value)
            elif _is_pair(column, value):
                yield column, value


def _row_pairs(columns: Any, values: Any) -> Iterator[tuple[Any, Any]]:
    for column, value in zip(columns.expressions, values.expressions, strict=False):
        if _is_pair(column, value):
            yield column, value


def _is_pair(column: Any, value: Any) -> bool:
    return isinstance(column, exp.Column) and isinstance(value, exp.Literal | exp.Parameter)


def typed_literal(value: object, type_: ColumnType) -> Any:
    """Return a value of ``type_`` as a literal of DuckDB's."""
    match value:
        case bool():
            return exp.Boolean(this=value)
        case float() if not math.isfinite(value):
            return exp.cast(exp.Literal.string(str(value)), "double")
        case bytes():
            return exp.Anonymous(this="unhex", expressions=[exp.Literal.string(value.hex())])
        case datetime():
            return exp.cast(exp.Literal.string(value.isoformat(sep=" ")), "timestamp")
        case date():
            return exp.cast(exp.Literal.string(value.isoformat()), "date")
        case UUID():
            return exp.cast(exp.Literal.string(str(value)), "uuid")
        case _:
            assert type_.kind is not Kind.TEXT  # a text stays the literal it is
            return exp.Literal.number(str(value))
