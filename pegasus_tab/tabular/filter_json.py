"""The filter tree as JSON: the ``filter`` field of RPC_TAB_SCAN.

Each node is an array: ``["=", column, value]`` (and ``<> < <= > >=``), ``["in", column, [values]]``,
``["null", column]``, ``["not null", column]``, ``["like", column, pattern]``, ``["ilike", ...]``,
``["and", node ...]``, ``["or", node ...]``, ``["not", node]``. Columns are column ids, values are
written as value_json.py says for the column's type. The text comes from the network: size, depth
and number of nodes are bounded.
"""

import json
from typing import get_args

from pegasus_tab.base.errors import DataError
from pegasus_tab.tabular.filter import (
    And,
    Compare,
    Comparison,
    Filter,
    In,
    IsNull,
    Like,
    Not,
    Or,
)
from pegasus_tab.tabular.like import parse_pattern
from pegasus_tab.tabular.schema import ColumnType, Kind, Schema
from pegasus_tab.tabular.value import coerce
from pegasus_tab.tabular.value_json import parse_json, value_from_json, value_to_json

FILTER_CHARACTERS_MAX = 1 << 20
FILTER_DEPTH_MAX = 64
FILTER_NODES_MAX = 10_000

_COMPARISONS = frozenset(get_args(Comparison))


def filter_to_json(filter_: Filter, schema: Schema) -> str:
    """Return the filter as JSON text.

    Raises:
        DataError: the filter is over a limit that ``filter_from_json`` would refuse.
    """
    types = {column.id: column.type for column in schema.columns}
    depth, nodes = _size(filter_)
    if depth > FILTER_DEPTH_MAX or nodes > FILTER_NODES_MAX:
        raise _too_complex()
    text = json.dumps(_write(filter_, types), separators=(",", ":"), ensure_ascii=False)
    if len(text) > FILTER_CHARACTERS_MAX:
        message = f"filter has {len(text)} characters, limit is {FILTER_CHARACTERS_MAX}"
        raise DataError(message, sqlstate="54000", hint="Use fewer values in IN lists.")
    return text


def filter_from_json(text: str, schema: Schema) -> Filter:
    """Return the filter of JSON text.

    Raises:
        DataError: the text is no filter over this schema's columns, or over a limit.
    """
    return _Reader(schema).read(parse_json(text, "filter", FILTER_CHARACTERS_MAX), 1)


def _write(filter_: Filter, types: dict[int, ColumnType]) -> list[object]:
    match filter_:
        case Compare(column, operator, value):
            return [operator, column, value_to_json(types[column], value)]
        case In(column, values):
            return ["in", column, [value_to_json(types[column], value) for value in values]]
        case IsNull(column, negated):
            return ["not null" if negated else "null", column]
        case Like(column, pattern, ignore_case):
            return ["ilike" if ignore_case else "like", column, pattern]
        case And(parts):
            return ["and", *(_write(part, types) for part in parts)]
        case Or(parts):
            return ["or", *(_write(part, types) for part in parts)]
        case Not(part):
            return ["not", _write(part, types)]


class _Reader:
    """Reads one filter, counting its nodes."""

    def __init__(self, schema: Schema) -> None:
        self._types = {column.id: column.type for column in schema.columns}
        self._nodes = 0

    def read(self, node: object, depth: int) -> Filter:
        self._nodes += 1
        if depth > FILTER_DEPTH_MAX or self._nodes > FILTER_NODES_MAX:
            raise _too_complex()
        match node:
            case ["and", *parts]:
                return And(tuple(self.read(part, depth + 1) for part in parts))
            case ["or", *parts]:
                return Or(tuple(self.read(part, depth + 1) for part in parts))
            case ["not", part]:
                return Not(self.read(part, depth + 1))
            case [str(name), int(column), *rest] if column in self._types:
                return self._leaf(name, column, rest)
            case _:
                raise _no_filter(node)

    def _leaf(self, name: str, column: int, rest: list[object]) -> Filter:
        type_ = self._types[column]
        match [name, *rest]:
            case ["null"]:
                return IsNull(column)
            case ["not null"]:
                return IsNull(column, negated=True)
            case ["like" | "ilike", str(pattern)] if type_.kind is Kind.TEXT:
                parse_pattern(pattern)
                coerce(type_, pattern)
                return Like(column, pattern, ignore_case=name == "ilike")
            case ["in", list(values)] if type_.kind is not Kind.MAP:
                return In(column, tuple(self._value(type_, value) for value in values))
            case [_, value] if name in _COMPARISONS and type_.kind is not Kind.MAP:
                return Compare(column, name, self._value(type_, value))  # type: ignore[arg-type]  # one of _COMPARISONS
            case _:
                raise _no_filter([name, column, *rest])

    def _value(self, type_: ColumnType, value: object) -> object:
        if value is None:
            raise DataError("a filter compares with NULL", sqlstate="22004")
        return value_from_json(type_, value)


def _size(filter_: Filter) -> tuple[int, int]:
    """Return how many levels and how many nodes the filter has."""
    match filter_:
        case And(parts) | Or(parts):
            sizes = [_size(part) for part in parts]
        case Not(part):
            sizes = [_size(part)]
        case _:
            sizes = []
    return (
        1 + max((depth for depth, _ in sizes), default=0),
        1 + sum(nodes for _, nodes in sizes),
    )


def _too_complex() -> DataError:
    return DataError(
        f"filter has over {FILTER_DEPTH_MAX} levels or {FILTER_NODES_MAX} nodes", sqlstate="54001"
    )


def _no_filter(node: object) -> DataError:
    return DataError(f"no filter over this table: {str(node)[:80]}", sqlstate="22023")
