"""Result types of operators, and which types go together (PostgreSQL 15, chapters 8-10)."""

from pegasus_tab.sql.column_types import BIGINT, DOUBLE, INT, INTEGERS, MOMENTS, NUMBERS, TIMESTAMP
from pegasus_tab.tabular.schema import ColumnType, Kind

_INTEGER_DIGITS = {Kind.INT: 10, Kind.BIGINT: 19}
_DIVISION_DIGITS = 10
_PRECISION_MAX = 38
_SCALE_MAX = 30


def common_type(left: ColumnType, right: ColumnType) -> ColumnType | None:
    """Return the type that values of both types can be brought to unchanged, None when none is."""
    if left == right:
        return left
    kinds = {left.kind, right.kind}
    if kinds <= MOMENTS:
        return TIMESTAMP
    if not kinds <= NUMBERS:
        return None
    if Kind.DOUBLE in kinds:
        return DOUBLE
    if kinds <= INTEGERS:
        return BIGINT
    return _decimal(max(_whole(left), _whole(right)), max(_scale(left), _scale(right)))


def comparable(left: ColumnType, right: ColumnType) -> bool:
    """Tell whether ``left < right`` has a meaning; MAPs have no order."""
    return left.kind is not Kind.MAP and common_type(left, right) is not None


def arithmetic_type(symbol: str, left: ColumnType, right: ColumnType) -> ColumnType | None:
    """Return the type of ``left symbol right`` for two numbers, None when one is no number."""
    kinds = {left.kind, right.kind}
    if not kinds <= NUMBERS:
        return None
    if Kind.DOUBLE in kinds:
        return DOUBLE
    if kinds <= INTEGERS:
        return BIGINT if Kind.BIGINT in kinds else INT
    scales = _scale(left), _scale(right)
    match symbol:
        case "*":
            return _decimal(_whole(left) + _whole(right), sum(scales))
        case "/":
            return _decimal(_whole(left) + scales[1], max(scales) + _DIVISION_DIGITS)
        case _:
            return _decimal(max(_whole(left), _whole(right)) + 1, max(scales))


def _scale(type_: ColumnType) -> int:
    return type_.scale


def _whole(type_: ColumnType) -> int:
    return _INTEGER_DIGITS.get(type_.kind, type_.precision - type_.scale)


def _decimal(whole: int, scale: int) -> ColumnType:
    # Too many digits: the fraction gives way to the whole part, as far as the column types allow.
    scale = min(scale, _SCALE_MAX, max(_PRECISION_MAX - whole, 0))
    return ColumnType(Kind.DECIMAL, min(whole + scale, _PRECISION_MAX) or 1, scale)


def castable(source: ColumnType, target: ColumnType) -> bool:
    """Tell whether CAST can do it for some value; the value itself may still not fit."""
    if source.kind is target.kind or Kind.TEXT in (source.kind, target.kind):
        return Kind.MAP not in (source.kind, target.kind) or source.kind is target.kind
    kinds = {source.kind, target.kind}
    return kinds <= NUMBERS | {Kind.BOOLEAN} or kinds <= MOMENTS or kinds == {Kind.BLOB, Kind.UUID}
