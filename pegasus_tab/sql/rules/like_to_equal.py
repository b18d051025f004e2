"""LIKE without a wildcard is equality: ``name LIKE 'ann'`` is ``name = 'ann'``."""

from pegasus_tab.sql.column_types import BOOLEAN, TEXT
from pegasus_tab.sql.expression import Call, Expression, Literal


def like_to_equal(expression: Expression) -> Expression:
    """Return an equality for a LIKE whose literal pattern has no wildcard and no escape."""
    match expression:
        case Call(function="like", arguments=(value, Literal(value=str() as pattern))) if not (
            set(pattern) & set("%_\\")
        ):
            return Call("=", (value, Literal(pattern, TEXT)), BOOLEAN)
    return expression
