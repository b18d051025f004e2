"""PEP 249 type objects and constructors.

A result column's type code is the name of its SQL type without arguments ("BIGINT", "DECIMAL",
"MAP"), None when only the values know. The five type objects compare equal to the codes of their
kind: ``description[0][1] == pegasus_tab.NUMBER``.
"""

from datetime import UTC, date, datetime, time
from typing import Final


class TypeObject:
    """One of PEP 249's type objects: equal to every type code of its kind."""

    __slots__ = ("_codes", "_name")

    def __init__(self, name: str, *codes: str) -> None:
        self._name = name
        self._codes = frozenset(codes)

    def __eq__(self, other: object) -> bool:
        return other is self or (isinstance(other, str) and other in self._codes)

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return f"pegasus_tab.{self._name}"


STRING: Final = TypeObject("STRING", "TEXT", "UUID")
BINARY: Final = TypeObject("BINARY", "BLOB")
NUMBER: Final = TypeObject("NUMBER", "BOOLEAN", "INT", "BIGINT", "DOUBLE", "DECIMAL")
DATETIME: Final = TypeObject("DATETIME", "TIMESTAMP", "DATE")
ROWID: Final = TypeObject("ROWID")
"""Equal to no column: a row is named by its primary key."""

Date = date
Time = time
Timestamp = datetime
Binary = bytes


def DateFromTicks(ticks: float) -> date:  # noqa: N802 -- the name is PEP 249's
    """Return the UTC date of a moment given in seconds since 1970-01-01 UTC."""
    return datetime.fromtimestamp(ticks, UTC).date()


def TimeFromTicks(ticks: float) -> time:  # noqa: N802 -- the name is PEP 249's
    """Return the UTC time of day of a moment given in seconds since 1970-01-01 UTC."""
    return datetime.fromtimestamp(ticks, UTC).time()


def TimestampFromTicks(ticks: float) -> datetime:  # noqa: N802 -- the name is PEP 249's
    """Return the naive UTC timestamp of a moment given in seconds since 1970-01-01 UTC."""
    return datetime.fromtimestamp(ticks, UTC).replace(tzinfo=None)
