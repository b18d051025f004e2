"""Forms that decide which arguments to evaluate: three-valued AND, OR, NOT, CASE, COALESCE.

SQL:2016 6.39: FALSE wins over NULL in AND, TRUE wins over NULL in OR. Evaluation goes left to right
and stops at the winner.
"""

from collections.abc import Callable, Sequence
from typing import Any

from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.strict import Evaluator, Row


def conjunction(arguments: Sequence[Evaluator]) -> Evaluator:
    """AND of all arguments."""

    def evaluate(row: Row, bindings: Bindings) -> bool | None:
        outcome: bool | None = True
        for argument in arguments:
            value = argument(row, bindings)
            if value is False:
                return False
            if value is None:
                outcome = None
        return outcome

    return evaluate


def disjunction(arguments: Sequence[Evaluator]) -> Evaluator:
    """OR of all arguments."""

    def evaluate(row: Row, bindings: Bindings) -> bool | None:
        outcome: bool | None = False
        for argument in arguments:
            value = argument(row, bindings)
            if value is True:
                return True
            if value is None:
                outcome = None
        return outcome

    return evaluate


def _not(arguments: Sequence[Evaluator]) -> Evaluator:
    (argument,) = arguments

    def evaluate(row: Row, bindings: Bindings) -> bool | None:
        value = argument(row, bindings)
        return None if value is None else not value

    return evaluate


def _is_null(arguments: Sequence[Evaluator]) -> Evaluator:
    (argument,) = arguments
    return lambda row, bindings: argument(row, bindings) is None


def _is_not_null(arguments: Sequence[Evaluator]) -> Evaluator:
    (argument,) = arguments
    return lambda row, bindings: argument(row, bindings) is not None


def _coalesce(arguments: Sequence[Evaluator]) -> Evaluator:
    def evaluate(row: Row, bindings: Bindings) -> Any:
        for argument in arguments:
            value = argument(row, bindings)
            if value is not None:
                return value
        return None

    return evaluate


def _case(arguments: Sequence[Evaluator]) -> Evaluator:
    *pairs, otherwise = arguments
    branches = list(zip(pairs[::2], pairs[1::2], strict=True))

    def evaluate(row: Row, bindings: Bindings) -> Any:
        for condition, value in branches:
            if condition(row, bindings) is True:
                return value(row, bindings)
        return otherwise(row, bindings)

    return evaluate


FORMS: dict[str, Callable[[Sequence[Evaluator]], Evaluator]] = {
    "and": conjunction,
    "or": disjunction,
    "not": _not,
    "is_null": _is_null,
    "is_not_null": _is_not_null,
    "coalesce": _coalesce,
    "case": _case,
}
