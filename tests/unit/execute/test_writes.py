"""INSERT, UPSERT, UPDATE and DELETE: results, errors, what is sent, and what concurrent writers see."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from pegasus_tab.base.errors import DataError, IntegrityError, OperationalError, ProgrammingError
from pegasus_tab.execute import conditional, put_stream, row_source
from pegasus_tab.execute.session import Session
from pegasus_tab.wire import codes
from tests.fakes.memory_cluster import MemoryCluster
from tests.fakes.sql_runner import SqlRunner


@pytest.fixture
def table(sql: SqlRunner, cluster: MemoryCluster) -> SqlRunner:
    sql(
        "CREATE TABLE t (u INT, s INT, a TEXT, n INT DEFAULT 7, PRIMARY KEY ((u), s)) WITH (partitions = 4)"
    )
    cluster.calls.clear()
    return sql


@pytest.fixture
def wide(sql: SqlRunner, cluster: MemoryCluster) -> SqlRunner:
    sql(
        "CREATE TABLE w (k INT, a TEXT, n INT, h TEXT DEFAULT 'dh', req INT NOT NULL DEFAULT 1,"
        " m MAP<TEXT,INT>, PRIMARY KEY (k), FAMILY hot (h)) WITH (partitions = 4)"
    )
    cluster.calls.clear()
    return sql


def other_session(cluster: MemoryCluster) -> SqlRunner:
    return SqlRunner(
        Session(cluster.client(), clock=lambda: cluster.now, monotonic=lambda: cluster.now)
    )


# ---- INSERT and UPSERT --------------------------------------------------------------------------


def test_insert_refuses_a_duplicate_and_names_it(table: SqlRunner) -> None:
    assert table("INSERT INTO t VALUES (1, 1, 'x', 1), (1, 2, 'y', 2)") == 2
    with pytest.raises(IntegrityError) as caught:
        table("INSERT INTO t VALUES (1, 3, 'z', 3), (1, 1, 'again', 9)")
    assert caught.value.sqlstate == "23505"
    assert "(u = 1, s = 1)" in caught.value.message
    assert "1 other rows of this statement were inserted" in caught.value.message
    assert table("SELECT a FROM t WHERE u = 1") == [("x",), ("y",), ("z",)]


def test_insert_on_conflict_do_nothing_counts_the_new_rows(table: SqlRunner) -> None:
    table("INSERT INTO t VALUES (1, 1, 'x', 1)")
    assert table("INSERT INTO t VALUES (1, 1, 'q', 1), (1, 2, 'y', 1) ON CONFLICT DO NOTHING") == 1
    assert table("SELECT a FROM t WHERE u = 1") == [("x",), ("y",)]


def test_insert_from_the_same_table_does_not_meet_its_own_rows(
    table: SqlRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_source, "RANGE_PAGE_BYTES", 500)
    table.many("UPSERT INTO t VALUES (?, ?, ?, ?)", [(1, s, "x", s) for s in range(600)])
    query = "SELECT u, s + 600, a, n FROM t WHERE u = 1 AND s < 2000"
    assert table(f"INSERT INTO t {query}") == 600


def test_upsert_of_rows_that_share_a_hash_key_is_one_request(
    table: SqlRunner, cluster: MemoryCluster
) -> None:
    rows = "(1, 1, 'a', 1), (1, 2, 'b', 2), (2, 1, 'c', 3), (1, 1, 'last wins', 4)"
    assert table(f"UPSERT INTO t VALUES {rows}") == 4
    assert sorted(cluster.rpc_names("t")) == ["MULTI_PUT", "PUT"]
    assert table("SELECT s, a FROM t WHERE u = 1") == [(1, "last wins"), (2, "b")]


def test_defaults_and_nulls_complete_a_row(table: SqlRunner) -> None:
    table("INSERT INTO t (s, u) VALUES (1, 1)")
    table("INSERT INTO t (s, u, n) VALUES (2, 1, NULL)")
    table.many("INSERT INTO t (s, u) VALUES (?, ?)", [(3, 1), [4, 1]])
    assert table("SELECT * FROM t WHERE u = 1") == [
        (1, 1, None, 7), (1, 2, None, None), (1, 3, None, 7), (1, 4, None, 7)
    ]  # fmt: skip


def test_insert_select(table: SqlRunner) -> None:
    table("INSERT INTO t VALUES (1, 1, 'x', 1), (1, 2, 'y', 2)")
    assert table("INSERT INTO t (u, s, a) SELECT 5, s, upper(a) FROM t WHERE u = 1") == 2
    assert table("SELECT * FROM t WHERE u = 5") == [(5, 1, "X", 7), (5, 2, "Y", 7)]
    with pytest.raises(ProgrammingError):
        table("INSERT INTO t (u, s) SELECT u FROM t WHERE u = 1")


@pytest.mark.parametrize(
    ("text", "parameters", "error", "sqlstate"),
    [
        ("INSERT INTO t VALUES (?, 1, 'x', 1)", (None,), IntegrityError, "23502"),
        ("INSERT INTO t VALUES (?, 1, 'x', 1)", (2**31,), DataError, "22003"),
        ("INSERT INTO t VALUES (?, 1, 'x', 1)", ("one",), DataError, "22P02"),
        ("UPSERT INTO t VALUES (1, 1, ?, 1)", (5,), DataError, "42804"),
        ("UPSERT INTO t VALUES (1, 1, ?, 1)", ("x" * (1 << 20),), DataError, "54000"),
        ("UPSERT INTO t VALUES (1, 1, 'x', 1) USING TTL ?", (0,), DataError, "22023"),
        ("UPSERT INTO t VALUES (1, 1, 'x', 1) USING TTL ?", (2**31 - 1,), DataError, "22003"),
        ("INSERT INTO t VALUES (?, 1, 'x', 1)", (), ProgrammingError, "07001"),
    ],
)
def test_bad_values_are_refused(
    table: SqlRunner,
    text: str,
    parameters: tuple[object, ...],
    error: type[Exception],
    sqlstate: str,
) -> None:
    with pytest.raises(error) as caught:
        table(text, parameters)
    assert caught.value.sqlstate == sqlstate  # type: ignore[attr-defined]  # all are Error
    assert table("SELECT count(*) FROM t") == [(0,)]


def test_executemany_says_which_row_is_at_fault(table: SqlRunner) -> None:
    for verb in ("UPSERT", "INSERT"):
        with pytest.raises(DataError, match='row 2: column "n"'):
            table.many(f"{verb} INTO t VALUES (?, ?, ?, ?)", [(1, 1, "x", 1), (1, 2, "x", "no")])
    with pytest.raises(ProgrammingError, match="4 parameters, 2 were given"):
        table.many("UPSERT INTO t VALUES (?, ?, ?, ?)", [(1, 1)])


def test_executemany_takes_values_of_every_accepted_form(table: SqlRunner) -> None:
    rows = [("3", 1.0, "x", Decimal(5)), (True + 3, 1, "y", None)]
    assert table.many("UPSERT INTO t VALUES (?, ?, ?, ?)", rows) == 2
    assert table("SELECT * FROM t WHERE u IN (3, 4) AND s = 1 ORDER BY u") == [
        (3, 1, "x", 5), (4, 1, "y", None)
    ]  # fmt: skip
    assert table.many("UPSERT INTO t VALUES (?, ?, ?, ?)", []) == 0


def test_executemany_with_expressions_and_names(table: SqlRunner) -> None:
    table.many("UPSERT INTO t VALUES (:u, :u + 1, upper(:a), 0)", [{"u": 1, "a": "x"}])
    assert table("SELECT * FROM t") == [(1, 2, "X", 0)]


def test_a_later_row_never_overtakes_an_earlier_one(
    table: SqlRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The cluster in memory answers concurrent requests in the worst order.
    monkeypatch.setattr(put_stream, "CHUNK_ROWS", 3)
    rows = [(n % 4, 1, f"v{n}", n) for n in range(40)]
    assert table.many("UPSERT INTO t VALUES (?, ?, ?, ?)", rows) == 40
    assert sorted(table("SELECT u, n FROM t")) == [(0, 36), (1, 37), (2, 38), (3, 39)]


def test_rows_beyond_one_request_are_cut(table: SqlRunner, cluster: MemoryCluster) -> None:
    rows = [(1, s, "x" * 400_000, s) for s in range(5)]
    assert table.many("UPSERT INTO t VALUES (?, ?, ?, ?)", rows) == 5
    assert cluster.rpc_names("t") == ["MULTI_PUT"] * 3
    rows = [(1, s, "y", s) for s in range(2500)]
    assert table.many("UPSERT INTO t VALUES (?, ?, ?, ?)", rows) == 2500
    assert cluster.rpc_names("t") == ["MULTI_PUT"] * 3
    assert table("SELECT count(*) FROM t WHERE u = 1") == [(2500,)]


def test_time_to_live_of_a_write(table: SqlRunner, cluster: MemoryCluster) -> None:
    table("UPSERT INTO t VALUES (1, 1, 'x', 1) USING TTL 60")
    table("INSERT INTO t VALUES (1, 2, 'x', 1) USING TTL ?", (60,))
    table("UPSERT INTO t VALUES (1, 3, 'x', 1)")
    cluster.now += 61
    assert table("SELECT s FROM t WHERE u = 1") == [(3,)]
    assert table("INSERT INTO t VALUES (1, 2, 'again', 1)") == 1


# ---- merging UPSERT -----------------------------------------------------------------------------


def test_upsert_keeps_what_it_does_not_list(wide: SqlRunner) -> None:
    wide("INSERT INTO w (k, a, n, h, m) VALUES (1, 'a', 5, 'h', {'x': 1, 'y': 2})")
    assert wide("UPSERT INTO w (k, n) VALUES (1, 6)") == 1
    assert wide("SELECT * FROM w WHERE k = 1") == [(1, "a", 6, "h", 1, {"x": 1, "y": 2})]
    wide("UPSERT INTO w (k, m) VALUES (1, {'z': 3})")
    assert wide("SELECT * FROM w WHERE k = 1") == [(1, "a", 6, "h", 1, {"z": 3})]
    wide("UPSERT INTO w (k, h) VALUES (1, 'h2')")
    assert wide("SELECT * FROM w WHERE k = 1") == [(1, "a", 6, "h2", 1, {"z": 3})]


def test_upsert_of_a_new_row_takes_defaults(wide: SqlRunner) -> None:
    wide("UPSERT INTO w (k, n) VALUES (2, 6), (3, 7)")
    assert wide("SELECT * FROM w WHERE k = 2") == [(2, None, 6, "dh", 1, None)]
    with pytest.raises(IntegrityError):
        wide("UPSERT INTO w (k, req) VALUES (4, ?)", (None,))


def test_upsert_merges_rows_of_one_statement_in_order(wide: SqlRunner) -> None:
    wide.many("UPSERT INTO w (k, n) VALUES (?, ?)", [(1, 1), (2, 2), (1, 3)])
    wide.many("UPSERT INTO w (k, a) VALUES (?, ?)", [(1, "p"), (1, "q")])
    assert wide("SELECT k, n, a FROM w WHERE k IN (1, 2) ORDER BY k") == [(1, 3, "q"), (2, 2, None)]


# ---- UPDATE -------------------------------------------------------------------------------------


def test_update_by_key_by_range_and_by_scan(table: SqlRunner) -> None:
    table("INSERT INTO t VALUES (1, 1, 'x', 1), (1, 2, 'y', 2), (2, 1, 'z', 3)")
    assert table("UPDATE t SET n = n + 10, a = a || '!' WHERE u = 1 AND s = 1") == 1
    assert table("UPDATE t SET n = 0 WHERE u = 9 AND s = 1") == 0
    assert table("UPDATE t SET n = n * 2 WHERE u = 1") == 2
    assert table("UPDATE t SET a = NULL WHERE n = 4") == 1
    assert table("SELECT * FROM t ORDER BY u, s") == [
        (1, 1, "x!", 22), (1, 2, None, 4), (2, 1, "z", 3)
    ]  # fmt: skip


def test_update_of_a_wide_row_touches_its_families_alone(
    wide: SqlRunner, cluster: MemoryCluster
) -> None:
    wide("INSERT INTO w (k, a, n, h, m) VALUES (1, 'a', 5, 'h', {'x': 1, 'y': 2})")
    cluster.calls.clear()
    assert wide("UPDATE w SET h = h || a WHERE k = 1") == 1
    assert wide("UPDATE w SET m['x'] = m['x'] + 10, m['y'] = NULL, n = 6 WHERE k = 1") == 1
    assert wide("SELECT a, n, h, m FROM w WHERE k = 1") == [("a", 6, "ha", {"x": 11})]
    assert wide("UPDATE w SET m = {'q': 1} WHERE k = 1") == 1
    assert wide("UPDATE w SET m[a] = 2 WHERE k = 1") == 1
    assert wide("SELECT m FROM w WHERE k = 1") == [({"q": 1, "a": 2},)]
    assert wide("UPDATE w SET m['z'] = 1 WHERE k = 404") == 0


def test_update_keeps_the_time_to_live_unless_told(
    table: SqlRunner, cluster: MemoryCluster
) -> None:
    table("INSERT INTO t VALUES (1, 1, 'x', 1) USING TTL 100")
    table("INSERT INTO t VALUES (1, 2, 'x', 1)")
    cluster.now += 40
    assert table("UPDATE t SET n = 2 WHERE u = 1") == 2
    assert table("SELECT s, TTL(n) FROM t WHERE u = 1") == [(1, 60), (2, None)]
    assert table("UPDATE t SET n = 3 WHERE u = 1 USING TTL 500") == 2
    assert table("SELECT s, TTL(n) FROM t WHERE u = 1") == [(1, 500), (2, 500)]
    assert table("UPDATE t SET n = 4 WHERE u = 1 AND TTL(a) > 1000") == 0


def test_executemany_of_updates_in_order(table: SqlRunner) -> None:
    table.many("UPSERT INTO t VALUES (?, 1, 'x', 0)", [(u,) for u in range(5)])
    steps = [(1, 0), (2, 1), (4, 0), (8, 7), (16, 1)]
    assert table.many("UPDATE t SET n = n * 3 + ? WHERE u = ? AND s = 1", steps) == 4
    assert sorted(table("SELECT u, n FROM t")) == [(0, 7), (1, 22), (2, 0), (3, 0), (4, 0)]


def test_concurrent_increments_are_not_lost(table: SqlRunner, cluster: MemoryCluster) -> None:
    table("INSERT INTO t VALUES (1, 1, 'x', 0)")
    other = other_session(cluster)
    left = [3]

    def meddle(call: object) -> None:
        if call.method.name == codes.CHECK_AND_MUTATE and left[0]:  # type: ignore[attr-defined]
            left[0] -= 1
            cluster.before, before = lambda _call: None, cluster.before
            other("UPDATE t SET n = n + 100 WHERE u = 1 AND s = 1")
            cluster.before = before

    cluster.before = meddle
    assert table("UPDATE t SET n = n + 1 WHERE u = 1 AND s = 1") == 1
    assert table("SELECT n FROM t WHERE u = 1 AND s = 1") == [(301,)]


def test_a_row_that_never_stands_still_ends_in_a_retryable_error(
    table: SqlRunner, cluster: MemoryCluster
) -> None:
    table("INSERT INTO t VALUES (1, 1, 'x', 0)")
    other = other_session(cluster)
    numbers = iter(range(1, 100))

    def meddle(call: object) -> None:
        if call.method.name == codes.CHECK_AND_MUTATE:  # type: ignore[attr-defined]
            other("UPSERT INTO t VALUES (1, 1, 'x', ?)", (next(numbers),))

    cluster.before = meddle
    with pytest.raises(OperationalError) as caught:
        table("UPDATE t SET a = 'y' WHERE u = 1 AND s = 1")
    assert (caught.value.sqlstate, caught.value.retryable) == ("40001", True)
    assert next(numbers) == conditional.ROUNDS_MAX + 1


def test_where_is_tested_again_at_the_moment_of_the_write(
    table: SqlRunner, cluster: MemoryCluster
) -> None:
    table("INSERT INTO t VALUES (1, 1, 'x', 0), (1, 2, 'x', 0)")
    other = other_session(cluster)
    done: list[int] = []

    def meddle(call: object) -> None:
        if call.method.name == codes.CHECK_AND_MUTATE and not done:  # type: ignore[attr-defined]
            done.append(1)
            other("UPSERT INTO t VALUES (1, 1, 'x', 5)")

    cluster.before = meddle
    assert table("DELETE FROM t WHERE u = 1 AND n = 0") == 1
    assert table("SELECT s, n FROM t WHERE u = 1") == [(1, 5)]


# ---- DELETE -------------------------------------------------------------------------------------


def test_delete_counts_the_rows_that_were_there(table: SqlRunner, cluster: MemoryCluster) -> None:
    table("INSERT INTO t VALUES (1, 1, 'x', 1), (1, 2, 'y', 2), (2, 1, 'z', 3), (3, 1, 'q', 4)")
    cluster.calls.clear()
    assert table("DELETE FROM t WHERE u = 1 AND s IN (1, 5)") == 1
    assert cluster.rpc_names("t") == ["CHECK_AND_MUTATE"] * 2
    assert table("DELETE FROM t WHERE u = 1") == 1
    assert table("DELETE FROM t WHERE n > 3") == 1
    assert table.many("DELETE FROM t WHERE u = ? AND s = 1", [(2,), (2,), (8,)]) == 1
    assert table("SELECT count(*) FROM t") == [(0,)]


def test_a_wide_row_goes_wholly(wide: SqlRunner, cluster: MemoryCluster) -> None:
    wide("INSERT INTO w (k, a, h, m) VALUES (1, 'a', 'h', {'x': 1}), (2, 'b', 'h', {'x': 1})")
    assert wide("DELETE FROM w WHERE k = 1") == 1
    assert wide("DELETE FROM w WHERE k = 1") == 0
    assert wide("DELETE FROM w WHERE a = 'b'") == 1
    assert all(not list(one.engine.scan(b"", b"\xff\xff")) for one in cluster.tables[-1].partitions)


def test_a_row_wider_than_a_request_goes_wholly(wide: SqlRunner, cluster: MemoryCluster) -> None:
    wide("INSERT INTO w (k, a) VALUES (1, 'a')")
    for start in range(0, 3000, 500):
        cells = {f"k{n}": n for n in range(start, start + 500)}
        wide("UPDATE w SET m = ? WHERE k = 1", ({**cells},)) if not start else None
        for n in range(start, start + 500) if start else ():
            wide("UPDATE w SET m[?] = ? WHERE k = 1", (f"k{n}", n))
    cluster.calls.clear()
    assert wide("DELETE FROM w WHERE k = 1") == 1
    assert cluster.rpc_names("w").count("MULTI_REMOVE") >= 2
    assert all(not list(one.engine.scan(b"", b"\xff\xff")) for one in cluster.tables[-1].partitions)


def test_delete_of_single_cells(wide: SqlRunner) -> None:
    wide("INSERT INTO w (k, m) VALUES (1, {'x': 1, 'y': 2}), (2, {'x': 1})")
    assert wide("DELETE m['x'] FROM w WHERE k IN (1, 2, 3)") == 2
    assert wide("SELECT k, m FROM w ORDER BY k") == [(1, {"y": 2}), (2, None)]


def test_moments_travel_as_naive_utc(sql: SqlRunner) -> None:
    sql("CREATE TABLE e (k INT, at TIMESTAMP, PRIMARY KEY (k))")
    aware = datetime(2024, 1, 31, 10, 0, tzinfo=UTC)
    sql("INSERT INTO e VALUES (1, ?)", (aware,))
    assert sql("SELECT at FROM e WHERE k = 1") == [(aware.replace(tzinfo=None),)]
