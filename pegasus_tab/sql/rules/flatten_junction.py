"""AND and OR are flat and without constants: ``a AND (b AND TRUE)`` is ``a AND b``."""

from pegasus_tab.sql.column_types import BOOLEAN
from pegasus_tab.sql.expression import Call, Expression, Literal


def flatten_junction(expression: Expression) -> Expression:
    """Return a junction with nested ones of its kind dissolved, repeats and idle constants gone.

    FALSE decides an AND and TRUE decides an OR; NULL does not (``NULL AND FALSE`` is FALSE), so it
    stays.
    """
    match expression:
        case Call(function="and" | "or" as kind, arguments=arguments):
            deciding = kind == "or"
            parts: list[Expression] = []
            for one in arguments:
                nested = isinstance(one, Call) and one.function == kind
                parts.extend(one.arguments if isinstance(one, Call) and nested else (one,))
            if any(_is(part, value=deciding) for part in parts):
                return Literal(deciding, BOOLEAN)
            kept: list[Expression] = []
            for part in parts:
                if not _is(part, value=not deciding) and part not in kept[-_REPEATS_SEEN:]:
                    kept.append(part)
            if not kept:
                return Literal(not deciding, BOOLEAN)
            if len(kept) == 1:
                return kept[0]
            return expression if len(kept) == len(arguments) else Call(kind, tuple(kept), BOOLEAN)
        case _:
            pass
    return expression


_REPEATS_SEEN = 32
"""Repeats further apart stay: they cost a comparison a row, looking for them costs n squared."""


def _is(expression: Expression, *, value: bool) -> bool:
    return isinstance(expression, Literal) and expression.value is value
