"""NOT moves to the leaves: ``NOT (a = 1 OR b IS NULL)`` is ``a <> 1 AND b IS NOT NULL``."""

from pegasus_tab.sql.column_types import BOOLEAN
from pegasus_tab.sql.expression import Call, Expression

_OPPOSITES = {
    "=": "<>",
    "<>": "=",
    "<": ">=",
    "<=": ">",
    ">": "<=",
    ">=": "<",
    "is_null": "is_not_null",
    "is_not_null": "is_null",
}
_DUALS = {"and": "or", "or": "and"}


def push_not_down(expression: Expression) -> Expression:
    """Return ``NOT x`` with the negation inside ``x`` where three-valued logic has a form for it.

    A comparison with NULL is NULL either way, so the opposite comparison is the exact negation;
    NOT IN and NOT LIKE stay as they are.
    """
    match expression:
        case Call(function="not", arguments=(Call(function="not", arguments=(inner,)),)):
            return inner
        case Call(function="not", arguments=(Call(function=name, arguments=parts),)):
            if name in _OPPOSITES:
                return Call(_OPPOSITES[name], parts, BOOLEAN)
            if name in _DUALS:
                negated = tuple(push_not_down(Call("not", (part,), BOOLEAN)) for part in parts)
                return Call(_DUALS[name], negated, BOOLEAN)
        case _:
            pass
    return expression
