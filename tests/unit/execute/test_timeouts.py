"""The timeout of a statement: one deadline for all its requests, and what a write says that met it."""

from typing import Any

import pytest

from pegasus_tab.base.errors import OperationalError, UnknownOutcome
from pegasus_tab.execute.catalog import LIFE_SECONDS
from pegasus_tab.execute.session import Session
from pegasus_tab.wire import codes
from tests.fakes.memory_cluster import MemoryCluster
from tests.fakes.sql_runner import SqlRunner

TIMEOUT_MS = 3000


@pytest.fixture
def sql(session: Session) -> SqlRunner:
    """A table t of 8 partitions with 40 rows and a timeout of TIMEOUT_MS."""
    sql = SqlRunner(session)
    sql("CREATE TABLE t (k INT, v INT, PRIMARY KEY (k)) WITH (partitions = 8)")
    sql.many("UPSERT INTO t VALUES (?, ?)", [(k, k) for k in range(40)])
    sql(f"SET timeout = {TIMEOUT_MS}")
    return sql


def slow_down(cluster: MemoryCluster, seconds: float) -> None:
    """Let each call take so long from now on."""

    def before(_: object) -> None:
        cluster.now += seconds

    cluster.before = cluster.before_meta = before
    cluster.limits_ms.clear()


def timed_out(sql: SqlRunner, text: str) -> OperationalError:
    """Run a statement that does not end in time; return its error."""
    with pytest.raises(OperationalError) as caught:
        sql(text)
    assert caught.value.sqlstate == "HYT00"
    assert str(TIMEOUT_MS) in (caught.value.message + (caught.value.hint or ""))
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        "SELECT count(*) FROM t",
        "SELECT k FROM t ORDER BY v",
        "SELECT k FROM t WHERE v < 0",
        "SELECT sum(v) FROM t",
        "SELECT a.k FROM t a JOIN t b ON a.v = b.v",
        "SELECT v FROM t WHERE k IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)",
        "EXPLAIN ANALYZE SELECT k FROM t",
    ],
)
def test_all_requests_of_a_statement_share_its_deadline(
    cluster: MemoryCluster, sql: SqlRunner, text: str
) -> None:
    slow_down(cluster, 0.8)
    begun = cluster.now
    error = timed_out(sql, text)
    assert not error.ambiguous
    assert cluster.now == pytest.approx(begun + TIMEOUT_MS / 1000)
    assert cluster.limits_ms == sorted(cluster.limits_ms, reverse=True)
    assert cluster.limits_ms[0] <= TIMEOUT_MS


def test_the_listing_of_the_tables_shares_it_too(cluster: MemoryCluster, sql: SqlRunner) -> None:
    cluster.now += LIFE_SECONDS
    slow_down(cluster, 60)  # neither meta nor the replica answers
    begun = cluster.now
    timed_out(sql, "SELECT v FROM t WHERE k = 1")
    assert cluster.now == pytest.approx(begun + TIMEOUT_MS / 1000)
    assert cluster.limits_ms == [TIMEOUT_MS // 2, TIMEOUT_MS // 2]


@pytest.mark.parametrize("text", ["SHOW TABLES", "SHOW PARTITIONS OF t", "SHOW CREATE TABLE t"])
def test_reports_share_it(cluster: MemoryCluster, sql: SqlRunner, text: str) -> None:
    slow_down(cluster, 60)
    timed_out(sql, text)
    assert cluster.limits_ms == [TIMEOUT_MS]


def test_a_definition_that_got_no_answer_may_have_happened(
    cluster: MemoryCluster, sql: SqlRunner
) -> None:
    slow_down(cluster, 60)
    assert timed_out(sql, "CREATE TABLE u (k INT PRIMARY KEY)").ambiguous
    assert cluster.limits_ms == [TIMEOUT_MS]


def test_a_reader_may_take_its_time(cluster: MemoryCluster, sql: SqlRunner) -> None:
    slow_down(cluster, 0.5)
    result = sql.session.execute("SELECT k FROM t")
    pages = result.pages()
    seen: list[Any] = list(next(pages))
    cluster.now += 3600
    seen += next(pages)
    cluster.now += 3600
    seen += [row for page in pages for row in page]
    assert sorted(seen) == [(k,) for k in range(40)]
    assert cluster.now > 7200 + TIMEOUT_MS / 1000


def test_a_page_that_does_not_come_ends_the_reading(cluster: MemoryCluster, sql: SqlRunner) -> None:
    pages = sql.session.execute("SELECT k FROM t").pages()
    next(pages)
    slow_down(cluster, 60)
    with pytest.raises(OperationalError) as caught:
        list(pages)
    assert caught.value.sqlstate == "HYT00"
    assert set(cluster.limits_ms) == {TIMEOUT_MS}


def test_a_statement_given_more_time_takes_it(cluster: MemoryCluster, sql: SqlRunner) -> None:
    slow_down(cluster, 2)
    timed_out(sql, "SELECT count(*) FROM t")
    result = sql.session.execute("SELECT count(*) FROM t", timeout_ms=60_000)
    assert list(result.pages()) == [[(40,)]]


@pytest.mark.parametrize(
    "text",
    [
        "UPSERT INTO t VALUES (101, 1), (102, 1), (103, 1), (104, 1), (105, 1)",
        "INSERT INTO t VALUES (101, 1), (102, 1), (103, 1), (104, 1), (105, 1)",
        "INSERT INTO t SELECT k + 100, v FROM t",
        "UPDATE t SET v = v + 1 WHERE k IN (1, 2, 3, 4, 5)",
        "DELETE FROM t WHERE k IN (1, 2, 3, 4, 5)",
    ],
)
def test_a_write_cut_off_in_the_middle_is_ambiguous(
    cluster: MemoryCluster, sql: SqlRunner, text: str
) -> None:
    reads = {codes.GET, codes.TTL, codes.TAB_SCAN}

    def before(call: Any) -> None:
        cluster.now += 0 if call.method.name in reads else 0.8

    cluster.before = before
    error = timed_out(sql, text)
    assert isinstance(error, UnknownOutcome)
    assert (error.ambiguous, error.retryable) == (True, False)


def test_a_write_whose_reading_took_too_long_wrote_nothing(
    cluster: MemoryCluster, sql: SqlRunner
) -> None:
    slow_down(cluster, 0.8)
    for text in ("UPDATE t SET v = 0 WHERE v >= 0", "DELETE FROM t WHERE v >= 0"):
        assert not timed_out(sql, text + " ALLOW FILTERING").ambiguous
    slow_down(cluster, 0)
    assert sql("SELECT count(*) FROM t WHERE v > 0") == [(39,)]


def test_one_row_lost_before_it_was_sent_is_not_ambiguous(
    cluster: MemoryCluster, sql: SqlRunner
) -> None:
    lost = OperationalError("cannot connect", retryable=True)
    cluster.before = lambda _: lost
    with pytest.raises(OperationalError) as caught:
        sql("UPSERT INTO t VALUES (1, 1)")
    assert caught.value is lost
    with pytest.raises(UnknownOutcome, match="other rows") as several:
        sql("UPSERT INTO t VALUES (1, 1), (2, 2)")
    assert several.value.sqlstate == "08007"


def test_executemany_is_many_executions(cluster: MemoryCluster, sql: SqlRunner) -> None:
    slow_down(cluster, 0.8)
    assert sql.many("UPSERT INTO t VALUES (?, ?)", [(k, 0) for k in range(200, 220)]) == 20
    assert set(cluster.limits_ms) == {TIMEOUT_MS}
    slow_down(cluster, 60)
    with pytest.raises(UnknownOutcome) as caught:
        sql.many("UPSERT INTO t VALUES (?, ?)", [(1, 1), (2, 2)])
    assert caught.value.sqlstate == "HYT00"
