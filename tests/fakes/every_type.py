"""A table with a column of every SQL type, and rows at the edges of what they hold."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pegasus_tab

CREATE = """
CREATE TABLE everything (
    k BIGINT, s INT, yes BOOLEAN, small INT, big BIGINT, x DOUBLE, price DECIMAL(10, 2),
    huge DECIMAL(38, 10), name TEXT, raw BLOB, at TIMESTAMP, day DATE, token UUID,
    counts MAP<TEXT, INT>, prices MAP<TEXT, DECIMAL(5, 2)>, tokens MAP<TEXT, UUID>,
    PRIMARY KEY ((k), s DESC)
) WITH (partitions = 4)
"""
COLUMNS = 16
ROWS = 120

_EDGES: list[tuple[Any, ...]] = [
    (
        False, -(1 << 31), -(1 << 63), float("-inf"), Decimal("-99999999.99"),
        Decimal("-9999999999999999999999999999.9999999999"), "", b"", datetime(1, 1, 1),  # noqa: DTZ001 -- UTC by definition
        date(1, 1, 1), UUID(int=0), {"": 0}, {"a": Decimal("0.00")}, {"a": UUID(int=0)},
    ),
    (
        True, (1 << 31) - 1, (1 << 63) - 1, 1e308, Decimal("99999999.99"),
        Decimal("9999999999999999999999999999.9999999999"), 'na\u00efve, "quoted"\n\t',
        bytes(range(256)), datetime(9999, 12, 31, 23, 59, 59, 999999), date(9999, 12, 31),  # noqa: DTZ001 -- UTC by definition
        UUID(int=(1 << 128) - 1), {"a": -1, "b": 2}, {"a": Decimal("-999.99")},
        {"a": UUID(int=1), "b": UUID(int=2)},
    ),
    (None,) * 14,
    (
        True, 0, 0, -0.5, Decimal("0.01"), Decimal(0), "x", b"\x00", datetime(1582, 10, 10, 12),  # noqa: DTZ001 -- UTC by definition
        date(1582, 10, 10), UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), {"k": 7}, None, None,
    ),
]  # fmt: skip


def rows() -> list[tuple[Any, ...]]:
    """Return the table's rows in the order of their keys."""
    return [(n, n % 7, *_EDGES[n % len(_EDGES)]) for n in range(ROWS)]


def create(connection: pegasus_tab.Connection) -> None:
    """Make and fill the table."""
    connection.execute(CREATE)
    marks = ", ".join("?" * COLUMNS)
    connection.executemany(f"UPSERT INTO everything VALUES ({marks})", rows())
