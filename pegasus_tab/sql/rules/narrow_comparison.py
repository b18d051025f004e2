"""An integer column against a number it cannot hold: ``a > 1.5`` is ``a > 1``.

So that the comparison can be a key range or a storage filter. Where no integer makes the comparison
true (``a = 1.5``, ``a > 3000000000`` for an INT), it becomes FALSE for rows with a value and stays
NULL for rows without: ``a <> a``; the other way round ``a = a``.
"""

import math
from decimal import Decimal

from pegasus_tab.sql.column_types import BOOLEAN, INTEGERS
from pegasus_tab.sql.expression import Call, ColumnRef, Expression, Literal
from pegasus_tab.tabular.schema import ColumnType, Kind

_LIMITS = {Kind.INT: 1 << 31, Kind.BIGINT: 1 << 63}


def narrow_comparison(expression: Expression) -> Expression:
    """Return a comparison of an integer column with a literal of the column's own type."""
    match expression:
        case Call(
            function="=" | "<>" | "<" | "<=" | ">" | ">=" as symbol,
            arguments=(ColumnRef(type=ColumnType(kind=kind)) as column, Literal() as literal),
        ) if kind in INTEGERS and literal.type != column.type:
            if isinstance(literal.value, int | Decimal | float):
                return _narrowed(symbol, column, literal.value)
    return expression


def _narrowed(symbol: str, column: ColumnRef, value: float | Decimal) -> Expression:
    if isinstance(value, bool) or not math.isfinite(value):
        return Call(symbol, (column, Literal(value, None)), BOOLEAN)
    limit = _LIMITS[column.type.kind]
    floor = math.floor(value)
    whole = floor == value
    if symbol in ("=", "<>"):
        if whole and -limit <= floor < limit:
            return Call(symbol, (column, Literal(floor, column.type)), BOOLEAN)
        return _same(column, always=symbol == "<>")
    # Between floor and floor + 1 there is no integer: > and >= both mean > floor, < and <= both <= floor.
    if not whole:
        symbol = {">": ">", ">=": ">", "<": "<=", "<=": "<="}[symbol]
    if floor >= limit:
        return _same(column, always=symbol in ("<", "<="))
    if floor < -limit:
        return _same(column, always=symbol in (">", ">="))
    return Call(symbol, (column, Literal(floor, column.type)), BOOLEAN)


def _same(column: ColumnRef, *, always: bool) -> Expression:
    return Call("=" if always else "<>", (column, column), BOOLEAN)
