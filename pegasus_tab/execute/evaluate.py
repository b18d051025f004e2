"""Compiles bound expressions into closures over one row: SQL's NULL logic on Python values.

An evaluator is called as ``evaluate(row, bindings)``; the row is a tuple whose places the *shape*
names. The tree is walked once, at compile time: what remains at run time is one closure a node,
with the operator chosen by the operands' static types.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from pegasus_tab.base.errors import NotSupportedError
from pegasus_tab.base.record import record
from pegasus_tab.execute import functions
from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.casts import cast_to
from pegasus_tab.execute.logic import FORMS, conjunction, disjunction
from pegasus_tab.execute.operators import (
    COMPARISON_SYMBOLS,
    arithmetic,
    comparison,
    fitted,
    negation,
)
from pegasus_tab.execute.strict import Evaluator, Row, lenient, strict
from pegasus_tab.execute.text_functions import concatenate
from pegasus_tab.sql.expression import (
    Call,
    ColumnRef,
    Expression,
    Literal,
    MapItem,
    Parameter,
    TtlOf,
)
from pegasus_tab.tabular.like import matcher
from pegasus_tab.tabular.schema import ColumnType, Kind
from pegasus_tab.tabular.value import coercion


@record
class RowShape:
    """Where a row tuple holds what.

    Attributes:
        columns: column id -> place in the tuple.
        ttl: column id -> place of the seconds its family has to live (None: never expires).
    """

    columns: Mapping[int, int]
    ttl: Mapping[int, int] = field(default_factory=dict)


PYTHON_TYPES: dict[Kind, type] = {
    Kind.BOOLEAN: bool,
    Kind.INT: int,
    Kind.BIGINT: int,
    Kind.DOUBLE: float,
    Kind.DECIMAL: Decimal,
    Kind.TEXT: str,
    Kind.BLOB: bytes,
    Kind.TIMESTAMP: datetime,
    Kind.DATE: date,
    Kind.UUID: UUID,
    Kind.MAP: dict,
}
"""The class of the values of each kind (the forms of tabular/value.py)."""

NO_ROW = RowShape({})
"""The shape for expressions that may hold parameters but no columns (keys, LIMIT, VALUES)."""


def compile_expression(expression: Expression, shape: RowShape = NO_ROW) -> Evaluator:
    """Return the evaluator of ``expression`` for rows of ``shape``.

    Args:
        expression: a bound expression; its columns must all be in ``shape``.
        shape: where rows hold their columns.

    Returns:
        A function of (row, bindings) that gives the value, None for NULL. It raises DataError for
        values the expression does not apply to (22012 division by zero, 22003 out of range ...).

    Raises:
        NotSupportedError: the expression uses a function that has no meaning here.
    """
    match expression:
        case Literal(value=value):
            return lambda _row, _bindings: value
        case Parameter(index=index, type=type_):
            return _parameter(index, type_)
        case ColumnRef(column=column):
            place = shape.columns[column]
            return lambda row, _bindings: row[place]
        case TtlOf(column=column):
            place = shape.ttl[column]
            return lambda row, _bindings: row[place]
        case MapItem(column=column, key=key):
            return _map_item(shape.columns[column], compile_expression(key, shape))
        case Call():
            return _call(
                expression, [compile_expression(part, shape) for part in expression.arguments]
            )


def compile_predicate(conjuncts: Sequence[Expression], shape: RowShape) -> Evaluator | None:
    """Return one evaluator that is True only when every conjunct is, None for no conjuncts."""
    if not conjuncts:
        return None
    parts = [compile_expression(part, shape) for part in conjuncts]
    return parts[0] if len(parts) == 1 else conjunction(parts)


def type_of(expression: Expression) -> ColumnType | None:
    """Return the static type of an expression, None when only known at run time."""
    return None if isinstance(expression, TtlOf) else expression.type


def _parameter(index: int, type_: ColumnType | None) -> Evaluator:
    if type_ is None:
        return lambda _row, bindings: bindings.parameters[index]
    expected, coerce = PYTHON_TYPES[type_.kind], coercion(type_)

    def evaluate(_row: Row, bindings: Bindings) -> Any:
        value = bindings.parameters[index]
        # Binding has brought it into form, unless it stands in places of several types.
        return value if type(value) is expected or value is None else coerce(value)

    return evaluate


def _map_item(place: int, key: Evaluator) -> Evaluator:
    def evaluate(row: Row, bindings: Bindings) -> Any:
        cells = row[place]
        return None if cells is None else cells.get(key(row, bindings))

    return evaluate


# ---- calls --------------------------------------------------------------------------------------


def _call(call: Call, arguments: list[Evaluator]) -> Evaluator:
    name = call.function
    if name in FORMS:
        return FORMS[name](arguments)
    if name in _TYPED:
        return _TYPED[name](call, arguments)
    if name in functions.STRICT:
        return strict(name, fitted(functions.STRICT[name], call.type), arguments)
    if name in functions.LENIENT:
        return lenient(functions.LENIENT[name], arguments)
    raise NotSupportedError(f"function {name} is not supported here")


def _comparison(call: Call, arguments: list[Evaluator]) -> Evaluator:
    types = [type_of(argument) for argument in call.arguments]
    return strict(call.function, comparison(call.function, types[0], types[1]), arguments)


def _arithmetic(call: Call, arguments: list[Evaluator]) -> Evaluator:
    return strict(call.function, arithmetic(call.function, call.type), arguments)


def _negation(call: Call, arguments: list[Evaluator]) -> Evaluator:
    return strict("-", negation(call.type), arguments)


def _cast(call: Call, arguments: list[Evaluator]) -> Evaluator:
    assert call.type is not None  # the binder gives every CAST its target
    return strict("cast", cast_to(call.type), arguments)


def _map(_call: Call, arguments: list[Evaluator]) -> Evaluator:
    pairs = list(zip(arguments[::2], arguments[1::2], strict=True))

    def evaluate(row: Row, bindings: Bindings) -> dict[str, Any]:
        return {key(row, bindings): value(row, bindings) for key, value in pairs}

    return evaluate


def _now(_call: Call, _arguments: list[Evaluator]) -> Evaluator:
    return lambda _row, bindings: bindings.now


def _in(call: Call, arguments: list[Evaluator]) -> Evaluator:
    needle, *members = arguments
    types = [type_of(argument) for argument in call.arguments]
    values = [part.value for part in call.arguments[1:] if isinstance(part, Literal)]
    if len(values) == len(members) and len(set(types)) == 1:
        return _in_literals(needle, values)
    equals = [
        strict("in", comparison("=", types[0], kind), (needle, member))
        for member, kind in zip(members, types[1:], strict=True)
    ]
    return disjunction(equals)


def _in_literals(needle: Evaluator, values: list[Any]) -> Evaluator:
    members = frozenset(value for value in values if value is not None)
    absent = None if None in values else False

    def evaluate(row: Row, bindings: Bindings) -> bool | None:
        value = needle(row, bindings)
        if value is None:
            return None
        return True if value in members else absent

    return evaluate


def _like(call: Call, arguments: list[Evaluator]) -> Evaluator:
    compiled = partial(matcher, ignore_case=call.function == "ilike")
    pattern = call.arguments[1]
    if isinstance(pattern, Literal) and isinstance(pattern.value, str):
        return strict(call.function, compiled(pattern.value).matches, arguments[:1])
    return strict(call.function, lambda text, mask: compiled(mask).matches(text), arguments)


_TYPED: dict[str, Callable[[Call, list[Evaluator]], Evaluator]] = {
    **dict.fromkeys(COMPARISON_SYMBOLS, _comparison),
    **dict.fromkeys("+-*/%", _arithmetic),
    "neg": _negation,
    "||": lambda _call, arguments: strict("||", concatenate, arguments),
    "in": _in,
    "like": _like,
    "ilike": _like,
    "cast": _cast,
    "map": _map,
    "current_timestamp": _now,
}
