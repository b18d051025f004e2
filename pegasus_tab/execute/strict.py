"""The calling convention of compiled expressions, and the wrappers that keep NULL out of functions.

A *strict* function is NULL when any argument is NULL and is never called then; a *lenient* one sees
the NULLs as None.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from pegasus_tab.base.errors import DataError
from pegasus_tab.execute.bindings import Bindings

Row: TypeAlias = Sequence[Any]
Evaluator: TypeAlias = Callable[[Row, Bindings], Any]

# What a Python function raises on values it was not made for; our own errors pass through.
_MISAPPLIED = (TypeError, ValueError, ArithmeticError, AttributeError)


def strict(name: str, apply: Callable[..., Any], arguments: Sequence[Evaluator]) -> Evaluator:
    """Return the evaluator of a strict function; ``name`` is for its errors (DataError 42883)."""
    match arguments:
        case [one]:
            return _unary(name, apply, one)
        case [one, other]:
            return _binary(name, apply, one, other)
        case _:
            return _any(name, apply, arguments)


def lenient(apply: Callable[..., Any], arguments: Sequence[Evaluator]) -> Evaluator:
    """Return the evaluator of a function that takes NULLs as None."""
    return lambda row, bindings: apply(*[argument(row, bindings) for argument in arguments])


def _misapplied(name: str, values: Sequence[Any], cause: Exception) -> DataError:
    kinds = ", ".join(type(value).__name__ for value in values)
    return DataError(f"{name} does not apply to ({kinds}): {cause}", sqlstate="42883")


def _unary(name: str, apply: Callable[..., Any], argument: Evaluator) -> Evaluator:
    def evaluate(row: Row, bindings: Bindings) -> Any:
        value = argument(row, bindings)
        if value is None:
            return None
        try:
            return apply(value)
        except _MISAPPLIED as error:
            raise _misapplied(name, (value,), error) from None

    return evaluate


def _binary(name: str, apply: Callable[..., Any], one: Evaluator, other: Evaluator) -> Evaluator:
    def evaluate(row: Row, bindings: Bindings) -> Any:
        left = one(row, bindings)
        if left is None:
            return None
        right = other(row, bindings)
        if right is None:
            return None
        try:
            return apply(left, right)
        except _MISAPPLIED as error:
            raise _misapplied(name, (left, right), error) from None

    return evaluate


def _any(name: str, apply: Callable[..., Any], arguments: Sequence[Evaluator]) -> Evaluator:
    def evaluate(row: Row, bindings: Bindings) -> Any:
        values = [argument(row, bindings) for argument in arguments]
        if any(value is None for value in values):
            return None
        try:
            return apply(*values)
        except _MISAPPLIED as error:
            raise _misapplied(name, values, error) from None

    return evaluate
