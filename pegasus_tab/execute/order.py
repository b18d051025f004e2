"""ORDER BY on Python rows: a stable sort, one pass a term from the last to the first.

Python's own order of the values is SQL's (text by code point, bytes, numbers, moments); only NULL
and NaN need a place: NaN above every number, NULL where the term says.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.evaluate import RowShape, compile_expression
from pegasus_tab.execute.strict import Evaluator, Row
from pegasus_tab.sql.plan_nodes import OrderBy

SortKey = Callable[[Any], Any]


class Ordering:
    """A compiled ORDER BY list for rows of one shape."""

    def __init__(self, terms: Sequence[OrderBy], shape: RowShape) -> None:
        self._terms = [(compile_expression(term.expression, shape), term) for term in terms]

    def sort(self, rows: list[Any], bindings: Bindings) -> None:
        """Sort rows in place; rows that compare equal keep their order."""
        for evaluate, term in reversed(self._terms):
            _sort_by(rows, evaluate, term, bindings)


def _sort_by(rows: list[Any], evaluate: Evaluator, term: OrderBy, bindings: Bindings) -> None:
    # Decorating keeps NULLs, which Python cannot compare, out of the comparison.
    decorated = [(evaluate(row, bindings), row) for row in rows]
    known = [pair for pair in decorated if pair[0] is not None]
    nulls = [row for value, row in decorated if value is None]
    known.sort(key=_key_for(known), reverse=term.descending)
    ordered = [row for _, row in known]
    rows[:] = nulls + ordered if term.nulls_first else ordered + nulls


def _key_for(pairs: Sequence[tuple[Any, Row]]) -> SortKey:
    if any(isinstance(value, float) for value, _ in pairs):
        return lambda pair: (pair[0] != pair[0], pair[0])  # True for NaN alone
    return itemgetter(0)


class Distinct:
    """Lets each different row through once, the first of equals; NULL equals NULL, NaN equals NaN.

    Remembers every row it let through, so the result's rows must fit in memory.
    """

    def __init__(self) -> None:
        self._seen: set[tuple[Any, ...]] = set()

    def __call__(self, rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Return the rows that were not seen before, in order."""
        fresh = []
        for row in rows:
            key = _hashable(row)
            if key not in self._seen:
                self._seen.add(key)
                fresh.append(row)
        return fresh


def _hashable(row: tuple[Any, ...]) -> tuple[Any, ...]:
    if any(isinstance(value, (dict, float)) for value in row):
        return tuple(_hashable_value(value) for value in row)
    return row


def _hashable_value(value: Any) -> Any:
    if isinstance(value, dict):
        return frozenset(value.items())
    # One NaN for all of them: Python would call each different from itself.
    return "NaN" if isinstance(value, float) and value != value else value  # noqa: PLR0124
