"""Scalar functions on TIMESTAMP and DATE: parts of a moment, and rounding down to a unit.

All moments are naive UTC. Weeks are ISO weeks, Monday first; ``dow`` counts from Sunday = 0
(PostgreSQL 9.9.1 and 9.9.2).
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from pegasus_tab.base.errors import DataError

_EPOCH = date(1970, 1, 1)


def _microseconds(moment: date) -> int:
    return moment.microsecond if isinstance(moment, datetime) else 0


def _clock(name: str) -> Callable[[date], int]:
    return lambda moment: getattr(moment, name) if isinstance(moment, datetime) else 0


def _second(moment: date) -> int:
    return moment.second if isinstance(moment, datetime) else 0


def _epoch_seconds(moment: date) -> float:
    if isinstance(moment, datetime):
        since = moment - datetime(1970, 1, 1)  # noqa: DTZ001 -- naive is UTC here
        return since / timedelta(seconds=1)
    return float((moment - _EPOCH).days * 86_400)


_PARTS: dict[str, Callable[[date], int | float]] = {
    "microseconds": lambda moment: _second(moment) * 1_000_000 + _microseconds(moment),
    "milliseconds": lambda moment: _second(moment) * 1_000 + _microseconds(moment) // 1_000,
    "second": _second,
    "minute": _clock("minute"),
    "hour": _clock("hour"),
    "day": lambda moment: moment.day,
    "month": lambda moment: moment.month,
    "quarter": lambda moment: (moment.month + 2) // 3,
    "year": lambda moment: moment.year,
    "decade": lambda moment: moment.year // 10,
    "century": lambda moment: (moment.year + 99) // 100,
    "dow": lambda moment: moment.isoweekday() % 7,
    "isodow": lambda moment: moment.isoweekday(),
    "doy": lambda moment: moment.timetuple().tm_yday,
    "week": lambda moment: moment.isocalendar().week,
    "isoyear": lambda moment: moment.isocalendar().year,
    "epoch": _epoch_seconds,
}


def _part(name: str, moment: date) -> int | float:
    extract = _PARTS.get(name.lower())
    if extract is None:
        raise DataError(
            f"no part of a date or timestamp is called {name!r}",
            sqlstate="22023",
            hint="parts: " + ", ".join(_PARTS),
        )
    return extract(moment)


def _midnight(moment: date) -> datetime:
    return datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001 -- naive is UTC here


_TRUNCATIONS: dict[str, Callable[[datetime], datetime]] = {
    "microseconds": lambda moment: moment,
    "milliseconds": lambda moment: moment.replace(microsecond=moment.microsecond // 1_000 * 1_000),
    "second": lambda moment: moment.replace(microsecond=0),
    "minute": lambda moment: moment.replace(second=0, microsecond=0),
    "hour": lambda moment: moment.replace(minute=0, second=0, microsecond=0),
    "day": _midnight,
    "week": lambda moment: _midnight(moment) - timedelta(days=moment.weekday()),
    "month": lambda moment: _midnight(moment.replace(day=1)),
    "quarter": lambda moment: _midnight(
        moment.replace(day=1, month=(moment.month - 1) // 3 * 3 + 1)
    ),
    "year": lambda moment: _midnight(moment.replace(day=1, month=1)),
    "decade": lambda moment: _midnight(
        moment.replace(day=1, month=1, year=max(moment.year // 10 * 10, 1))
    ),
}


def _truncate(unit: str, moment: date) -> datetime:
    name = unit.lower()
    truncate = _TRUNCATIONS.get(name) or _TRUNCATIONS.get(name + "s")
    if truncate is None:
        raise DataError(
            f"cannot round a timestamp down to {unit!r}",
            sqlstate="22023",
            hint="units: " + ", ".join(_TRUNCATIONS),
        )
    return truncate(moment if isinstance(moment, datetime) else _midnight(moment))


STRICT: dict[str, Callable[..., Any]] = {
    "extract": _part,
    "date_trunc": _truncate,
}
