"""IN lists without repeats; ``a IN (1)`` is ``a = 1``."""

from pegasus_tab.sql.column_types import BOOLEAN
from pegasus_tab.sql.expression import Call, Expression, Literal


def simplify_in(expression: Expression) -> Expression:
    """Return an IN with each literal and parameter once, or the equality it amounts to."""
    match expression:
        case Call(function="in", arguments=(needle, *members)):
            if isinstance(needle, Literal) and needle.value is None:
                return Literal(None, BOOLEAN)
            kept = list(dict.fromkeys(members)) if _hashable(members) else members
            if len(kept) == 1:
                return Call("=", (needle, kept[0]), BOOLEAN)
            if len(kept) < len(members):
                return Call("in", (needle, *kept), BOOLEAN)
        case _:
            pass
    return expression


def _hashable(members: list[Expression]) -> bool:
    # A MAP literal is a dict, which the binder refuses to compare; nothing else is unhashable.
    return not any(isinstance(one, Literal) and isinstance(one.value, dict) for one in members)
