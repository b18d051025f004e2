"""Output columns and LIMIT: what a page of source rows becomes."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, TypeAlias

from pegasus_tab.base.errors import DataError
from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.evaluate import RowShape, compile_expression
from pegasus_tab.execute.result import Page, ResultColumn
from pegasus_tab.sql.expression import ColumnRef, Expression
from pegasus_tab.sql.plan_nodes import Output

Projection: TypeAlias = Callable[[Page, Bindings], Page]


def result_columns(output: Sequence[Output]) -> tuple[ResultColumn, ...]:
    """Return a query's result columns."""
    return tuple(ResultColumn(one.name, one.type) for one in output)


def column_places(expressions: Sequence[Expression], shape: RowShape) -> list[int] | None:
    """Return where the rows hold each expression, None when one is more than a plain column."""
    places = [
        shape.columns[one.column] if isinstance(one, ColumnRef) else None for one in expressions
    ]
    known = [place for place in places if place is not None]
    return known if len(known) == len(places) else None


def compile_projection(expressions: Sequence[Expression], shape: RowShape) -> Projection:
    """Return the function from source rows to output rows."""
    places = column_places(expressions, shape)
    if places is not None:
        return _pick(places)
    evaluators = [compile_expression(one, shape) for one in expressions]
    return lambda rows, bindings: [
        tuple([evaluate(row, bindings) for evaluate in evaluators]) for row in rows
    ]


def _pick(places: list[int]) -> Projection:
    if len(places) == 1:
        (place,) = places
        return lambda rows, _bindings: [(row[place],) for row in rows]
    pick: Callable[[tuple[Any, ...]], Any] = itemgetter(*places)
    return lambda rows, _bindings: list(map(pick, rows))


class LimitWindow:
    """LIMIT and OFFSET of one query."""

    def __init__(self, limit: Expression | None, offset: Expression | None) -> None:
        self._limit = None if limit is None else compile_expression(limit)
        self._offset = None if offset is None else compile_expression(offset)

    def bounds(self, bindings: Bindings) -> tuple[int, int | None]:
        """Return (rows to skip, rows to return), None for all; NULL means none given.

        Raises:
            DataError: a number is negative (2201W, 2201X) or no integer (22023).
        """
        limit = offset = None
        if self._limit is not None:
            limit = _count(self._limit((), bindings), "LIMIT", "2201W")
        if self._offset is not None:
            offset = _count(self._offset((), bindings), "OFFSET", "2201X")
        return offset or 0, limit


def _count(value: Any, word: str, sqlstate: str) -> int | None:
    if value is None:
        return None
    if type(value) is not int:
        raise DataError(f"{word} must be an integer, not {value!r}", sqlstate="22023")
    if value < 0:
        raise DataError(f"{word} must not be negative", sqlstate=sqlstate)
    return value
