"""Leaves of an expression: columns, literals, placeholders, map items."""

from typing import Any

from sqlglot import exp

from pegasus_tab.base.errors import ProgrammingError
from pegasus_tab.sql.intervals import interval
from pegasus_tab.sql.literals import number
from pegasus_tab.sql.place import at
from pegasus_tab.sql.terms import Apply, Constant, Default, Item, Name, Term
from pegasus_tab.sql.translation import (
    Handler,
    Translation,
    check_arguments,
    column_place,
    identifier,
    place_of_node,
    refused,
)


def _column(_translation: Translation, node: Any) -> Name:
    check_arguments(node, "this", "table")
    if not isinstance(node.this, exp.Identifier):
        raise refused(node)
    table = node.args.get("table")
    return Name(identifier(node.this), identifier(table) if table else None, column_place(node))


def _literal(_translation: Translation, node: Any) -> Term:
    place = place_of_node(node)
    return Constant(node.this if node.is_string else number(node.this, place), place)


def _parameter(translation: Translation, node: Any) -> Term:
    return translation.placeholders[int(node.this.this)]


def _hexadecimal(_translation: Translation, node: Any) -> Term:
    place = place_of_node(node)
    try:
        return Constant(bytes.fromhex(node.this), place)
    except ValueError:
        raise ProgrammingError(
            "a hexadecimal string needs an even number of digits 0-9 and a-f",
            sqlstate="42601",
            **at(place),
        ) from None


def _escape_string(translation: Translation, node: Any) -> Term:
    # sqlglot reads PostgreSQL's E'...' and other dialects' b'...' as one node.
    place = place_of_node(node)
    if place is not None and translation.text[place.position] not in "eE":
        raise refused(node)
    return Constant(node.this, place)


def _interval(_translation: Translation, node: Any) -> Term:
    check_arguments(node, "this", "unit")
    if not isinstance(node.this, exp.Literal):
        raise refused(node)
    place = place_of_node(node.this)
    unit = node.args.get("unit")
    return Constant(interval(node.this.this, unit.name if unit else None, place), place)


def _variable(_translation: Translation, node: Any) -> Term:
    if node.name.upper() == "DEFAULT":
        return Default(place_of_node(node))
    raise refused(node)


def _bracket(translation: Translation, node: Any) -> Term:
    check_arguments(node, "this", "expressions")
    base = node.this
    if not isinstance(base, exp.Column) or len(node.expressions) != 1:
        raise refused(node)
    column = _column(translation, base)
    key = node.expressions[0]
    if isinstance(key, exp.Literal) and not key.is_string:
        raise ProgrammingError(
            "a MAP has TEXT keys",
            sqlstate="42804",
            hint=f"write {column.column}['key']",
            **at(place_of_node(key) or column.place),
        )
    return Item(column, translation.term(key), column.place)


def _structure(translation: Translation, node: Any) -> Term:
    arguments: list[Term] = []
    for pair in node.expressions:
        if not isinstance(pair, exp.PropertyEQ):
            raise refused(node)
        arguments += (Constant(pair.this.name), translation.term(pair.expression))
    return Apply("map", tuple(arguments), place_of_node(node))


LEAVES: dict[type, Handler] = {
    exp.Column: _column,
    exp.Literal: _literal,
    exp.Null: lambda _translation, node: Constant(None, place_of_node(node)),
    exp.Boolean: lambda _translation, node: Constant(bool(node.this), place_of_node(node)),
    exp.Parameter: _parameter,
    exp.HexString: _hexadecimal,
    exp.ByteString: _escape_string,
    exp.RawString: lambda _translation, node: Constant(node.this, place_of_node(node)),
    exp.Interval: _interval,
    exp.Var: _variable,
    exp.Bracket: _bracket,
    exp.Struct: _structure,
}
