"""Scalar functions on numbers: PostgreSQL's meaning and errors (section 9.3), strict in NULL."""

import math
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

from pegasus_tab.base.errors import DataError
from pegasus_tab.execute.operators import EXACT

DIGITS_MAX = 400
"""No DOUBLE has more digits before or after its point, so rounding further changes nothing."""


def _scaled(value: Any, digits: int, rounding: str) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return value
    digits = max(-DIGITS_MAX, min(digits, DIGITS_MAX))
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -digits:
        return value
    rounded = number.quantize(Decimal(1).scaleb(-digits), rounding, EXACT)
    if isinstance(value, float):
        return math.copysign(float(rounded), value)
    if isinstance(value, int):
        return int(rounded)
    return rounded if digits >= 0 else rounded.quantize(Decimal(1), context=EXACT)


def _round(value: Any, digits: int = 0) -> Any:
    return _scaled(value, digits, ROUND_HALF_UP)


def _truncate(value: Any, digits: int = 0) -> Any:
    return _scaled(value, digits, ROUND_DOWN)


def _ceiling(value: Any) -> Any:
    return _scaled(value, 0, ROUND_CEILING)


def _floor(value: Any) -> Any:
    return _scaled(value, 0, ROUND_FLOOR)


def _absolute(value: Any) -> Any:
    # abs() would round a long decimal to the thread's context.
    return value.copy_abs() if isinstance(value, Decimal) else abs(value)


def _sign(value: Any) -> int:
    return int(value > 0) - int(value < 0)


def _square_root(value: Any) -> float:
    if value < 0:
        raise DataError("cannot take the square root of a negative number", sqlstate="2201F")
    return math.sqrt(value)


def _logarithm(of: Callable[[float], float]) -> Callable[[Any], float]:
    def evaluate(value: Any) -> float:
        if value <= 0:
            raise DataError("cannot take the logarithm of a number <= 0", sqlstate="2201E")
        return of(value)

    return evaluate


def _power(base: Any, exponent: Any) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        raise DataError("DOUBLE out of range", sqlstate="22003") from None
    except ValueError:
        raise DataError(f"power({base}, {exponent}) has no real value", sqlstate="2201F") from None


def _exponential(value: Any) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        raise DataError("DOUBLE out of range", sqlstate="22003") from None


STRICT: dict[str, Callable[..., Any]] = {
    "abs": _absolute,
    "ceil": _ceiling,
    "floor": _floor,
    "round": _round,
    "trunc": _truncate,
    "sign": _sign,
    "sqrt": _square_root,
    "power": _power,
    "exp": _exponential,
    "ln": _logarithm(math.log),
    "log10": _logarithm(math.log10),
}
