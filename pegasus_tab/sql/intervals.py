"""INTERVAL literals as ``timedelta``: PostgreSQL's text form without months and years."""

import re
from datetime import timedelta

from pegasus_tab.base.errors import DataError, NotSupportedError
from pegasus_tab.sql.place import Place, at

_UNIT_SECONDS = {
    "microsecond": 1e-6,
    "millisecond": 1e-3,
    "second": 1.0,
    "minute": 60.0,
    "hour": 3600.0,
    "day": 86_400.0,
    "week": 604_800.0,
}
_SHORT_UNITS = {
    "us": "microsecond",
    "ms": "millisecond",
    "s": "second",
    "sec": "second",
    "m": "minute",
    "min": "minute",
    "h": "hour",
    "d": "day",
    "w": "week",
}
_CALENDAR_UNITS = frozenset(("month", "mon", "year", "y", "quarter", "decade", "century"))
_QUANTITY = re.compile(r"\s*([+-]?\d{1,18}(?:\.\d{1,6})?)\s*([a-z]+)\s*", re.ASCII)
_CLOCK = re.compile(r"\s*([+-]?)(\d{1,9}):([0-5]\d)(?::([0-5]\d(?:\.\d{1,6})?))?\s*", re.ASCII)
_NUMBER = re.compile(r"\s*([+-]?\d{1,18}(?:\.\d{1,6})?)\s*", re.ASCII)


def interval(text: str, unit: str | None = None, place: Place | None = None) -> timedelta:
    """Return the time span that ``INTERVAL 'text' [unit]`` means.

    Args:
        text: ``7 days``, ``1 day 02:30:00``, ``90 minutes``; with ``unit`` a number.
        unit: DAY, HOUR ... as written behind the string, or None (a bare number is seconds then).
        place: where the literal stands, for errors.

    Raises:
        NotSupportedError: months and years, whose length depends on where they start.
        DataError: 22007, the text does not read as an interval.
    """
    lowered = text.lower()
    number = _NUMBER.fullmatch(lowered)
    if number is not None:
        return _span(float(number[1]), unit.lower() if unit else "second", text, place)
    if unit is not None:
        raise _unreadable(text, place)
    total = timedelta()
    position = 0
    while position < len(lowered):
        found = _CLOCK.match(lowered, position) or _QUANTITY.match(lowered, position)
        if found is None:
            raise _unreadable(text, place)
        total += _clock_span(found) if found.re is _CLOCK else _quantity_span(found, text, place)
        position = found.end()
    if not lowered.strip():
        raise _unreadable(text, place)
    return total


def _clock_span(found: re.Match[str]) -> timedelta:
    span = timedelta(hours=int(found[2]), minutes=int(found[3]), seconds=float(found[4] or 0))
    return -span if found[1] == "-" else span


def _quantity_span(found: re.Match[str], text: str, place: Place | None) -> timedelta:
    return _span(float(found[1]), found[2], text, place)


def _span(amount: float, unit: str, text: str, place: Place | None) -> timedelta:
    name = _SHORT_UNITS.get(unit, unit)
    singular = name.removesuffix("s")
    if singular in _CALENDAR_UNITS or name in _CALENDAR_UNITS:
        raise NotSupportedError(
            "intervals of months and years are not supported",
            hint="write days, hours, minutes or seconds",
            **at(place),
        )
    seconds = _UNIT_SECONDS.get(name) or _UNIT_SECONDS.get(singular)
    if seconds is None:
        raise _unreadable(text, place)
    try:
        return timedelta(seconds=amount * seconds)
    except OverflowError:
        raise DataError("interval out of range", sqlstate="22008", **at(place)) from None


def _unreadable(text: str, place: Place | None) -> DataError:
    return DataError(
        f"invalid input for an INTERVAL: {text!r}",
        sqlstate="22007",
        hint="write it as INTERVAL '7 days' or INTERVAL '1 day 02:30:00'",
        **at(place),
    )
