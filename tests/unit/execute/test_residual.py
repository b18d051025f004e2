"""The residual engine: joins and aggregates over our scans, its sandbox, errors and cancelling."""

import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pytest

from pegasus_tab.base.errors import (
    DataError,
    Error,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    QueryCanceled,
)
from pegasus_tab.execute import residual
from pegasus_tab.execute.deadline import Deadline
from pegasus_tab.execute.residual import ResidualEngine, View
from pegasus_tab.execute.session import Session
from pegasus_tab.wire import codes
from tests.fakes.memory_cluster import MemoryCluster
from tests.fakes.sql_runner import SqlRunner

SCHEMA = pa.schema([("a", pa.int64())])


@pytest.fixture
def engine() -> Iterator[ResidualEngine]:
    engine = ResidualEngine()
    yield engine
    engine.close()


def numbers(count: int, pages: int = 1) -> View:
    def batches() -> Iterator[pa.RecordBatch]:
        for _ in range(pages):
            yield pa.record_batch({"a": list(range(count))}, SCHEMA)

    return View(SCHEMA, batches)


def rows(
    engine: ResidualEngine, sql: str, parameters: tuple[object, ...] = (), **views: View
) -> list[tuple[object, ...]]:
    run = engine.query(sql, views, parameters)
    return [tuple(row.values()) for batch in run.batches() for row in batch.to_pylist()]


def test_joins_aggregates_and_subqueries_over_tables(sql: SqlRunner) -> None:
    sql("CREATE TABLE o (c INT, id INT, amount DECIMAL(10,2), PRIMARY KEY ((c), id))")
    sql("CREATE TABLE c (id INT, name TEXT, PRIMARY KEY (id))")
    sql("INSERT INTO c VALUES (1, 'ann'), (2, 'bob'), (3, 'cy')")
    sql("INSERT INTO o VALUES (1, 1, 10), (1, 2, 5.5), (2, 1, 7)")
    assert sql("SELECT name, count(*), sum(amount) > ? FROM c JOIN o ON o.c = c.id GROUP BY name ORDER BY name", (9,)) == [
        ("ann", 2, True), ("bob", 1, False)
    ]  # fmt: skip
    assert sql("SELECT name FROM c WHERE id NOT IN (SELECT c FROM o) ") == [("cy",)]
    assert sql("SELECT max(id) FROM o WHERE c = 1") == [(2,)]
    assert sql("SELECT c, row_number() OVER (ORDER BY amount) FROM o ORDER BY 2") == [
        (1, 1), (2, 2), (1, 3)
    ]  # fmt: skip
    assert sql("SELECT count(*) FROM c WHERE id > 100 GROUP BY name") == []


def test_an_error_of_a_source_keeps_its_class(sql: SqlRunner, cluster: MemoryCluster) -> None:
    sql("CREATE TABLE c (id INT, name TEXT, PRIMARY KEY (id))")
    sql("INSERT INTO c VALUES (1, 'ann')")
    lost = OperationalError("node is gone", retryable=True)
    cluster.before = lambda call: lost if call.method.name == codes.TAB_SCAN else None
    with pytest.raises(OperationalError, match="node is gone") as caught:
        sql("SELECT name, count(*) FROM c GROUP BY name")
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("text", "error", "sqlstate"),
    [
        ("SELECT 1 // 0", DataError, "22012"),
        ("SELECT 9223372036854775807 + 1", DataError, "22003"),
        ("SELECT CAST('x' AS INT)", DataError, "22000"),
        ("SELECT nothing FROM v", ProgrammingError, "42000"),
        ("SELEC 1", ProgrammingError, "42000"),
        ("SELECT * FROM read_csv('/etc/passwd')", NotSupportedError, "0A000"),
        ("COPY v TO '/tmp/stolen'", NotSupportedError, "0A000"),
        ("INSTALL httpfs", NotSupportedError, "0A000"),
        ("SET memory_limit = '1TB'", DataError, "22000"),
        ("SELECT * FROM outside", ProgrammingError, "42000"),
    ],
)
def test_errors_are_ours_and_the_sandbox_holds(
    engine: ResidualEngine, text: str, error: type[Error], sqlstate: str
) -> None:
    outside = pa.table({"a": [1]})
    with pytest.raises(error) as caught:
        rows(engine, text, v=numbers(3))
    assert caught.value.sqlstate == sqlstate
    assert outside.num_rows == 1


def test_a_query_can_be_left_in_the_middle(engine: ResidualEngine) -> None:
    closed: list[bool] = []

    def endless() -> Iterator[pa.RecordBatch]:
        try:
            while True:
                yield pa.record_batch({"a": list(range(5000))}, SCHEMA)
        finally:
            closed.append(True)

    run = engine.query("SELECT a FROM v LIMIT 3", {"v": View(SCHEMA, endless)}, ())
    assert next(run.batches()).num_rows == 3
    run.close()
    run.close()
    assert closed == [True]
    with pytest.raises(QueryCanceled):
        next(run.batches())


def test_ctrl_c_reaches_the_caller_and_the_engine_lives_on(engine: ResidualEngine) -> None:
    main = threading.get_ident()

    def endless() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"a": [1]}, SCHEMA)
        # A real signal: nothing less wakes a main thread that waits for a lock.
        signal.pthread_kill(main, signal.SIGINT)
        while True:
            yield pa.record_batch({"a": list(range(1000))}, SCHEMA)

    with pytest.raises(KeyboardInterrupt):
        rows(engine, "SELECT sum(a) AS a FROM v", v=View(SCHEMA, endless))
    assert rows(engine, "SELECT sum(a) AS a FROM v", v=numbers(4)) == [(6,)]


def endless_view() -> View:
    def batches() -> Iterator[pa.RecordBatch]:
        while True:
            yield pa.record_batch({"a": list(range(1000))}, SCHEMA)

    return View(SCHEMA, batches)


@pytest.mark.parametrize(
    ("sql", "views"),
    [
        ("SELECT sum(a.a) FROM a, b, c, d", {name: numbers(5000) for name in "abcd"}),
        ("SELECT a FROM v WHERE a < 0", {"v": endless_view()}),
    ],
    ids=["computing", "reading"],
)
def test_the_deadline_ends_a_query_and_the_engine_lives_on(
    engine: ResidualEngine, sql: str, views: dict[str, View]
) -> None:
    deadline = Deadline(30, time.monotonic)
    deadline.begin()
    with pytest.raises(OperationalError, match="its timeout of 30 ms") as caught:
        list(engine.query(sql, views, (), deadline).batches())
    assert caught.value.sqlstate == "HYT00"
    assert rows(engine, "SELECT sum(a) AS a FROM v", v=numbers(4)) == [(6,)]


def test_ctrl_c_just_when_the_work_was_handed_over(
    engine: ResidualEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(ThreadPoolExecutor):
        """Its second work begins, and the caller never learns of it."""

        submitted = 0

        def submit(self, *arguments: Any, **named: Any) -> Future[Any]:
            future = super().submit(*arguments, **named)
            self.submitted += 1
            if self.submitted == 2:
                raise KeyboardInterrupt
            return future

    with monkeypatch.context() as patch:
        patch.setattr(residual, "ThreadPoolExecutor", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            engine.query("SELECT sum(a) FROM v", {"v": endless_view()}, ())
    assert rows(engine, "SELECT sum(a) AS a FROM v", v=numbers(4)) == [(6,)]


def test_a_deadline_that_has_passed_lets_nothing_begin(engine: ResidualEngine) -> None:
    moments = iter((100.0, 100.1))
    deadline = Deadline(30, lambda: next(moments))
    deadline.begin()
    with pytest.raises(OperationalError) as caught:
        engine.query("SELECT a FROM v", {"v": numbers(4)}, (), deadline)
    assert caught.value.sqlstate == "HYT00"


def test_the_engine_goes_with_its_session(cluster: MemoryCluster) -> None:
    session = Session(cluster.client(), clock=lambda: cluster.now, monotonic=lambda: cluster.now)
    sql = SqlRunner(session)
    sql("CREATE TABLE c (id INT, PRIMARY KEY (id))")
    result = session.execute("SELECT id, count(*) FROM c GROUP BY id")
    session.close()
    result.close()
