"""How functions are bound: argument counts and types, result types."""

from collections.abc import Callable

from pegasus_tab.base.errors import NotSupportedError, ProgrammingError
from pegasus_tab.sql.bind_expression import Binder, Rule, boolean, is_interval, type_of
from pegasus_tab.sql.bind_operators import OPERATOR_RULES, compared, exactly
from pegasus_tab.sql.column_types import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    INT,
    INTEGERS,
    NUMBERS,
    TEXT,
    TIMESTAMP,
)
from pegasus_tab.sql.expression import Call, Expression, Literal, TtlOf
from pegasus_tab.sql.function_names import ARGUMENT_COUNTS, unknown_function
from pegasus_tab.sql.place import at
from pegasus_tab.sql.scope import Scope
from pegasus_tab.sql.suggest import nearest
from pegasus_tab.sql.terms import Apply, Constant, Name, Term, place_of
from pegasus_tab.sql.type_rules import common_type
from pegasus_tab.tabular.schema import ColumnType, Kind

TRUNCATION_UNITS = (
    "microseconds milliseconds second minute hour day week month quarter year decade".split()
)
EXTRACT_UNITS = (
    "microseconds milliseconds second minute hour day month quarter year decade century "
    "dow isodow doy week isoyear epoch".split()
)


def _check_count(term: Apply) -> None:
    fewest, most = ARGUMENT_COUNTS[term.function]
    if fewest <= len(term.arguments) <= most:
        return
    wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
    raise ProgrammingError(
        f"function {term.function} takes {wanted} arguments, not {len(term.arguments)}",
        sqlstate="42883",
        **at(place_of(term)),
    )


def _typed(
    *kinds: ColumnType | str, result: Callable[[list[Expression]], ColumnType | None]
) -> Rule:
    """Return the rule of a function whose arguments have these types; ``number`` is any number."""

    def rule(binder: Binder, term: Apply) -> Expression:
        _check_count(term)
        what = f"argument of {term.function}"
        arguments = []
        for one, kind in zip(term.arguments, kinds, strict=False):
            if isinstance(kind, ColumnType):
                arguments.append(binder.bind_as(one, kind, what))
            else:
                arguments.append(_number(binder, one, what))
        return Call(term.function, tuple(arguments), result(arguments))

    return rule


def _number(binder: Binder, term: Term, what: str) -> Expression:
    bound = binder.bind(term)
    type_ = type_of(bound)
    if is_interval(bound) or (type_ is not None and type_.kind not in NUMBERS):
        raise ProgrammingError(
            f"{what} must be a number, not {type_ or 'an interval'}",
            sqlstate="42804",
            **at(place_of(term)),
        )
    return bound


def _text_or_blob(*rest: ColumnType, result: ColumnType | None = None) -> Rule:
    """Return the rule of a function over TEXT or BLOB, whose result is of the same type."""

    def rule(binder: Binder, term: Apply) -> Expression:
        _check_count(term)
        what = f"argument of {term.function}"
        first = binder.bind(term.arguments[0])
        type_ = type_of(first)
        if type_ is None or type_.kind is not Kind.BLOB:
            first = binder.bind_as(term.arguments[0], TEXT, what)
            type_ = TEXT
        others = (
            binder.bind_as(one, kind, what)
            for one, kind in zip(term.arguments[1:], rest, strict=False)
        )
        return Call(term.function, (first, *others), result or type_)

    return rule


def _rounded(arguments: list[Expression]) -> ColumnType | None:
    type_ = type_of(arguments[0])
    if type_ is None or type_.kind is not Kind.DECIMAL:
        return type_
    digits = arguments[1] if len(arguments) > 1 else Literal(0, INT)
    if not isinstance(digits, Literal) or type(digits.value) is not int:
        return type_
    scale = max(0, min(digits.value, type_.scale))
    return ColumnType(Kind.DECIMAL, min(38, type_.precision - type_.scale + scale + 1), scale)


def _same(arguments: list[Expression]) -> ColumnType | None:
    return type_of(arguments[0])


def common(
    binder: Binder, terms: tuple[Term, ...], what: str
) -> tuple[list[Expression], ColumnType | None]:
    """Bind terms that must share a type (CASE arms, COALESCE ...), casting those that differ."""
    bound = [binder.bind(term) for term in terms]
    shared: ColumnType | None = None
    for one, term in zip(bound, terms, strict=True):
        type_ = type_of(one)
        if type_ is None or _is_text_literal(term):
            continue
        joined = type_ if shared is None else common_type(shared, type_)
        if joined is None:
            raise ProgrammingError(
                f"{what} of types {shared} and {type_} cannot be matched",
                sqlstate="42804",
                **at(place_of(term)),
            )
        shared = joined
    if shared is None:
        shared = TEXT if any(_is_text_literal(term) for term in terms) else None
    if shared is None:
        return bound, None
    return [
        _brought(binder, one, shared, term) for one, term in zip(bound, terms, strict=True)
    ], shared


def _is_text_literal(term: Term) -> bool:
    return isinstance(term, Constant) and isinstance(term.value, str)


def _brought(binder: Binder, bound: Expression, type_: ColumnType, term: Term) -> Expression:
    bound = binder.retyped(bound, type_, place_of(term), term)
    if isinstance(bound, Literal):
        bound = exactly(bound, type_)
    found = type_of(bound)
    if found is None or found == type_ or {found.kind, type_.kind} <= INTEGERS:
        return bound
    return Call("cast", (bound,), type_)


def _common_function(binder: Binder, term: Apply) -> Expression:
    _check_count(term)
    arguments, type_ = common(binder, term.arguments, f"arguments of {term.function}")
    return Call(term.function, tuple(arguments), type_)


def _nullif(binder: Binder, term: Apply) -> Expression:
    _check_count(term)
    call = compared(binder, "=", *term.arguments)
    return Call("nullif", call.arguments, type_of(call.arguments[0]))


def _case(binder: Binder, term: Apply) -> Expression:
    *pairs, default = term.arguments
    conditions = [boolean(binder, one, "condition of CASE") for one in pairs[::2]]
    values, type_ = common(binder, (*pairs[1::2], default), "values of CASE")
    arguments: list[Expression] = []
    for condition, value in zip(conditions, values, strict=False):
        arguments += (condition, value)
    return Call("case", (*arguments, values[-1]), type_)


def _concat(binder: Binder, term: Apply) -> Expression:
    _check_count(term)
    arguments = tuple(binder.bind(one) for one in term.arguments)
    for one, bound in zip(term.arguments, arguments, strict=True):
        type_ = type_of(bound)
        if is_interval(bound) or (type_ is not None and type_.kind is Kind.MAP):
            raise ProgrammingError(
                "argument of concat must be a scalar", sqlstate="42804", **at(place_of(one))
            )
    return Call("concat", arguments, TEXT)


def _with_unit(units: list[str], result: Callable[[str], ColumnType]) -> Rule:
    def rule(binder: Binder, term: Apply) -> Expression:
        unit, value = term.arguments
        assert isinstance(unit, Constant)  # the front reads the unit as a word
        name = str(unit.value).lower()
        if name not in units and name.rstrip("s") in units:
            name = name.rstrip("s")
        if name not in units:
            raise ProgrammingError(
                f"{term.function} does not know the unit {unit.value!r}",
                sqlstate="22023",
                hint=nearest(name, units) or f"units are {', '.join(units)}",
                **at(unit.place),
            )
        bound = binder.retyped(binder.bind(value), TIMESTAMP, place_of(value), value)
        type_ = type_of(bound)
        if type_ is not None and type_.kind not in (Kind.TIMESTAMP, Kind.DATE):
            raise ProgrammingError(
                f"argument of {term.function} must be of type TIMESTAMP or DATE, not {type_}",
                sqlstate="42804",
                **at(place_of(value)),
            )
        return Call(term.function, (Literal(name, TEXT), bound), result(name))

    return rule


def _ttl(binder: Binder, term: Apply) -> Expression:
    _check_count(term)
    name = term.arguments[0]
    if not isinstance(name, Name):
        raise ProgrammingError(
            "TTL takes a column", sqlstate="42804", hint="write TTL(name)", **at(place_of(term))
        )
    column = binder.scope.column(name)
    table = binder.scope.table
    assert table is not None  # the scope found a column
    keys = {*table.schema.hash_key, *(part.column for part in table.schema.sort_key)}
    if column.id in keys or column.type.kind is Kind.MAP:
        raise NotSupportedError(
            f'TTL of "{column.name}" is not kept',
            hint="TTL(column) takes a column that is neither in the key nor a MAP",
            **at(name.place),
        )
    return TtlOf(column.id)


def _map(binder: Binder, term: Apply) -> Expression:
    keys = [binder.bind_as(one, TEXT, "a MAP's key") for one in term.arguments[::2]]
    values, type_ = common(binder, term.arguments[1::2], "values of a MAP")
    literals = [*keys, *values]
    map_of = ColumnType(Kind.MAP, value=type_ or TEXT)
    if all(isinstance(one, Literal) for one in literals):
        pairs = zip(keys, values, strict=True)
        return Literal({key.value: one.value for key, one in pairs}, map_of)  # type: ignore[union-attr]  # all Literal
    arguments: list[Expression] = []
    for key, value in zip(keys, values, strict=True):
        arguments += (key, value)
    return Call("map", tuple(arguments), map_of)


def _current_timestamp(_binder: Binder, term: Apply) -> Expression:
    _check_count(term)
    return Call("current_timestamp", (), TIMESTAMP)


def _misplaced(_binder: Binder, term: Apply) -> Expression:
    if term.function == "row":
        raise ProgrammingError(
            "a row can only be compared with a row",
            sqlstate="42883",
            hint="write (a, b) > (?, ?)",
            **at(place_of(term)),
        )
    raise unknown_function(term.function, term.place)


def _fixed(type_: ColumnType) -> Callable[[list[Expression]], ColumnType]:
    return lambda _arguments: type_


RULES: dict[str, Rule] = {
    **OPERATOR_RULES,
    "upper": _typed(TEXT, result=_fixed(TEXT)),
    "lower": _typed(TEXT, result=_fixed(TEXT)),
    "length": _text_or_blob(result=INT),
    "trim": _typed(TEXT, TEXT, result=_fixed(TEXT)),
    "ltrim": _typed(TEXT, TEXT, result=_fixed(TEXT)),
    "rtrim": _typed(TEXT, TEXT, result=_fixed(TEXT)),
    "substr": _text_or_blob(INT, INT),
    "replace": _typed(TEXT, TEXT, TEXT, result=_fixed(TEXT)),
    "left": _typed(TEXT, INT, result=_fixed(TEXT)),
    "right": _typed(TEXT, INT, result=_fixed(TEXT)),
    "strpos": _typed(TEXT, TEXT, result=_fixed(INT)),
    "starts_with": _typed(TEXT, TEXT, result=_fixed(BOOLEAN)),
    "reverse": _typed(TEXT, result=_fixed(TEXT)),
    "concat": _concat,
    "abs": _typed("number", result=_same),
    "sign": _typed("number", result=_fixed(INT)),
    "round": _typed("number", INT, result=_rounded),
    "trunc": _typed("number", INT, result=_rounded),
    "floor": _typed("number", result=_rounded),
    "ceil": _typed("number", result=_rounded),
    **dict.fromkeys(("sqrt", "exp", "ln", "log10"), _typed("number", result=_fixed(DOUBLE))),
    "power": _typed("number", "number", result=_fixed(DOUBLE)),
    "coalesce": _common_function,
    "greatest": _common_function,
    "least": _common_function,
    "nullif": _nullif,
    "case": _case,
    "date_trunc": _with_unit(TRUNCATION_UNITS, lambda _unit: TIMESTAMP),
    "extract": _with_unit(EXTRACT_UNITS, lambda unit: DOUBLE if unit == "epoch" else BIGINT),
    "current_timestamp": _current_timestamp,
    "ttl": _ttl,
    "map": _map,
    "row": _misplaced,
    "count": _misplaced,
}
"""Every function and operator a front can make, and how it is bound."""


def binder_for(scope: Scope) -> Binder:
    """Return a binder over ``scope`` with every rule in place."""
    return Binder(scope, RULES)
