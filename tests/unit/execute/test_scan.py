"""Table scans: Arrow pages, filters, limits, the two fallbacks, and a schema that moves on."""

import pytest

from pegasus_tab.base.errors import NotSupportedError
from pegasus_tab.execute import scan
from pegasus_tab.execute.errors import StaleSchema
from pegasus_tab.execute.session import Session
from pegasus_tab.tabular.errors import UnknownLayout
from pegasus_tab.wire import codes
from tests.fakes.memory_cluster import MemoryCluster
from tests.fakes.sql_runner import SqlRunner

QUERIES = [
    "SELECT * FROM t",
    "SELECT k, n FROM t WHERE n > 5 AND a LIKE 'x%'",
    "SELECT upper(a), m['p'] FROM t WHERE m['p'] = 1",
    "SELECT k FROM t WHERE h IS NULL",
    "SELECT k, TTL(a) FROM t WHERE n < 4",
    "SELECT m FROM t WHERE n IN (1, 3, NULL)",
    "SELECT DISTINCT n % 2 FROM t",
    "SELECT k FROM t ORDER BY n DESC NULLS LAST LIMIT 3",
    "SELECT count(*) FROM t",
    "SELECT count(*) FROM t WHERE n > 5",
    "SELECT count(*) FROM t WHERE upper(a) = 'X1'",
    "SELECT 1 FROM t",
]


@pytest.fixture
def table(sql: SqlRunner, cluster: MemoryCluster) -> SqlRunner:
    sql(
        "CREATE TABLE t (k INT, n INT, a TEXT, h TEXT, m MAP<TEXT,INT>, PRIMARY KEY (k),"
        " FAMILY hot (h)) WITH (partitions = 4)"
    )
    rows = [
        (
            k,
            None if k == 7 else k,
            f"x{k}",
            None if k % 3 else "h",
            {"p": k % 2, "q": k} if k % 4 else None,
        )
        for k in range(20)
    ]
    sql.many("INSERT INTO t VALUES (?, ?, ?, ?, ?)", rows)
    sql("UPSERT INTO t VALUES (99, 99, 'x99', NULL, {'p': 1}) USING TTL 500")
    cluster.calls.clear()
    return sql


def refuse_tab_scan(cluster: MemoryCluster) -> None:
    def refuse(call: object) -> NotSupportedError | None:
        name = call.method.name  # type: ignore[attr-defined]
        return NotSupportedError("ERR_HANDLER_NOT_FOUND") if name == codes.TAB_SCAN else None

    cluster.before = refuse


def sorted_rows(rows: list[tuple[object, ...]]) -> list[str]:
    return sorted(map(repr, rows))


@pytest.mark.parametrize("query", QUERIES)
def test_the_fallbacks_give_equal_rows(
    table: SqlRunner, cluster: MemoryCluster, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    by_arrow = sorted_rows(table(query))
    assert "TAB_SCAN" in cluster.rpc_names("t")
    refuse_tab_scan(cluster)
    assert sorted_rows(table(query)) == by_arrow
    assert sorted_rows(table(query)) == by_arrow
    assert cluster.rpc_names("t").count("TAB_SCAN") <= 4, "the refusal is remembered"
    monkeypatch.setattr(scan, "has_arrow", lambda: False)
    monkeypatch.setattr("pegasus_tab.execute.select.has_arrow", lambda: False)
    assert sorted_rows(table(query)) == by_arrow
    assert "TAB_SCAN" not in cluster.rpc_names("t")


def test_a_limit_reads_no_more_partitions_than_it_needs(
    table: SqlRunner, cluster: MemoryCluster
) -> None:
    assert len(table("SELECT k FROM t LIMIT 3")) == 3
    # One page is on its way when the first one fills the limit.
    assert len(cluster.rpc_names("t")) <= 2
    assert len(table("SELECT k FROM t LIMIT 3 OFFSET 19")) == 2
    assert table("SELECT k FROM t LIMIT 0") == []


def test_a_predicate_that_cannot_hold_asks_nobody(table: SqlRunner, cluster: MemoryCluster) -> None:
    assert table("SELECT k FROM t WHERE n = ?", (None,)) == []
    assert table("SELECT count(*) FROM t WHERE n = ?", (None,)) == [(0,)]
    assert cluster.rpc_names("t") == []


def test_a_scan_of_a_raw_table(sql: SqlRunner, cluster: MemoryCluster) -> None:
    sql("CREATE RAW TABLE r WITH (partitions = 4)")
    rows = [(b"h%d" % n, b"s", b"v%d" % n) for n in range(10)]
    sql.many("UPSERT INTO r VALUES (?, ?, ?)", rows)
    assert sorted(sql("SELECT * FROM r")) == rows
    assert sql("SELECT hash_key FROM r WHERE value = 'v3'") == [(b"h3",)]
    refuse_tab_scan(cluster)
    assert sorted(sql("SELECT * FROM r")) == rows
    assert sql("SELECT hash_key FROM r WHERE value = 'v3'") == [(b"h3",)]


def test_another_sessions_alter_is_noticed_and_the_scan_repeated(
    table: SqlRunner, cluster: MemoryCluster
) -> None:
    before = table("SELECT * FROM t")
    other = Session(cluster.client(), clock=lambda: cluster.now, monotonic=lambda: cluster.now)
    other.execute("ALTER TABLE t ADD COLUMN z INT DEFAULT 4")
    other.execute("UPSERT INTO t (k, z) VALUES (1000, 5)")
    after = table("SELECT * FROM t")
    assert len(after) == len(before) + 1
    assert {row[-1] for row in after} == {4, 5}
    assert table("SELECT z FROM t WHERE k = 1000") == [(5,)]


def test_a_row_newer_than_the_schema_makes_a_lookup_plan_again(
    table: SqlRunner, cluster: MemoryCluster
) -> None:
    assert table("SELECT * FROM t WHERE k = 1") != []
    other = Session(cluster.client(), clock=lambda: cluster.now, monotonic=lambda: cluster.now)
    other.execute("ALTER TABLE t ADD COLUMN z INT")
    other.execute("UPSERT INTO t (k, z) VALUES (1, 5)")
    assert table("SELECT * FROM t WHERE k = 1")[0][-1] == 5


def test_a_write_that_meets_a_newer_schema_is_not_repeated(
    table: SqlRunner, cluster: MemoryCluster
) -> None:
    table("UPDATE t SET n = n + 1 WHERE k = 1")
    other = Session(cluster.client(), clock=lambda: cluster.now, monotonic=lambda: cluster.now)
    other.execute("ALTER TABLE t ADD COLUMN z INT")
    other.execute("UPSERT INTO t (k, z) VALUES (1, 5)")
    with pytest.raises(StaleSchema) as caught:
        table("UPDATE t SET n = n + 1 WHERE k = 1")
    assert caught.value.retryable
    assert table("UPDATE t SET n = n + 1 WHERE k = 1") == 1
    assert table("SELECT n, z FROM t WHERE k = 1") == [(3, 5)]


def test_a_table_dropped_and_made_anew_is_never_read_or_written_as_the_old_one(
    table: SqlRunner, cluster: MemoryCluster
) -> None:
    assert table("SELECT n FROM t WHERE k = 1") == [(1,)]
    assert table("UPDATE t SET n = NULL WHERE k = '1'") == 1
    other = Session(cluster.client(), clock=lambda: cluster.now, monotonic=lambda: cluster.now)
    other.execute("DROP TABLE t")
    other.execute("CREATE TABLE t (k TEXT, n TEXT, PRIMARY KEY (k))")
    other.execute("UPSERT INTO t VALUES ('1', 'one')")
    with pytest.raises(StaleSchema, match="another was made under its name"):
        table("UPDATE t SET n = NULL WHERE k = '1'")
    assert table("SELECT n FROM t WHERE k = '1'") == [("one",)]


def test_a_query_goes_over_to_the_new_table(table: SqlRunner, cluster: MemoryCluster) -> None:
    query = "SELECT * FROM t WHERE k = '1'"
    assert table(query)[0][:2] == (1, 1)
    other = Session(cluster.client(), clock=lambda: cluster.now, monotonic=lambda: cluster.now)
    other.execute("DROP TABLE t")
    other.execute("CREATE TABLE t (k TEXT, n TEXT, PRIMARY KEY (k))")
    other.execute("UPSERT INTO t VALUES ('1', 'one')")
    assert table(query) == [("1", "one")]


def test_a_damaged_row_is_not_taken_for_a_newer_schema(
    table: SqlRunner, cluster: MemoryCluster
) -> None:
    client = cluster.client()
    client.table("t").set((5 + 2**31).to_bytes(4, "big"), b"", b"\xff\xffnonsense")
    with pytest.raises(UnknownLayout):
        table("SELECT * FROM t WHERE k = 5")
