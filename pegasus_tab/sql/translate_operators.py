"""Operators and predicates: comparisons, AND/OR/NOT, IS, BETWEEN, IN, LIKE, CASE, CAST, rows."""

from decimal import Decimal
from typing import Any

from sqlglot import exp

from pegasus_tab.base.errors import NotSupportedError, ProgrammingError
from pegasus_tab.sql.column_types import map_type, named_type
from pegasus_tab.sql.place import Place, at
from pegasus_tab.sql.terms import Apply, Constant, Convert, Term, place_of
from pegasus_tab.sql.translation import (
    Handler,
    Translation,
    check_arguments,
    nearest_place,
    place_of_node,
    refused,
    too_deep,
)
from pegasus_tab.tabular.schema import ColumnType

_BINARY = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
    exp.DPipe: "||",
}
_CHAIN_MAX = 48
"""Operators of one left-deep chain (a || b || c ...): the evaluator recurses once for each."""
_FALSE = Constant(value=False)


def _binary(translation: Translation, node: Any) -> Term:
    # Chains such as a + b + c are left-deep: walk down the left side by a loop, build up again.
    spine = []
    while type(node) in _BINARY:
        check_arguments(node, "this", "expression")
        spine.append(node)
        if len(spine) > _CHAIN_MAX:
            raise too_deep(node)
        node = node.this
    made = translation.term(node)
    for one in reversed(spine):
        right = translation.term(one.expression)
        made = Apply(_BINARY[type(one)], (made, right), place_of(made) or place_of(right))
    return made


def _junction(translation: Translation, node: Any) -> Term:
    kind = type(node)
    parts: list[Any] = []
    while type(node) is kind:
        check_arguments(node, "this", "expression")
        parts.append(node.expression)
        node = node.this
    parts.append(node)
    function = "and" if kind is exp.And else "or"
    return Apply(function, tuple(translation.term(part) for part in reversed(parts)))


def _paren(translation: Translation, node: Any) -> Term:
    check_arguments(node, "this")
    return translation.term(node.this)


def _negative(translation: Translation, node: Any) -> Term:
    operand = translation.term(node.this)
    if isinstance(operand, Constant) and type(operand.value) in (int, Decimal, float):
        assert isinstance(operand.value, int | Decimal | float)
        return Constant(-operand.value, operand.place)
    return Apply("neg", (operand,), place_of(operand))


def _is(translation: Translation, node: Any) -> Term:
    check_arguments(node, "this", "expression")
    operand = translation.term(node.this)
    place = place_of(operand)
    match node.expression:
        case exp.Null():
            return Apply("is_null", (operand,), place)
        case exp.Boolean(this=True):
            return Apply("coalesce", (operand, _FALSE), place)
        case exp.Boolean(this=False):
            return Apply("coalesce", (Apply("not", (operand,), place), _FALSE), place)
        case _:
            raise refused(node)


def _same(translation: Translation, node: Any) -> Term:
    # IS [NOT] DISTINCT FROM: the plain comparison decides unless a side is NULL.
    left, right = translation.term(node.this), translation.term(node.expression)
    place = place_of(left)
    both_null = Apply("and", (Apply("is_null", (left,)), Apply("is_null", (right,))), place)
    same = Apply("coalesce", (Apply("=", (left, right), place), both_null), place)
    return same if isinstance(node, exp.NullSafeEQ) else Apply("not", (same,), place)


def _between(translation: Translation, node: Any) -> Term:
    check_arguments(node, "this", "low", "high")
    return translation.apply("between", node, (node.this, node.args["low"], node.args["high"]))


def _in(translation: Translation, node: Any) -> Term:
    check_arguments(node, "this", "expressions")
    if not node.expressions:
        raise ProgrammingError(
            "IN needs at least one value", sqlstate="42601", **at(nearest_place(node))
        )
    return translation.apply("in", node, (node.this, *node.expressions))


def _like(translation: Translation, node: Any) -> Term:
    check_arguments(node, "this", "expression")
    function = "like" if isinstance(node, exp.Like) else "ilike"
    return translation.apply(function, node, (node.this, node.expression))


def _escape(translation: Translation, node: Any) -> Term:
    liked = node.this
    escape = node.expression
    pattern = liked.expression
    if not isinstance(pattern, exp.Literal):
        raise NotSupportedError(
            "ESCAPE needs a literal pattern",
            hint="escape with a backslash, which needs no ESCAPE",
            **at(place_of_node(escape)),
        )
    if not isinstance(escape, exp.Literal) or len(escape.this) > 1:
        raise ProgrammingError(
            "ESCAPE takes one character", sqlstate="22019", **at(place_of_node(escape))
        )
    function = "like" if isinstance(liked, exp.Like) else "ilike"
    masked = Constant(backslash_pattern(pattern.this, escape.this), place_of_node(pattern))
    made = Apply(function, (translation.term(liked.this), masked))
    return Apply("not", (made,)) if liked.args.get("negate") else made


def backslash_pattern(pattern: str, escape: str) -> str:
    r"""Return a LIKE pattern with another escape character in the form that escapes by backslash.

    An empty ``escape`` means that nothing escapes.
    """
    result = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character == escape and position + 1 < len(pattern):
            position += 1
            result.append("\\" + pattern[position])
        else:
            result.append("\\\\" if character == "\\" else character)
        position += 1
    return "".join(result)


def _case(translation: Translation, node: Any) -> Term:
    check_arguments(node, "this", "ifs", "default")
    subject = translation.term(node.this) if node.this else None
    arguments: list[Term] = []
    for arm in node.args["ifs"]:
        condition = translation.term(arm.this)
        if subject is not None:
            condition = Apply("=", (subject, condition), place_of(condition))
        arguments += (condition, translation.term(arm.args["true"]))
    default = node.args.get("default")
    arguments.append(translation.term(default) if default else Constant(None))
    return Apply("case", tuple(arguments), place_of_node(node))


def _if(translation: Translation, node: Any) -> Term:
    check_arguments(node, "this", "true", "false")
    default = node.args.get("false")
    arms = [translation.term(node.this), translation.term(node.args["true"])]
    arms.append(translation.term(default) if default else Constant(None))
    return Apply("case", tuple(arms), place_of_node(node))


def _cast(translation: Translation, node: Any) -> Term:
    check_arguments(node, "this", "to")
    operand = translation.term(node.this)
    place = place_of(operand)
    return Convert(operand, column_type(node.args["to"], place), place)


def column_type(node: Any, place: Place | None) -> ColumnType:
    """Return our type for sqlglot's; raise NotSupportedError for one we do not have."""
    arguments = node.expressions
    name = str(getattr(node.this, "value", node.this)).upper()
    if name == "MAP" and len(arguments) == 2:
        key, value = (column_type(one, place) for one in arguments)
        return map_type(key, value, place)
    numbers = [one.name for one in arguments if isinstance(one, exp.DataTypeParam)]
    if len(numbers) != len(arguments) or not all(one.isdecimal() for one in numbers):
        raise refused(node)
    return named_type(name, tuple(int(number) for number in numbers), place)


def _row(translation: Translation, node: Any) -> Term:
    check_arguments(node, "expressions")
    return translation.apply("row", node, node.expressions)


OPERATORS: dict[type, Handler] = {
    **dict.fromkeys(_BINARY, _binary),
    exp.And: _junction,
    exp.Or: _junction,
    exp.Not: lambda translation, node: translation.apply("not", node, (node.this,)),
    exp.Paren: _paren,
    exp.Neg: _negative,
    exp.Is: _is,
    exp.NullSafeEQ: _same,
    exp.NullSafeNEQ: _same,
    exp.Between: _between,
    exp.In: _in,
    exp.Like: _like,
    exp.ILike: _like,
    exp.Escape: _escape,
    exp.Case: _case,
    exp.If: _if,
    exp.Cast: _cast,
    exp.Tuple: _row,
}
