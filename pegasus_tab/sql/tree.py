"""Walking and rebuilding bound expressions."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from pegasus_tab.sql.expression import (
    Call,
    ColumnRef,
    Expression,
    Literal,
    MapItem,
    Parameter,
    TtlOf,
)


def walk(expression: Expression) -> Iterator[Expression]:
    """Yield the expression and everything below it, parents first."""
    yield expression
    if isinstance(expression, Call):
        for argument in expression.arguments:
            yield from walk(argument)
    elif isinstance(expression, MapItem):
        yield from walk(expression.key)


def transform(expression: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """Return the expression rebuilt from its leaves up, each node passed through ``change``."""
    if isinstance(expression, Call):
        arguments = tuple(transform(one, change) for one in expression.arguments)
        if any(new is not old for new, old in zip(arguments, expression.arguments, strict=True)):
            expression = replace(expression, arguments=arguments)
    elif isinstance(expression, MapItem):
        key = transform(expression.key, change)
        if key is not expression.key:
            expression = replace(expression, key=key)
    return change(expression)


def columns_of(expression: Expression) -> set[int]:
    """Return the ids of the columns an expression reads; TTL reads none."""
    return {node.column for node in walk(expression) if isinstance(node, ColumnRef | MapItem)}


def is_constant(expression: Expression) -> bool:
    """Tell whether an expression is the same for every row of one execution."""
    return not any(isinstance(node, ColumnRef | MapItem | TtlOf) for node in walk(expression))


def is_atom(expression: Expression) -> bool:
    """Tell whether an expression is a literal or a parameter."""
    return isinstance(expression, Literal | Parameter)


def conjuncts(expression: Expression | None) -> tuple[Expression, ...]:
    """Return the parts of a top-level AND; none for None."""
    if expression is None:
        return ()
    if isinstance(expression, Call) and expression.function == "and":
        return expression.arguments
    return (expression,)
