"""An exact number column against a number it cannot hold: ``a > 1.5`` is ``a > 1`` for an INT.

So that the comparison can be a key range or a storage filter. Where no value of the column makes the
comparison true (``a = 1.5``, ``a > 3000000000`` for an INT), it becomes FALSE for rows with a value
and stays NULL for rows without: ``a <> a``; the other way round ``a = a``.
"""

from decimal import ROUND_FLOOR, Context, Decimal

from pegasus_tab.sql.column_types import BOOLEAN
from pegasus_tab.sql.expression import Call, ColumnRef, Expression, Literal
from pegasus_tab.tabular.schema import ColumnType, Kind

_BITS = {Kind.INT: 31, Kind.BIGINT: 63}
_EXACT = (Kind.INT, Kind.BIGINT, Kind.DECIMAL)
_WIDE = Context(prec=500)
"""Holds every literal (NUMBER_CHARACTERS_MAX digits) beside every scale."""


def narrow_comparison(expression: Expression) -> Expression:
    """Return a comparison of an INT, BIGINT or DECIMAL column with a value of its own type."""
    match expression:
        case Call(
            function="=" | "<>" | "<" | "<=" | ">" | ">=" as symbol,
            arguments=(ColumnRef() as column, Literal(value=value) as literal),
        ) if column.type.kind in _EXACT and literal.type != column.type:
            if isinstance(value, int | Decimal) and not isinstance(value, bool):
                return _narrowed(symbol, column, Decimal(value))
        case _:
            pass
    return expression


def _narrowed(symbol: str, column: ColumnRef, value: Decimal) -> Expression:
    quantum = Decimal(1).scaleb(-column.type.scale)
    floor = value.quantize(quantum, ROUND_FLOOR, _WIDE)
    whole = floor == value
    lowest, highest = _limits(column.type)
    if symbol in ("=", "<>"):
        if whole and lowest <= floor <= highest:
            return _compared(symbol, column, floor)
        return _same(column, always=symbol == "<>")
    if not whole:
        # Nothing lies between floor and the next value: > and >= mean > floor, < and <= mean <= floor.
        symbol = {">": ">", ">=": ">", "<": "<=", "<=": "<="}[symbol]
    if floor > highest:
        return _same(column, always=symbol in ("<", "<="))
    if floor < lowest:
        return _same(column, always=symbol in (">", ">="))
    return _compared(symbol, column, floor)


def _limits(type_: ColumnType) -> tuple[Decimal, Decimal]:
    if type_.kind is Kind.DECIMAL:
        highest = Decimal(10**type_.precision - 1).scaleb(-type_.scale, _WIDE)
        return -highest, highest
    limit = Decimal(1 << _BITS[type_.kind])
    return -limit, limit - 1


def _compared(symbol: str, column: ColumnRef, value: Decimal) -> Expression:
    fitted = value if column.type.kind is Kind.DECIMAL else int(value)
    return Call(symbol, (column, Literal(fitted, column.type)), BOOLEAN)


def _same(column: ColumnRef, *, always: bool) -> Expression:
    return Call("=" if always else "<>", (column, column), BOOLEAN)
