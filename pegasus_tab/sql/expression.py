"""Bound expressions: names are resolved to column ids, operators and functions to names of ours.

Operators and functions are all ``Call``: the binder, the planner's rules, EXPLAIN, the row
evaluator and the DuckDB writer each hold one table from function name to meaning.
"""

from typing import TypeAlias

from pegasus_tab.base.record import record
from pegasus_tab.tabular.schema import ColumnType


@record
class Literal:
    """A constant; ``type`` is None for NULL."""

    value: object
    type: ColumnType | None


@record
class Parameter:
    """A placeholder: position in the tuple of bound parameters (named ones are numbered at bind).

    ``type`` is what the place it stands in asks for, None when anything goes.
    """

    index: int
    type: ColumnType | None = None


@record
class ColumnRef:
    """A column of the (single) table, by id."""

    column: int
    type: ColumnType


@record
class MapItem:
    """``column['key']``: NULL when the map has no such key."""

    column: int
    key: "Expression"
    type: ColumnType


@record
class TtlOf:
    """``TTL(column)``: seconds the column's family has to live, NULL when it never expires."""

    column: int


@record
class Call:
    """An operator or function applied to arguments, with SQL's NULL rules.

    Operators: ``and or`` (two or more arguments) ``not = <> < <= > >= + - * / % || neg in is_null
    is_not_null like ilike case cast map``. ``in``: the first argument is the needle. ``like``: value,
    pattern; backslash escapes. ``case``: condition, value, ..., else (always there). ``cast``: the
    target is ``type``. ``map``: key, value, key, value ... ``/`` of two integers truncates toward
    zero, ``%`` has the sign of the dividend; dividing by zero is DataError 22012. A timestamp plus
    or minus a Literal ``timedelta`` (its type is None) is a timestamp.

    Functions: ``upper lower length trim ltrim rtrim`` (text[, characters]) ``substr`` (text, start from 1
    [, length]) ``replace left right strpos starts_with reverse abs sign round`` (number[, digits])
    ``floor ceil trunc power sqrt exp ln coalesce nullif greatest least concat`` (the last three skip
    NULL arguments) ``date_trunc`` (unit literal, timestamp) ``extract`` (unit literal, timestamp)
    ``current_timestamp`` (only in ``Statement.computed``).
    """

    function: str
    arguments: "tuple[Expression, ...]"
    type: ColumnType | None


Expression: TypeAlias = Literal | Parameter | ColumnRef | MapItem | TtlOf | Call
