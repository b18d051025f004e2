"""Bound expressions: names are resolved to column ids, operators and functions to names of ours.

Operators and functions are all ``Call``: the binder, the planner's rules, EXPLAIN, the row
evaluator and the DuckDB writer each hold one table from function name to meaning.
"""

from dataclasses import dataclass
from typing import TypeAlias

from pegasus_tab.tabular.schema import ColumnType


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; ``type`` is None for NULL."""

    value: object
    type: ColumnType | None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A placeholder: position in the tuple of bound parameters (named ones are numbered at bind).

    ``type`` is what the place it stands in asks for, None when anything goes.
    """

    index: int
    type: ColumnType | None = None


@dataclass(frozen=True, slots=True)
class ColumnRef:
    """A column of the (single) table, by id."""

    column: int
    type: ColumnType


@dataclass(frozen=True, slots=True)
class MapItem:
    """``column['key']``: NULL when the map has no such key."""

    column: int
    key: "Expression"
    type: ColumnType


@dataclass(frozen=True, slots=True)
class TtlOf:
    """``TTL(column)``: seconds the column's family has to live, NULL when it never expires."""

    column: int


@dataclass(frozen=True, slots=True)
class Call:
    """An operator or function applied to arguments.

    Names: ``and or not = <> < <= > >= + - * / % || neg in is_null is_not_null like ilike between
    case cast`` and lower-case function names (``upper length coalesce abs round ...``).
    ``in``: first argument is the needle. ``case``: condition, value, ..., else. ``cast``: the target
    is ``type``.
    """

    function: str
    arguments: "tuple[Expression, ...]"
    type: ColumnType | None


Expression: TypeAlias = Literal | Parameter | ColumnRef | MapItem | TtlOf | Call
