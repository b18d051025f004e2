"""The DB-API driver: bulk writes, full scans and point queries, beside the standard library's sqlite3."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pegasus_tab
from benchmarks.awake import cores_awake
from benchmarks.figure import Figure, median_of, percentile
from benchmarks.node import running_node

ROWS = 200_000
LOOKUPS = 5_000
CREATE = (
    "CREATE TABLE people (id BIGINT, at BIGINT, name TEXT, city TEXT, age INT, score DOUBLE, "
    "height DOUBLE, visits BIGINT, note TEXT, ok BOOLEAN, balance BIGINT, PRIMARY KEY (id, at))"
)
COLUMNS = "id, at, name, city, age, score, height, visits, note, ok, balance"
MARKS = ", ".join("?" * 11)
POINT = "SELECT name, city, age FROM people WHERE id = ? AND at = ?"


def rows() -> Iterator[tuple[object, ...]]:
    """Yield the rows of the table: 11 columns, about 100 bytes each."""
    for i in range(ROWS):
        yield (
            i,
            i * 7,
            f"name{i}",
            f"city{i % 100}",
            i % 90,
            i * 0.5,
            i * 0.25,
            i * 2,
            "x" * (i % 20),
            i % 2 == 0,
            i % 7,
        )


def lookup_times(cursor: object, keys: list[tuple[int, int]]) -> list[float]:
    """Return the time of each point query in microseconds."""
    times = []
    for key in keys:
        start = time.perf_counter()
        cursor.execute(POINT, key)  # type: ignore[attr-defined] # both drivers are PEP 249
        row = cursor.fetchone()  # type: ignore[attr-defined]
        times.append((time.perf_counter() - start) * 1e6)
        assert row is not None
    return times


def sqlite_numbers(folder: Path) -> tuple[float, float, float]:
    """Return (rows written a second, rows read a second, p50 of a point query in us) of sqlite3."""
    db = sqlite3.connect(folder / "baseline.sqlite")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute(CREATE)
    data = list(rows())
    start = time.perf_counter()
    with db:
        db.executemany(f"INSERT INTO people ({COLUMNS}) VALUES ({MARKS})", data)  # noqa: S608 -- constants
    written = ROWS / (time.perf_counter() - start)
    start = time.perf_counter()
    assert len(db.execute("SELECT * FROM people").fetchall()) == ROWS
    read = ROWS / (time.perf_counter() - start)
    lookup = percentile(lookup_times(db.cursor(), keys()), 50)
    db.close()
    return written, read, lookup


def keys() -> list[tuple[int, int]]:
    """Return the keys that the point queries ask for, spread over the table."""
    return [(i, i * 7) for i in range(0, ROWS, ROWS // LOOKUPS)]


def figures(folder: Path) -> list[Figure]:
    """Measure the driver against one node."""
    written, read, lookup = sqlite_numbers(folder)
    with (
        running_node(folder / "node") as port,
        pegasus_tab.connect(f"pegasus://127.0.0.1:{port}/") as db,
    ):
        cursor = db.cursor()
        cursor.execute(CREATE)
        data = list(rows())
        start = time.perf_counter()
        cursor.executemany(f"UPSERT INTO people ({COLUMNS}) VALUES ({MARKS})", data)
        our_written = ROWS / (time.perf_counter() - start)
        our_read = median_of(3, lambda: scan_rate(db))
        lookups = [lookup_figure("as the machine is", cursor, lookup)]
        with cores_awake():
            lookups.append(lookup_figure("cores kept awake", cursor, lookup))
    return [
        Figure(
            "UPSERT through executemany, fdatasync",
            our_written,
            "/s",
            60_000,
            "sqlite3 executemany, one transaction",
            written,
        ),
        Figure(
            "full scan to Arrow at the client, 11 columns",
            our_read,
            "/s",
            500_000,
            "sqlite3 fetchall",
            read,
        ),
        *lookups,
    ]


def lookup_figure(how: str, cursor: pegasus_tab.Cursor, baseline: float) -> Figure:
    """Measure point queries one at a time."""
    ours = percentile(lookup_times(cursor, keys()), 50)
    name = f"point SELECT through the DB-API, {how}, p50"
    return Figure(name, ours, "us", 150, "sqlite3, same query in process", baseline)


def scan_rate(db: pegasus_tab.Connection) -> float:
    """Return rows a second of one full scan into an Arrow table."""
    cursor = db.cursor()
    start = time.perf_counter()
    cursor.execute("SELECT * FROM people")
    assert cursor.fetch_arrow_table().num_rows == ROWS
    return ROWS / (time.perf_counter() - start)
