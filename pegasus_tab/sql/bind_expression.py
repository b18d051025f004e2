"""Terms to bound expressions: names resolved, types inferred and checked, literals fitted.

A literal in quotes and a placeholder have no type of their own: they take the one their neighbour
asks for (``at > '2013-01-01'`` compares timestamps). A comparison keeps a literal that the column's
type cannot hold unchanged (``age = 1.5``) as the number it is, so that its answer stays right.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeAlias

from pegasus_tab.base.errors import DataError, ProgrammingError
from pegasus_tab.sql.column_types import BIGINT, BOOLEAN, NUMBERS, TEXT
from pegasus_tab.sql.expression import (
    Call,
    ColumnRef,
    Expression,
    Literal,
    MapItem,
    Parameter,
    TtlOf,
)
from pegasus_tab.sql.literals import constant_type, fitted
from pegasus_tab.sql.place import Place, at
from pegasus_tab.sql.scope import Scope
from pegasus_tab.sql.terms import (
    Apply,
    Constant,
    Convert,
    Default,
    Item,
    Name,
    Placeholder,
    Term,
    place_of,
)
from pegasus_tab.sql.type_rules import castable, common_type
from pegasus_tab.tabular.schema import ColumnType, Kind

Rule: TypeAlias = Callable[["Binder", Apply], Expression]


class Binder:
    """Binds the terms of one statement against one scope.

    Args:
        scope: the columns that names can mean.
        rules: function name -> how its calls are bound (``binding.RULES``).
    """

    def __init__(self, scope: Scope, rules: dict[str, Rule]) -> None:
        self.scope = scope
        self._rules = rules

    def bind(self, term: Term) -> Expression:
        """Return the bound expression of a term.

        Raises:
            ProgrammingError: 42703 unknown column, 42804 wrong type, 42883 no such function.
            DataError: a literal that does not read as the type it must have.
        """
        match term:
            case Name():
                column = self.scope.column(term)
                return ColumnRef(column.id, column.type)
            case Constant(value=value):
                return Literal(value, constant_type(value))
            case Placeholder(index=index):
                return Parameter(index)
            case Item():
                return self.map_item(term)
            case Convert():
                return self._convert(term)
            case Apply(function=function):
                return self._rules[function](self, term)
            case Default():
                raise ProgrammingError(
                    "DEFAULT stands alone, as a value of INSERT or UPDATE",
                    sqlstate="42601",
                    **at(term.place),
                )

    def bind_as(self, term: Term, type_: ColumnType, what: str) -> Expression:
        """Bind a term that must be of ``type_``; numbers may be of any number type.

        Args:
            term: what to bind.
            type_: what its place asks for.
            what: who asks, for the error: ``argument of AND``.
        """
        bound = self.retyped(self.bind(term), type_, place_of(term), term)
        found = type_of(bound)
        if found is None or found.kind is type_.kind or {found.kind, type_.kind} <= NUMBERS:
            return bound
        raise ProgrammingError(
            f"{what} must be of type {type_}, not {found}",
            sqlstate="42804",
            **at(place_of(term)),
        )

    def assigned(self, term: Term, type_: ColumnType, column: str) -> Expression:
        """Bind a value that is stored in a column of ``type_``, cast where PostgreSQL casts.

        Raises:
            ProgrammingError: 42804, a value of another kind.
            DataError: a literal that does not fit, at its place.
        """
        bound = self.bind(term)
        place = place_of(term)
        match bound:
            case Literal(value=None):
                return Literal(None, type_)
            case Literal(value=value) if isinstance(term, Constant):
                return Literal(fitted(value, type_, place), type_)
            case Parameter(index=index):
                return Parameter(index, type_)
            case _:
                pass
        found = type_of(bound)
        if found is None or found == type_:
            return bound
        if found.kind is type_.kind or common_type(found, type_) is not None:
            return Call("cast", (bound,), type_)
        raise ProgrammingError(
            f'column "{column}" is of type {type_}, the value of type {found}',
            sqlstate="42804",
            hint=f"write CAST(... AS {type_})" if castable(found, type_) else None,
            **at(place),
        )

    def retyped(
        self, bound: Expression, type_: ColumnType, place: Place | None, term: Term
    ) -> Expression:
        """Give an untyped literal or parameter the type its place asks for."""
        if isinstance(bound, Parameter) and bound.type is None:
            return Parameter(bound.index, type_)
        if not isinstance(bound, Literal) or not isinstance(term, Constant):
            return bound
        if bound.value is None:
            return Literal(None, type_)
        if isinstance(bound.value, str) and type_.kind is not Kind.TEXT:
            return Literal(fitted(bound.value, type_, place), type_)
        return bound

    def map_item(self, term: Item) -> MapItem:
        """Bind ``column['key']``."""
        column = self.scope.column(term.base)
        if column.type.kind is not Kind.MAP or column.type.value is None:
            raise ProgrammingError(
                f'column "{column.name}" is of type {column.type}, not a MAP',
                sqlstate="42804",
                **at(term.base.place),
            )
        key = self.bind_as(term.key, TEXT, "a MAP's key")
        return MapItem(column.id, key, column.type.value)

    def _convert(self, term: Convert) -> Expression:
        inner = term.term
        bound = self.bind(inner)
        place = place_of(term)
        match bound:
            case Literal(value=None):
                return Literal(None, term.type)
            case Literal(value=str() as text) if isinstance(inner, Constant):
                return Literal(fitted(text, term.type, place), term.type)
            case Parameter(index=index):
                return Parameter(index, term.type)
            case _:
                pass
        found = type_of(bound)
        if found == term.type:
            return bound
        if found is None or castable(found, term.type):
            return Call("cast", (bound,), term.type)
        raise ProgrammingError(f"cannot cast {found} to {term.type}", sqlstate="42846", **at(place))


def type_of(expression: Expression) -> ColumnType | None:
    """Return an expression's type, None when it is only known at execution."""
    return BIGINT if isinstance(expression, TtlOf) else expression.type


def is_interval(expression: Expression) -> bool:
    """Tell whether an expression is an INTERVAL literal."""
    return isinstance(expression, Literal) and isinstance(expression.value, timedelta)


def boolean(binder: Binder, term: Term, what: str) -> Expression:
    """Bind a condition."""
    return binder.bind_as(term, BOOLEAN, what)


def seconds(binder: Binder, term: Term) -> Expression:
    """Bind a time to live: whole seconds, an interval, or a parameter.

    Raises:
        ProgrammingError: 42804, something else.
        DataError: 22023, not positive.
    """
    bound = binder.bind(term)
    place = place_of(term)
    if isinstance(bound, Parameter):
        return Parameter(bound.index, BIGINT)
    value = bound.value if isinstance(bound, Literal) else None
    if isinstance(value, timedelta):
        value = int(value.total_seconds())
    if type(value) is not int:
        raise ProgrammingError(
            "a time to live is a number of seconds, an INTERVAL or a parameter",
            sqlstate="42804",
            **at(place),
        )
    if not 0 < value <= TTL_SECONDS_MAX:
        raise DataError(
            f"a time to live is 1 to {TTL_SECONDS_MAX} seconds",
            sqlstate="22023",
            hint="leave USING TTL out to keep the row for good",
            **at(place),
        )
    return Literal(value, BIGINT)


TTL_SECONDS_MAX = 2**31 - 1
"""Requests carry the time to live as a signed 32-bit number (protocol reference 6)."""
