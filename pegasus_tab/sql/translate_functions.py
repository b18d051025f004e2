"""Scalar functions: sqlglot's node for each, and the order of its arguments."""

from typing import Any

from sqlglot import exp

from pegasus_tab.sql.column_types import DATE
from pegasus_tab.sql.function_names import unknown_function
from pegasus_tab.sql.terms import Apply, Constant, Convert, Term
from pegasus_tab.sql.translation import (
    Handler,
    Translation,
    check_arguments,
    place_of_node,
    refused,
)

_PLAIN: dict[type, tuple[str, tuple[str, ...]]] = {
    exp.Upper: ("upper", ("this",)),
    exp.Lower: ("lower", ("this",)),
    exp.Length: ("length", ("this",)),
    exp.Substring: ("substr", ("this", "start", "length")),
    exp.Replace: ("replace", ("this", "expression", "replacement")),
    exp.Left: ("left", ("this", "expression")),
    exp.Right: ("right", ("this", "expression")),
    exp.StrPosition: ("strpos", ("this", "substr")),
    exp.StartsWith: ("starts_with", ("this", "expression")),
    exp.Reverse: ("reverse", ("this",)),
    exp.Concat: ("concat", ("expressions",)),
    exp.Abs: ("abs", ("this",)),
    exp.Sign: ("sign", ("this",)),
    exp.Round: ("round", ("this", "decimals")),
    exp.Floor: ("floor", ("this",)),
    exp.Ceil: ("ceil", ("this",)),
    exp.Pow: ("power", ("this", "expression")),
    exp.Sqrt: ("sqrt", ("this",)),
    exp.Exp: ("exp", ("this",)),
    exp.Ln: ("ln", ("this",)),
    exp.Coalesce: ("coalesce", ("this", "expressions")),
    exp.Nullif: ("nullif", ("this", "expression")),
    exp.Greatest: ("greatest", ("this", "expressions")),
    exp.Least: ("least", ("this", "expressions")),
    exp.CurrentTimestamp: ("current_timestamp", ()),
}
if hasattr(exp, "Trunc"):  # sqlglot before 29 leaves trunc() to the names below
    _PLAIN[exp.Trunc] = ("trunc", ("this", "decimals"))

_BY_NAME = {"ttl": "ttl", "trunc": "trunc", "btrim": "trim", "row": "row"}


def _plain(translation: Translation, node: Any) -> Term:
    function, names = _PLAIN[type(node)]
    check_arguments(node, *names)
    arguments: list[Any] = []
    for name in names:
        value = node.args.get(name)
        arguments.extend(value if isinstance(value, list) else [] if value is None else [value])
    return translation.apply(function, node, arguments)


def _trim(translation: Translation, node: Any) -> Term:
    check_arguments(node, "this", "expression", "position")
    side = str(node.args.get("position") or "BOTH").upper()
    function = {"LEADING": "ltrim", "TRAILING": "rtrim", "BOTH": "trim"}[side]
    characters = node.args.get("expression")
    arguments = (node.this,) if characters is None else (node.this, characters)
    return translation.apply(function, node, arguments)


def _date_trunc(translation: Translation, node: Any) -> Term:
    check_arguments(node, "this", "unit")
    return _with_unit(translation, "date_trunc", node, node.args["unit"], node.this)


def _extract(translation: Translation, node: Any) -> Term:
    check_arguments(node, "this", "expression")
    return _with_unit(translation, "extract", node, node.this, node.expression)


def _with_unit(translation: Translation, function: str, node: Any, unit: Any, value: Any) -> Term:
    place = place_of_node(node)
    name = Constant(unit.name.lower(), place_of_node(unit) or place)
    return Apply(function, (name, translation.term(value)), place)


def _logarithm(translation: Translation, node: Any) -> Term:
    # PostgreSQL's log(x) has base 10; sqlglot writes log10(x) as it writes log(10, x).
    check_arguments(node, "this", "expression")
    number = node.args.get("expression")
    if number is None:
        return translation.apply("log10", node, (node.this,))
    if isinstance(node.this, exp.Literal) and node.this.this == "10":
        return translation.apply("log10", node, (number,))
    raise refused(node)


def _today(_translation: Translation, node: Any) -> Term:
    check_arguments(node)
    place = place_of_node(node)
    return Convert(Apply("current_timestamp", (), place), DATE, place)


def _anonymous(translation: Translation, node: Any) -> Term:
    name = node.name.lower()
    if name not in _BY_NAME:
        raise unknown_function(name, place_of_node(node))
    return translation.apply(_BY_NAME[name], node, node.expressions)


FUNCTIONS: dict[type, Handler] = {
    **dict.fromkeys(_PLAIN, _plain),
    exp.Trim: _trim,
    exp.TimestampTrunc: _date_trunc,
    exp.DateTrunc: _date_trunc,
    exp.Extract: _extract,
    exp.Log: _logarithm,
    exp.CurrentDate: _today,
    exp.Anonymous: _anonymous,
}
