"""The one table from a function's name to its meaning on Python values.

Strict and lenient as in strict.py. Operators are in operators.py, the forms that decide which
arguments to evaluate at all (AND, CASE, COALESCE ...) in logic.py.
"""

from collections.abc import Callable
from typing import Any

from pegasus_tab.execute import number_functions, text_functions, time_functions
from pegasus_tab.execute.operators import comparison

STRICT: dict[str, Callable[..., Any]] = {
    **text_functions.STRICT,
    **number_functions.STRICT,
    **time_functions.STRICT,
}

_equal = comparison("=", None, None)
_less = comparison("<", None, None)


def _nullif(value: Any, other: Any) -> Any:
    if value is None or other is None:
        return value
    return None if _equal(value, other) else value


def _extreme(*, smallest: bool) -> Callable[..., Any]:
    # PostgreSQL 9.18.4: NULLs are ignored, the result is NULL only when all are.
    def evaluate(*values: Any) -> Any:
        best: Any = None
        for value in values:
            if value is not None and (best is None or _less(value, best) is smallest):
                best = value
        return best

    return evaluate


LENIENT: dict[str, Callable[..., Any]] = {
    **text_functions.LENIENT,
    "nullif": _nullif,
    "greatest": _extreme(smallest=False),
    "least": _extreme(smallest=True),
}
