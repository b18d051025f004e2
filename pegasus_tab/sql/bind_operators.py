"""How operators are bound: operands brought to a common type, result types, row comparisons."""

from collections.abc import Iterable

from pegasus_tab.base.errors import DataError, ProgrammingError
from pegasus_tab.sql.bind_expression import Binder, Rule, boolean, is_interval, type_of
from pegasus_tab.sql.column_types import (
    BLOB,
    BOOLEAN,
    DATE,
    DOUBLE,
    NUMBERS,
    TEXT,
    TIMESTAMP,
)
from pegasus_tab.sql.expression import Call, Expression, Literal, Parameter
from pegasus_tab.sql.place import Place, at
from pegasus_tab.sql.terms import Apply, Constant, Term, place_of
from pegasus_tab.sql.type_rules import arithmetic_type, castable, common_type, comparable
from pegasus_tab.tabular.schema import ColumnType, Kind
from pegasus_tab.tabular.value import coerce

_COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
_STRICT_OF = {"<": "<", "<=": "<", ">": ">", ">=": ">"}


def no_operator(
    symbol: str, types: list[ColumnType | None], place: Place | None
) -> ProgrammingError:
    """Return the 42883 error for operand types an operator does not take."""
    shown = [str(type_) if type_ else "unknown" for type_ in types]
    text = f" {symbol} ".join(shown) if len(shown) > 1 else f"{symbol} {shown[0]}"
    hint = None
    known = [type_ for type_ in types if type_ is not None]
    compares = symbol in _COMPARISONS and len(known) == 2 and known[0] != known[1]
    if compares and castable(known[1], known[0]):
        hint = f"write CAST(... AS {known[0]}), or quote the value"
    return ProgrammingError(
        f"operator does not exist: {text}", sqlstate="42883", hint=hint, **at(place)
    )


# ---- comparisons --------------------------------------------------------------------------------


def _comparison(binder: Binder, term: Apply) -> Expression:
    left, right = term.arguments
    if _is_row(left) or _is_row(right):
        return _row_comparison(binder, term)
    return compared(binder, term.function, left, right)


def compared(binder: Binder, symbol: str, left: Term, right: Term) -> Call:
    """Bind ``left symbol right`` with both sides of one type family."""
    one, other = unified(binder, symbol, left, right)
    return Call(symbol, (one, other), BOOLEAN)


def unified(binder: Binder, symbol: str, left: Term, right: Term) -> tuple[Expression, Expression]:
    """Bind two operands of a comparison and bring untyped ones to the other's type."""
    one, other = binder.bind(left), binder.bind(right)
    one_type, other_type = type_of(one), type_of(other)
    if _is_untyped(left, one) and other_type is not None:
        one = _compared_literal(binder, one, other_type, left)
    elif _is_untyped(right, other) and one_type is not None:
        other = _compared_literal(binder, other, one_type, right)
    return _checked(symbol, one, other, place_of(left) or place_of(right))


def _is_untyped(term: Term, bound: Expression) -> bool:
    if isinstance(bound, Parameter):
        return bound.type is None
    return isinstance(term, Constant) and isinstance(bound, Literal)


def _compared_literal(
    binder: Binder, bound: Expression, type_: ColumnType, term: Term
) -> Expression:
    if isinstance(bound, Parameter):
        # Fitting a value to a DECIMAL rounds it, and a rounded value compares differently.
        return bound if type_.kind is Kind.DECIMAL else Parameter(bound.index, type_)
    bound = binder.retyped(bound, type_, place_of(term), term)
    if isinstance(bound, Literal) and bound.type is not None and bound.value is not None:
        return exactly(bound, type_)
    return bound


def exactly(literal: Literal, type_: ColumnType) -> Literal:
    """Return a literal in the other side's type when that changes nothing of it.

    DOUBLE takes any number: comparing DOUBLE with 0.1 means the double nearest to 0.1.
    """
    if literal.type == type_ or common_type(literal.type or type_, type_) is None:
        return literal
    try:
        value = coerce(type_, literal.value)
    except DataError:
        return literal
    return Literal(value, type_) if type_ == DOUBLE or value == literal.value else literal


def _checked(
    symbol: str, one: Expression, other: Expression, place: Place | None
) -> tuple[Expression, Expression]:
    one_type, other_type = type_of(one), type_of(other)
    if is_interval(one) or is_interval(other):
        raise no_operator(symbol, [one_type, other_type], place)
    if one_type is None or other_type is None:
        known = one_type or other_type
        if known is not None and known.kind is Kind.MAP:
            raise no_operator(symbol, [one_type, other_type], place)
        return one, other
    if not comparable(one_type, other_type):
        raise no_operator(symbol, [one_type, other_type], place)
    return _same_family(one, other_type), _same_family(other, one_type)


def _same_family(expression: Expression, other: ColumnType) -> Expression:
    """Cast DECIMAL beside DOUBLE, and DATE beside TIMESTAMP: Python would not compare them."""
    mine = type_of(expression)
    assert mine is not None
    if mine.kind is Kind.DECIMAL and other.kind is Kind.DOUBLE:
        return Call("cast", (expression,), DOUBLE)
    if mine.kind is Kind.DATE and other.kind is Kind.TIMESTAMP:
        return Call("cast", (expression,), TIMESTAMP)
    return expression


def _is_row(term: Term) -> bool:
    return isinstance(term, Apply) and term.function == "row"


def _row_comparison(binder: Binder, term: Apply) -> Expression:
    left, right = term.arguments
    if not (
        isinstance(left, Apply) and isinstance(right, Apply) and _is_row(left) and _is_row(right)
    ):
        raise ProgrammingError(
            "a row can only be compared with a row",
            sqlstate="42883",
            hint="write (a, b) > (?, ?)",
            **at(place_of(left) or place_of(right)),
        )
    if len(left.arguments) != len(right.arguments):
        raise ProgrammingError(
            f"rows of {len(left.arguments)} and {len(right.arguments)} columns cannot be compared",
            sqlstate="42601",
            **at(place_of(left)),
        )
    pairs = list(zip(left.arguments, right.arguments, strict=True))
    match term.function:
        case "=":
            return _all(compared(binder, "=", one, other) for one, other in pairs)
        case "<>":
            equal = _all(compared(binder, "=", one, other) for one, other in pairs)
            return Call("not", (equal,), BOOLEAN)
        case symbol:
            return _lexicographic(binder, symbol, pairs)


def _all(calls: Iterable[Expression]) -> Expression:
    parts = tuple(calls)
    return parts[0] if len(parts) == 1 else Call("and", parts, BOOLEAN)


def _lexicographic(binder: Binder, symbol: str, pairs: list[tuple[Term, Term]]) -> Expression:
    # (a, b) > (x, y)  is  a >= x AND (a > x OR b > y): the first conjunct is a range to seek.
    (one, other), rest = pairs[0], pairs[1:]
    if not rest:
        return compared(binder, symbol, one, other)
    strict = _STRICT_OF[symbol]
    outer = compared(binder, strict + "=", one, other)
    beyond = compared(binder, strict, one, other)
    inner = Call("or", (beyond, _lexicographic(binder, symbol, rest)), BOOLEAN)
    return Call("and", (outer, inner), BOOLEAN)


# ---- predicates ---------------------------------------------------------------------------------


def _junction(binder: Binder, term: Apply) -> Expression:
    what = f"argument of {term.function.upper()}"
    return Call(term.function, tuple(boolean(binder, one, what) for one in term.arguments), BOOLEAN)


def _not(binder: Binder, term: Apply) -> Expression:
    return Call("not", (boolean(binder, term.arguments[0], "argument of NOT"),), BOOLEAN)


def _is_null(binder: Binder, term: Apply) -> Expression:
    return Call("is_null", (binder.bind(term.arguments[0]),), BOOLEAN)


def _between(binder: Binder, term: Apply) -> Expression:
    value, low, high = term.arguments
    above, below = compared(binder, ">=", value, low), compared(binder, "<=", value, high)
    return Call("and", (above, below), BOOLEAN)


def _in(binder: Binder, term: Apply) -> Expression:
    needle, *members = term.arguments
    if _is_row(needle):
        equal = [_row_comparison(binder, Apply("=", (needle, one))) for one in members]
        return equal[0] if len(equal) == 1 else Call("or", tuple(equal), BOOLEAN)
    pairs = [unified(binder, "=", needle, member) for member in members]
    first = pairs[0][0]
    if all(one == first for one, _ in pairs):
        return Call("in", (first, *(other for _, other in pairs)), BOOLEAN)
    # Members of different types ask for different casts of the needle.
    return Call("or", tuple(Call("=", pair, BOOLEAN) for pair in pairs), BOOLEAN)


def _like(binder: Binder, term: Apply) -> Expression:
    what = term.function.upper()
    value, pattern = (binder.bind_as(one, TEXT, f"argument of {what}") for one in term.arguments)
    return Call(term.function, (value, pattern), BOOLEAN)


# ---- arithmetic ---------------------------------------------------------------------------------


def _arithmetic(binder: Binder, term: Apply) -> Expression:
    one, other = (binder.bind(argument) for argument in term.arguments)
    place = place_of(term)
    types = [type_of(one), type_of(other)]
    left, right = types
    if is_interval(one) or is_interval(other) or _is_moment(left) or _is_moment(right):
        return _moment_arithmetic(term.function, one, other, place)
    if left is None or right is None:
        known = left or right
        if known is not None and known.kind not in NUMBERS:
            raise no_operator(term.function, types, place)
        return Call(term.function, (one, other), None)
    result = arithmetic_type(term.function, left, right)
    if result is None:
        raise no_operator(term.function, types, place)
    if result.kind is Kind.DOUBLE:
        one, other = (_as_double(operand) for operand in (one, other))
    return Call(term.function, (one, other), result)


def _as_double(operand: Expression) -> Expression:
    type_ = type_of(operand)
    if type_ is None or type_.kind is not Kind.DECIMAL:
        return operand
    return (
        exactly(operand, DOUBLE)
        if isinstance(operand, Literal)
        else Call("cast", (operand,), DOUBLE)
    )


def _is_moment(type_: ColumnType | None) -> bool:
    return type_ in (TIMESTAMP, DATE)


def _moment_arithmetic(
    symbol: str, one: Expression, other: Expression, place: Place | None
) -> Expression:
    if symbol == "+" and is_interval(one):
        one, other = other, one
    types = [type_of(one), type_of(other)]
    spans = is_interval(other) or isinstance(other, Parameter)
    if symbol not in ("+", "-") or not spans or not (_is_moment(types[0]) or types[0] is None):
        raise no_operator(symbol, types, place)
    if is_interval(one):
        raise no_operator(symbol, types, place)
    moment = one if types[0] != DATE else Call("cast", (one,), TIMESTAMP)
    if isinstance(moment, Parameter):
        moment = Parameter(moment.index, TIMESTAMP)
    return Call(symbol, (moment, other), TIMESTAMP)


def _negative(binder: Binder, term: Apply) -> Expression:
    operand = binder.bind(term.arguments[0])
    type_ = type_of(operand)
    if is_interval(operand) or (type_ is not None and type_.kind not in NUMBERS):
        raise no_operator("-", [type_], place_of(term))
    return Call("neg", (operand,), type_)


def _concatenation(binder: Binder, term: Apply) -> Expression:
    operands = [binder.bind(one) for one in term.arguments]
    types = [type_of(one) for one in operands]
    if any(is_interval(one) for one in operands) or any(
        type_ is not None and type_.kind is Kind.MAP for type_ in types
    ):
        raise no_operator("||", types, place_of(term))
    result = BLOB if types == [BLOB, BLOB] else TEXT
    return Call("||", tuple(operands), result)


OPERATOR_RULES: dict[str, Rule] = {
    **dict.fromkeys(_COMPARISONS, _comparison),
    **dict.fromkeys(("+", "-", "*", "/", "%"), _arithmetic),
    "and": _junction,
    "or": _junction,
    "not": _not,
    "is_null": _is_null,
    "between": _between,
    "in": _in,
    "like": _like,
    "ilike": _like,
    "neg": _negative,
    "||": _concatenation,
}
