"""The main job on real input: the demo's data through our driver equals the same data in DuckDB, row for row."""

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest

import pegasus_tab
from pegasus_shell.demo.dataset import TABLES, DemoTable
from pegasus_shell.demo.run import load_tables
from pegasus_shell.demo.tour import TOUR, Stop
from pegasus_shell.narration import Narration
from tests.integration.node import Node

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MORE = (
    "SELECT * FROM planes ORDER BY tailnum",
    "SELECT * FROM weather WHERE origin = 'EWR' ORDER BY time_hour",
    "SELECT DISTINCT dest FROM flights WHERE carrier = 'HA' ORDER BY dest",
    (
        "SELECT origin, dest, count(*), sum(distance), min(dep_delay), max(arr_delay) FROM flights "
        "GROUP BY origin, dest ORDER BY origin, dest"
    ),
    "SELECT tailnum FROM planes WHERE year IS NULL AND engine LIKE 'Turbo%' ORDER BY tailnum",
    "SELECT name FROM airports WHERE alt BETWEEN 9000 AND 9999 OR name ILIKE '%heliport%' ORDER BY name, faa",
    "SELECT count(*) FROM flights WHERE NOT (dep_delay <= 60) AND carrier IN ('UA', 'DL')",
    "SELECT * FROM flights WHERE carrier = 'OO' ORDER BY flight, time_hour LIMIT 20 OFFSET 5",
)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pegasus_tab.Connection]:
    """A node with the demo loaded by the demo's own loader."""
    with (
        Node(tmp_path_factory.mktemp("demo") / "data") as node,
        pegasus_tab.connect(node.dsn, timeout=120) as connection,
    ):
        load_tables(connection, Narration(quiet=True), quiet=True)
        yield connection


@pytest.fixture(scope="module")
def theirs() -> Iterator[duckdb.DuckDBPyConnection]:
    """The same rows in DuckDB, which got them without passing through us."""
    with duckdb.connect(":memory:") as database:
        for table in TABLES:
            columns = ", ".join(f"{name} {kind}" for name, kind in table.columns)
            database.execute(f"CREATE TABLE {table.name} ({columns})")
            rows = list(table.read())
            arrays = [list(column) for column in zip(*rows, strict=True)]
            names = [name for name, _ in table.columns]
            staged = pa.table(dict(zip(names, arrays, strict=True)))
            database.register("staged", staged)
            database.execute(f"INSERT INTO {table.name} SELECT * FROM staged")
            database.unregister("staged")
        yield database


def same(ours: pegasus_tab.Connection, theirs: duckdb.DuckDBPyConnection, sql: str) -> None:
    with ours.cursor() as cursor:
        cursor.execute(sql)
        got = cursor.fetchall()
    wanted = theirs.execute(sql).fetchall()
    assert wanted, "an empty answer proves nothing"
    assert got == wanted


@pytest.mark.parametrize("stop", TOUR, ids=lambda stop: stop.title)
def test_tour(ours: pegasus_tab.Connection, theirs: duckdb.DuckDBPyConnection, stop: Stop) -> None:
    same(ours, theirs, stop.sql)


@pytest.mark.parametrize("sql", MORE)
def test_more_questions(
    ours: pegasus_tab.Connection, theirs: duckdb.DuckDBPyConnection, sql: str
) -> None:
    same(ours, theirs, sql)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_row_is_there(ours: pegasus_tab.Connection, table: DemoTable) -> None:
    with ours.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table.name}")
        assert cursor.fetchone() == (table.rows,)
