"""Range scans: directions, bounds, paging, wide rows that span pages, early stops."""

import pytest

from pegasus_tab.execute import row_source
from tests.fakes.memory_cluster import MemoryCluster
from tests.fakes.sql_runner import SqlRunner


@pytest.fixture
def events(sql: SqlRunner, cluster: MemoryCluster) -> SqlRunner:
    sql("CREATE TABLE e (u INT, at INT, n TEXT, PRIMARY KEY ((u), at DESC)) WITH (partitions = 4)")
    sql.many(
        "UPSERT INTO e VALUES (?, ?, ?)", [(u, at, f"{u}-{at}") for u in (1, 2) for at in range(50)]
    )
    cluster.calls.clear()
    return sql


def ats(rows: list[tuple[int, ...]]) -> list[int]:
    return [row[0] for row in rows]


def test_rows_come_in_storage_order_and_back(events: SqlRunner) -> None:
    assert ats(events("SELECT at FROM e WHERE u = 1")) == list(range(49, -1, -1))
    assert ats(events("SELECT at FROM e WHERE u = 1 ORDER BY at DESC")) == list(range(49, -1, -1))
    assert ats(events("SELECT at FROM e WHERE u = 1 ORDER BY at")) == list(range(50))


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("at > 47", [49, 48]),
        ("at >= 47", [49, 48, 47]),
        ("at < 2", [1, 0]),
        ("at <= 1 AND at > 0", [1]),
        ("at BETWEEN 3 AND 5", [5, 4, 3]),
        ("at > 5 AND at < 5", []),
        ("at > ?", [49]),
        ("at > NULL", []),
    ],
)
def test_bounds_are_in_the_columns_own_order(
    events: SqlRunner, where: str, expected: list[int]
) -> None:
    parameters = (48,) if "?" in where else ()
    assert ats(events(f"SELECT at FROM e WHERE u = 1 AND {where}", parameters)) == expected


def test_limit_stops_the_reading(events: SqlRunner, cluster: MemoryCluster) -> None:
    assert ats(events("SELECT at FROM e WHERE u = 1 LIMIT 2 OFFSET 1")) == [48, 47]
    assert ats(events("SELECT at FROM e WHERE u = 1 ORDER BY at LIMIT 2")) == [0, 1]
    assert ats(events("SELECT at FROM e WHERE u = 1 AND n LIKE '%5' LIMIT 1")) == [45]
    assert cluster.rpc_names("e") == ["MULTI_GET"] * 3


def test_counting_a_range_reads_no_value(events: SqlRunner, cluster: MemoryCluster) -> None:
    assert events("SELECT count(*) FROM e WHERE u = 1 AND at >= 10") == [(40,)]
    assert events("SELECT count(*) FROM e WHERE u = 1 AND n LIKE '%0'") == [(5,)]
    assert cluster.rpc_names("e") == ["MULTI_GET"] * 2


def test_several_hash_keys_with_one_range(events: SqlRunner) -> None:
    rows = events("SELECT u, at FROM e WHERE u IN (2, 1, 2) AND at > 47")
    assert sorted(rows) == [(1, 48), (1, 49), (2, 48), (2, 49)]


@pytest.mark.parametrize("order", ["", " ORDER BY s DESC"])
def test_wide_rows_stay_whole_across_pages(
    sql: SqlRunner,
    cluster: MemoryCluster,
    monkeypatch: pytest.MonkeyPatch,
    order: str,
) -> None:
    monkeypatch.setattr(row_source, "RANGE_PAGE_BYTES", 40)
    sql("CREATE TABLE w (u INT, s INT, a TEXT, m MAP<TEXT,INT>, PRIMARY KEY ((u), s))")
    wanted = [(s, "x" * s, {f"k{n}": n for n in range(s)} or None) for s in range(8)]
    sql.many("INSERT INTO w VALUES (1, ?, ?, ?)", wanted)
    cluster.calls.clear()
    rows = sql(f"SELECT s, a, m FROM w WHERE u = 1{order}")
    assert rows == (wanted[::-1] if order else wanted)
    assert len(cluster.rpc_names("w")) > 5


def test_a_range_with_times_to_live(sql: SqlRunner) -> None:
    sql("CREATE TABLE t (u INT, s INT, a TEXT, PRIMARY KEY ((u), s))")
    sql("INSERT INTO t VALUES (1, 1, 'x') USING TTL 50")
    sql("INSERT INTO t VALUES (1, 2, 'y')")
    assert sql("SELECT s, TTL(a) FROM t WHERE u = 1") == [(1, 50), (2, None)]
    assert sql("SELECT s FROM t WHERE u = 1 AND TTL(a) < 60") == [(1,)]
