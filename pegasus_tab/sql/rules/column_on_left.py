"""A comparison has its column on the left: ``5 < a`` is ``a > 5``."""

from pegasus_tab.sql.expression import Call, ColumnRef, Expression
from pegasus_tab.sql.tree import is_constant

_MIRRORED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def column_on_left(expression: Expression) -> Expression:
    """Return a comparison of a constant with a column turned round."""
    match expression:
        case Call(function=symbol, arguments=(left, ColumnRef() as right), type=type_) if (
            symbol in _MIRRORED and not isinstance(left, ColumnRef) and is_constant(left)
        ):
            return Call(_MIRRORED[symbol], (right, left), type_)
    return expression
