"""Exports by real processes: equal to the table, going on after kill -9, cancelled, verified."""

import threading
import time
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pytest

import pegasus_tab
from pegasus_tab.base.errors import Error, InternalError, OperationalError, QueryCanceled
from pegasus_tab.kv.jobs import OVER, find_job
from pegasus_tab.wire.messages_job import JobInfo
from tests.fakes import every_type
from tests.integration.cluster import Cluster
from tests.integration.node import Node

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

WAIT_SECONDS_MAX = 90.0
ROWS = 6000
CREATE = (
    "CREATE TABLE people (id BIGINT, name TEXT, score DOUBLE, balance DECIMAL(12,2), seen TIMESTAMP,"
    " tags MAP<TEXT,INT>, PRIMARY KEY (id)) WITH (partitions = 4)"
)
COLUMNS = "id, name, score, balance, seen"
PLAIN = "k, s, yes, small, big, x, price, huge, name, raw, at, day, token"


def fill(connection: pegasus_tab.Connection) -> None:
    connection.execute(CREATE)
    rows = (
        (
            i,
            None if i % 7 == 0 else f"n\u00e4me {i}",
            i / 3,
            f"{i}.25",
            f"2024-01-01 00:00:{i % 60:02}",
        )
        for i in range(ROWS)
    )
    connection.cursor().executemany(
        f"UPSERT INTO people ({COLUMNS}) VALUES (?, ?, ?, CAST(? AS DECIMAL(12,2)),"
        " CAST(? AS TIMESTAMP))",
        rows,
    )
    connection.execute("UPSERT INTO people (id, tags) VALUES (5, {'a': 1, 'b': 2})")
    connection.execute("UPSERT INTO people (id, name) VALUES (-1, 'soon gone') WITH (ttl = 1)")


def exported(target: Path) -> list[tuple[Any, ...]]:
    query = f"SELECT {COLUMNS} FROM read_parquet('{target}/people/*/*/*.parquet') ORDER BY id"
    return duckdb.execute(query).fetchall()


def stored(connection: pegasus_tab.Connection) -> list[tuple[Any, ...]]:
    rows = connection.execute(f"SELECT {COLUMNS} FROM people ALLOW FILTERING").fetchall()
    return sorted(rows, key=lambda row: row[0])


def await_job(connection: pegasus_tab.Connection, job: int, what: str) -> JobInfo:
    """Wait until a job begins to write, or is over."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        try:
            info = find_job(connection.session.client, job)
        except Error:
            assert time.monotonic() < deadline
            continue
        done = info.state in OVER
        if done or (what == "writes" and any(task.rows for task in info.tasks)):
            return info
        assert time.monotonic() < deadline, info
        time.sleep(0.05)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with Node(tmp_path_factory.mktemp("node") / "data") as node:
        with pegasus_tab.connect(node.dsn) as connection:
            fill(connection)
            deadline = time.monotonic() + WAIT_SECONDS_MAX
            while connection.execute("SELECT name FROM people WHERE id = -1").fetchall():
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield node


def test_an_export_equals_the_table(node: Node, tmp_path: Path) -> None:
    with pegasus_tab.connect(node.dsn) as connection:
        cursor = connection.execute(f"COPY people TO '{tmp_path}'")
        assert cursor.rowcount == ROWS
        assert exported(tmp_path) == stored(connection)
        ((tags,),) = duckdb.execute(
            f"SELECT tags FROM read_parquet('{tmp_path}/people/*/*/*.parquet') WHERE id = 5"
        ).fetchall()
        assert tags == {"a": 1, "b": 2}
        frame = pd.read_parquet(tmp_path / "people")
        assert len(frame) == ROWS
        assert frame["balance"].sum() == Decimal(ROWS * (ROWS - 1) // 2) + Decimal(ROWS) / 4
        rows = connection.execute(f"VERIFY EXPORT '{tmp_path}'").fetchall()
        assert [row[:2] + row[3:5] for row in rows] == [("people", "export", 4, ROWS)]
        with pytest.raises(OperationalError, match="complete export") as refused:
            connection.execute(f"COPY people TO '{tmp_path}'")
        assert refused.value.sqlstate == "58P02"


def test_every_type_opens_in_every_reader(node: Node, tmp_path: Path) -> None:
    rows = every_type.rows()
    with pegasus_tab.connect(node.dsn) as connection:
        every_type.create(connection)
        connection.execute(f"COPY everything TO '{tmp_path}'")
        for file_format in ("parquet", "arrow"):
            connection.execute(
                f"COPY everything TO '{tmp_path}/{file_format}' (FORMAT {file_format})"
            )
            assert copied(connection, f"{tmp_path}/{file_format}") == rows
        texts = f"{tmp_path}/texts.csv"
        connection.execute(f"COPY (SELECT {PLAIN} FROM everything ALLOW FILTERING) TO '{texts}'")
        assert copied(connection, texts) == [(*row[:13], None, None, None) for row in rows]
        connection.execute("DROP TABLE everything")
    folder, files = tmp_path / "everything", f"{tmp_path}/everything/*/*/*.parquet"

    table = pa.dataset.dataset(folder, format="parquet").to_table().sort_by("k")
    assert [as_dicts(row.values()) for row in table.to_pylist()] == rows

    frame = pd.read_parquet(folder).sort_values("k", ignore_index=True)
    assert list(frame["token"]) == [row[12] for row in rows]
    assert frame["price"].sum() == sum(row[6] or 0 for row in rows)
    assert list(frame["name"].isna()) == [row[8] is None for row in rows]

    polars_rows = pl.read_parquet(files, hive_partitioning=False).sort("k")
    for column in (3, 4, 5, 6, 8, 9, 10, 11):
        assert polars_rows[:, column].to_list() == [row[column] for row in rows]

    query = f"SELECT * REPLACE (token::UUID AS token) FROM read_parquet('{files}', hive_partitioning = false)"
    found = duckdb.execute(f"SELECT * EXCLUDE (tokens) FROM ({query}) ORDER BY k").fetchall()
    assert found == [row[:-1] for row in rows]


def copied(connection: pegasus_tab.Connection, source: str) -> list[tuple[Any, ...]]:
    """Load an export into a new table like the one it is of; return its rows."""
    connection.execute(every_type.CREATE.replace("everything", "copied"))
    try:
        assert connection.execute(f"COPY copied FROM '{source}'").rowcount == every_type.ROWS
        rows = connection.execute("SELECT * FROM copied ALLOW FILTERING").fetchall()
    finally:
        connection.execute("DROP TABLE copied")
    return sorted(rows, key=lambda row: row[0])


def as_dicts(values: Iterable[Any]) -> tuple[Any, ...]:
    """Return a row with maps as dicts, which PyArrow gives as lists of pairs."""
    return tuple(dict(value) if isinstance(value, list) else value for value in values)


@pytest.mark.parametrize("file_format", ["csv", "arrow"])
def test_other_formats(node: Node, tmp_path: Path, file_format: str) -> None:
    with pegasus_tab.connect(node.dsn) as connection:
        if file_format == "csv":
            with pytest.raises(OperationalError, match='MAP column "tags"'):
                connection.execute(f"COPY people TO '{tmp_path}' (FORMAT csv)")
            query = f"SELECT {COLUMNS} FROM people ALLOW FILTERING"
            assert connection.execute(f"COPY ({query}) TO '{tmp_path}/p.csv'").rowcount == ROWS
            (found,) = duckdb.execute(f"SELECT sum(id) FROM '{tmp_path}/p.csv'").fetchall()
            assert found == (ROWS * (ROWS - 1) // 2,)
        else:
            connection.execute(f"EXPORT TABLE people TO '{tmp_path}' WITH (FORMAT arrow)")
            files = [str(path) for path in tmp_path.rglob("part-*.arrow")]
            assert pa.dataset.dataset(files, format="arrow").count_rows() == ROWS


def test_a_flipped_byte_is_found(node: Node, tmp_path: Path) -> None:
    with pegasus_tab.connect(node.dsn) as connection:
        connection.execute(f"COPY people TO '{tmp_path}'")
        for path in sorted(p for p in tmp_path.rglob("*") if p.is_file()):
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 1
            original = path.read_bytes()
            path.write_bytes(bytes(content))
            with pytest.raises(InternalError, match=path.name):
                connection.execute(f"VERIFY EXPORT '{tmp_path}'")
            path.write_bytes(original)
        connection.execute(f"VERIFY EXPORT '{tmp_path}'")


def test_cancel_leaves_nothing_unfinished(node: Node, tmp_path: Path) -> None:
    with pegasus_tab.connect(node.dsn) as connection:
        slow = f"COPY people TO '{tmp_path}' (BYTES_PER_SECOND 10000, WAIT FALSE)"
        ((job,),) = connection.execute(slow).fetchall()
        await_job(connection, job, "writes")
        with pytest.raises(OperationalError, match=f"job {job} does the same"):
            connection.execute(slow)
        connection.execute(f"CANCEL JOB {job}")
        assert await_job(connection, job, "over").state == "cancelled"
        assert not list(tmp_path.rglob("tmp"))
        assert not list(tmp_path.rglob("_SUCCESS"))
        assert connection.execute(f"COPY people TO '{tmp_path}'").rowcount == ROWS, "it goes on"
        assert exported(tmp_path) == stored(connection)


def test_who_waits_hears_of_a_cancel(node: Node, tmp_path: Path) -> None:
    with pegasus_tab.connect(node.dsn) as waiting, pegasus_tab.connect(node.dsn) as other:
        caught: list[BaseException] = []

        def wait() -> None:
            try:
                waiting.execute(f"COPY people TO '{tmp_path}' (BYTES_PER_SECOND 1024)")
            except QueryCanceled as error:
                caught.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while True:
            rows = other.execute("SHOW JOBS").fetchall()
            under_way = [row for row in rows if row[3] == "running" and row[10] == str(tmp_path)]
            if under_way:
                break
            assert time.monotonic() < deadline
            time.sleep(0.05)
        other.execute(f"CANCEL JOB {under_way[0][0]}")
        thread.join(WAIT_SECONDS_MAX)
        assert caught


def test_bad_targets(node: Node, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "people").mkdir()
    (tmp_path / "people" / "other.parquet").write_text("not ours")
    with pegasus_tab.connect(node.dsn) as connection:
        for target, text, sqlstate in (
            (str(tmp_path), "other files", "58P02"),
            ("nonsense://host/path", "nonsense", "22023"),
            ("s3://bucket/path", "not installed", "22023"),
        ):
            with pytest.raises(OperationalError, match=text) as raised:
                connection.execute(f"COPY people TO '{target}'")
            assert raised.value.sqlstate == sqlstate


def test_a_killed_node_goes_on_with_its_job(tmp_path: Path) -> None:
    with Node(tmp_path / "data") as node:
        with pegasus_tab.connect(node.dsn) as connection:
            fill(connection)
            slow = f"COPY people TO '{tmp_path}/out' (BYTES_PER_SECOND 20000, WAIT FALSE)"
            ((job,),) = connection.execute(slow).fetchall()
            await_job(connection, job, "writes")
        node.kill()
        node.start()
        with pegasus_tab.connect(node.dsn) as connection:
            assert await_job(connection, job, "over").state == "done"
            assert exported(tmp_path / "out") == stored(connection)
            connection.execute(f"VERIFY EXPORT '{tmp_path}/out'")


def test_a_killed_primary_is_replaced(tmp_path: Path) -> None:
    with Cluster(tmp_path) as cluster, pegasus_tab.connect(cluster.dsn) as connection:
        await_servers(connection, 3)
        fill_replicated(connection)
        slow = f"COPY people TO '{tmp_path}/out' (BYTES_PER_SECOND 20000, WAIT FALSE)"
        ((job,),) = connection.execute(slow).fetchall()
        info = await_job(connection, job, "writes")
        victim = next(task.server for task in info.tasks if task.rows)
        cluster.server(victim).kill()
        assert await_job(connection, job, "over").state == "done"
        connection.execute(f"VERIFY EXPORT '{tmp_path}/out'")
        assert exported(tmp_path / "out") == stored(connection)


def await_servers(connection: pegasus_tab.Connection, count: int) -> None:
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while len(connection.session.client.list_nodes()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def fill_replicated(connection: pegasus_tab.Connection) -> None:
    connection.execute(CREATE.replace("partitions = 4", "partitions = 4, replicas = 3"))
    connection.cursor().executemany(
        "UPSERT INTO people (id, name, score) VALUES (?, ?, ?)",
        ((i, f"name {i}", i / 3) for i in range(ROWS)),
    )
