"""Types that are stored as integers: DECIMAL as its unscaled digits, time as counts from 1970."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from pegasus_tab.tabular.number_value import DECIMAL_CONTEXT
from pegasus_tab.tabular.schema import ColumnType

TIMESTAMP_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 -- naive means UTC in this layer
DATE_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


def unscaled(value: Decimal, type_: ColumnType) -> int:
    """Return the DECIMAL's digits as an integer: 1.50 at scale 2 is 150.

    Raises:
        ValueError: the value needs rounding or has too many digits.
    """
    scaled = DECIMAL_CONTEXT.scaleb(value, type_.scale)
    number = int(scaled)
    if number != scaled or abs(number) >= 10**type_.precision:
        raise ValueError
    return number


def decimal_of(number: int, type_: ColumnType) -> Decimal:
    """Return the DECIMAL of an unscaled integer: 150 at scale 2 is 1.50.

    Raises:
        ValueError: the number has more digits than the type.
    """
    if abs(number) >= 10**type_.precision:
        raise ValueError
    return DECIMAL_CONTEXT.scaleb(Decimal(number), -type_.scale)


def timestamp_microseconds(value: datetime) -> int:
    """Return microseconds since 1970-01-01 UTC of a naive UTC datetime."""
    delta = value - TIMESTAMP_EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def timestamp_of(microseconds: int) -> datetime:
    """Return the naive UTC datetime; OverflowError outside the years 1..9999."""
    return TIMESTAMP_EPOCH + timedelta(0, 0, microseconds)
