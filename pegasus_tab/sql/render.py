"""Bound expressions back to SQL text, for EXPLAIN and for names of result columns."""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from pegasus_tab.sql.catalog import Table
from pegasus_tab.sql.expression import (
    Call,
    ColumnRef,
    Expression,
    Literal,
    MapItem,
    Parameter,
    TtlOf,
)

_BINARY = {
    "or": 1,
    "and": 2,
    "=": 4,
    "<>": 4,
    "<": 4,
    "<=": 4,
    ">": 4,
    ">=": 4,
    "like": 4,
    "ilike": 4,
    "in": 4,
    "is_null": 4,
    "is_not_null": 4,
    "||": 5,
    "+": 6,
    "-": 6,
    "*": 7,
    "/": 7,
    "%": 7,
}
_NOT, _NEGATIVE, _ATOM = 3, 8, 9
_LIST_SHOWN_MAX = 8
_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*")


class Renderer:
    """Writes expressions over one table as SQL.

    Args:
        table: gives columns their names.
        parameters: names of the statement's parameters, None for positional ones.
        computed: the statement's computed expressions, shown in place of their parameter.
    """

    def __init__(
        self,
        table: Table | None,
        parameters: Sequence[str | None] = (),
        computed: Sequence[Expression] = (),
    ) -> None:
        columns = table.schema.columns if table is not None else ()
        self._columns = {column.id: column.name for column in columns}
        self._parameters = parameters
        self._computed = computed

    def text(self, expression: Expression) -> str:
        """Return the expression as SQL text on one line."""
        return self._at(expression, 0)

    def conjunction(self, expressions: Sequence[Expression]) -> str:
        """Return the expressions joined by AND."""
        level = _BINARY["and"] if len(expressions) > 1 else 0
        return " AND ".join(self._at(one, level) for one in expressions)

    def column(self, id_: int) -> str:
        """Return a column's name, quoted where it must be."""
        return quoted(self._columns.get(id_, f"column {id_}"))

    def _at(self, expression: Expression, level: int) -> str:
        match expression:
            case Literal(value=value):
                return literal(value)
            case Parameter(index=index):
                return self._parameter(index, level)
            case ColumnRef(column=column):
                return self.column(column)
            case MapItem(column=column, key=key):
                return f"{self.column(column)}[{self._at(key, 0)}]"
            case TtlOf(column=column):
                return f"TTL({self.column(column)})"
            case Call():
                own, text = self._call(expression)
                return f"({text})" if own <= level else text

    def _parameter(self, index: int, level: int) -> str:
        if index < len(self._parameters):
            name = self._parameters[index]
            return f":{name}" if name is not None else f"${index + 1}"
        place = index - len(self._parameters)
        return (
            self._at(self._computed[place], level) if place < len(self._computed) else f"${index}"
        )

    def _call(self, call: Call) -> tuple[int, str]:
        name, arguments = call.function, call.arguments
        if name == "not":
            return _NOT, f"NOT {self._at(arguments[0], _NOT - 1)}"
        if name == "neg":
            return _NEGATIVE, f"-{self._at(arguments[0], _NEGATIVE)}"
        if name in ("is_null", "is_not_null"):
            words = "IS NULL" if name == "is_null" else "IS NOT NULL"
            return _BINARY[name], f"{self._at(arguments[0], _BINARY[name])} {words}"
        if name == "in":
            return _BINARY[name], f"{self._at(arguments[0], 4)} IN ({self._list(arguments[1:])})"
        if name in _BINARY:
            level = _BINARY[name]
            joined = f" {name.upper()} ".join(self._operands(arguments, level))
            return level, joined
        return _ATOM, self._function(call)

    def _operands(self, arguments: Sequence[Expression], level: int) -> list[str]:
        # Equal operators group from the left, so only the first operand may be of the same level.
        first, *rest = arguments
        return [self._at(first, level - 1), *(self._at(one, level) for one in rest)]

    def _list(self, members: Sequence[Expression]) -> str:
        shown = [self._at(one, 0) for one in members[:_LIST_SHOWN_MAX]]
        hidden = len(members) - len(shown)
        return ", ".join([*shown, f"... {hidden} more"] if hidden else shown)

    def _function(self, call: Call) -> str:
        arguments = [self._at(one, 0) for one in call.arguments]
        match call.function:
            case "cast":
                return f"CAST({arguments[0]} AS {call.type})"
            case "case":
                pairs = zip(arguments[:-1:2], arguments[1::2], strict=False)
                arms = " ".join(f"WHEN {one} THEN {value}" for one, value in pairs)
                return f"CASE {arms} ELSE {arguments[-1]} END"
            case "map":
                pairs = zip(arguments[::2], arguments[1::2], strict=True)
                return "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"
            case "extract":
                unit = call.arguments[0]
                assert isinstance(unit, Literal)  # the binder checks the unit
                return f"extract({unit.value} FROM {arguments[1]})"
            case "current_timestamp":
                return "CURRENT_TIMESTAMP"
            case name:
                return f"{name}({', '.join(arguments)})"


def quoted(name: str) -> str:
    """Return a name as SQL reads it back: quoted unless it is a plain lower-case word."""
    if _PLAIN_NAME.fullmatch(name):
        return name
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """Return a value as a SQL literal."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case bytes():
            return f"X'{value.hex()}'"
        case timedelta():
            return f"INTERVAL '{value / timedelta(seconds=1):g} seconds'"
        case date() | UUID():
            return f"'{value}'"
        case dict():
            cells = (f"{literal(key)}: {literal(item)}" for key, item in value.items())
            return "{" + ", ".join(cells) + "}"
        case _:
            return str(value)
