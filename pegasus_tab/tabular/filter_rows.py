"""Filters on one Python row: the twin of arrow_filter.py for values at hand.

DOUBLE compares as in PostgreSQL and DuckDB: NaN equals NaN and is greater than every number. That is
also the order of encoded keys.
"""

import operator
from collections.abc import Callable, Mapping
from typing import TypeAlias

from pegasus_tab.tabular.filter import And, Compare, Filter, In, IsNull, Like, Not, Or
from pegasus_tab.tabular.like import matcher
from pegasus_tab.tabular.row_codec import Row
from pegasus_tab.tabular.schema import Schema

Predicate: TypeAlias = Callable[[Row], bool | None]
"""TRUE, FALSE, or None for NULL; only True keeps a row."""

_OPERATORS: dict[str, Callable[..., bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compile_filter(filter_: Filter, schema: Schema) -> Predicate:
    """Return the filter as a function of a row in ``schema.columns`` order.

    Args:
        filter_: its constants are in the form of value.py for their columns.
        schema: the rows' schema.

    Raises:
        DataError: a LIKE pattern ends with a lone backslash.
    """
    return _compile(filter_, {column.id: place for place, column in enumerate(schema.columns)})


def _compile(filter_: Filter, places: Mapping[int, int]) -> Predicate:
    match filter_:
        case Compare(column, name, value):
            return _compare(places[column], name, value)
        case In(column, values):
            return _in(places[column], values)
        case IsNull(column, negated):
            place = places[column]
            return lambda row: (row[place] is None) != negated
        case Like(column, pattern, ignore_case):
            return _like(places[column], pattern, ignore_case=ignore_case)
        case And(parts):
            return _and([_compile(part, places) for part in parts])
        case Or(parts):
            return _or([_compile(part, places) for part in parts])
        case Not(part):
            return _not(_compile(part, places))


def _compare(place: int, name: str, value: object) -> Predicate:
    holds = _OPERATORS[name]
    if isinstance(value, float):
        return _compare_doubles(place, holds, value)

    def compare(row: Row) -> bool | None:
        item = row[place]
        return None if item is None else holds(item, value)

    return compare


def _compare_doubles(place: int, holds: Callable[..., bool], value: float) -> Predicate:
    key = _double_order(value)

    def compare(row: Row) -> bool | None:
        item = row[place]
        return None if item is None else holds(_double_order(item), key)

    return compare


def _double_order(value: object) -> tuple[bool, object]:
    """Return what sorts as the double does with NaN last and equal to itself."""
    return (True, 0.0) if value != value else (False, value)  # noqa: PLR0124 -- only NaN differs


def _in(place: int, values: tuple[object, ...]) -> Predicate:
    wanted = frozenset(map(_member, values))

    def contains(row: Row) -> bool | None:
        if not wanted:
            return False
        item = row[place]
        return None if item is None else _member(item) in wanted

    return contains


def _member(value: object) -> object:
    return _double_order(value) if isinstance(value, float) else value


def _like(place: int, pattern: str, *, ignore_case: bool) -> Predicate:
    matches = matcher(pattern, ignore_case=ignore_case).matches

    def like(row: Row) -> bool | None:
        item = row[place]
        if item is None:
            return None
        assert isinstance(item, str)
        return matches(item)

    return like


def _and(parts: list[Predicate]) -> Predicate:
    def all_of(row: Row) -> bool | None:
        result: bool | None = True
        for part in parts:
            answer = part(row)
            if answer is False:
                return False
            if answer is None:
                result = None
        return result

    return all_of


def _or(parts: list[Predicate]) -> Predicate:
    def any_of(row: Row) -> bool | None:
        result: bool | None = False
        for part in parts:
            answer = part(row)
            if answer is True:
                return True
            if answer is None:
                result = None
        return result

    return any_of


def _not(part: Predicate) -> Predicate:
    def negated(row: Row) -> bool | None:
        answer = part(row)
        return None if answer is None else not answer

    return negated
