"""Rows by their keys: what is asked of the store for which statement, and what comes back."""

import pytest

from tests.fakes.memory_cluster import MemoryCluster
from tests.fakes.sql_runner import SqlRunner

PLAIN = "CREATE TABLE p (u INT, s INT, a TEXT, b INT, PRIMARY KEY ((u), s)) WITH (partitions = 4)"
WIDE = """
CREATE TABLE w (u INT, s INT, a TEXT, h TEXT, attrs MAP<TEXT,INT>,
    PRIMARY KEY ((u), s), FAMILY hot (h)) WITH (partitions = 4)
"""


@pytest.fixture
def plain(sql: SqlRunner, cluster: MemoryCluster) -> SqlRunner:
    sql(PLAIN)
    sql("INSERT INTO p VALUES (1, 1, 'x', 10), (1, 2, 'y', NULL), (2, 1, 'z', 30)")
    cluster.calls.clear()
    return sql


@pytest.fixture
def wide(sql: SqlRunner, cluster: MemoryCluster) -> SqlRunner:
    sql(WIDE)
    sql("INSERT INTO w VALUES (1, 1, 'x', 'hx', {'k': 1, 'l': 2}), (1, 2, 'y', NULL, NULL)")
    cluster.calls.clear()
    return sql


def test_a_point_read_of_a_plain_row_is_one_get(plain: SqlRunner, cluster: MemoryCluster) -> None:
    assert plain("SELECT * FROM p WHERE u = 1 AND s = 2") == [(1, 2, "y", None)]
    assert cluster.rpc_names("p") == ["GET"]
    assert plain("SELECT b, u FROM p WHERE u = ? AND s = ?", (2, 1)) == [(30, 2)]
    assert plain("SELECT a FROM p WHERE u = ? AND s = ?", (2, 9)) == []
    assert plain("SELECT a FROM p WHERE u = ? AND s = ?", (None, 1)) == []
    assert plain("SELECT a FROM p WHERE u = 1 AND s = 1 AND b > 10") == []
    assert plain("SELECT a FROM p WHERE u = 1 AND s = 1 AND b = 10") == [("x",)]
    assert plain("SELECT a FROM p WHERE u = 1 AND s = 1 LIMIT 0") == []
    assert plain("SELECT a FROM p WHERE u = 1 AND s = 1 OFFSET 1") == []


def test_keys_that_share_a_hash_key_are_one_multi_get(
    plain: SqlRunner, cluster: MemoryCluster
) -> None:
    rows = plain("SELECT s, a FROM p WHERE u = 1 AND s IN (2, 1, 2, 7)")
    assert sorted(rows) == [(1, "x"), (2, "y")]
    assert cluster.rpc_names("p") == ["MULTI_GET"]
    rows = plain("SELECT u, s FROM p WHERE u IN (1, 2, 3) AND s = 1")
    assert sorted(rows) == [(1, 1), (2, 1)]
    assert cluster.rpc_names("p") == ["GET"] * 3


def test_single_cells_of_a_map_are_one_multi_get(wide: SqlRunner, cluster: MemoryCluster) -> None:
    query = "SELECT attrs['k'], attrs[?], h FROM w WHERE u = 1 AND s = 1"
    assert wide(query, ("l",)) == [(1, 2, "hx")]
    assert cluster.rpc_names("w") == ["MULTI_GET"]
    assert wide("SELECT attrs['k'] FROM w WHERE u = 1 AND s = 2") == [(None,)]
    assert wide(query, (None,)) == [(1, None, "hx")]


def test_columns_of_the_main_family_need_no_multi_get(
    wide: SqlRunner, cluster: MemoryCluster
) -> None:
    assert wide("SELECT a FROM w WHERE u = 1 AND s = 1") == [("x",)]
    assert cluster.rpc_names("w") == ["GET"]


def test_a_whole_map_is_read_as_a_range(wide: SqlRunner, cluster: MemoryCluster) -> None:
    assert wide("SELECT attrs, attrs['k'] FROM w WHERE u = 1 AND s = 1") == [({"k": 1, "l": 2}, 1)]
    assert cluster.rpc_names("w") == ["MULTI_GET"]
    assert wide("SELECT attrs FROM w WHERE u = 1 AND s = 2") == [(None,)]
    assert wide("SELECT attrs FROM w WHERE u = 1 AND s = 3") == []


def test_a_map_key_taken_from_the_row_reads_the_whole_map(wide: SqlRunner) -> None:
    wide("UPSERT INTO w VALUES (3, 1, 'k', NULL, {'k': 5})")
    assert wide("SELECT attrs[a] FROM w WHERE u = 3 AND s = 1") == [(5,)]


def test_time_to_live_is_asked_beside_the_row(sql: SqlRunner, cluster: MemoryCluster) -> None:
    sql(WIDE)
    sql("INSERT INTO w VALUES (1, 1, 'x', 'hx', NULL) USING TTL 100")
    sql("UPSERT INTO w (u, s, a) VALUES (2, 1, 'keeps')")
    cluster.now += 30
    cluster.calls.clear()
    assert sql("SELECT TTL(a), a FROM w WHERE u = 1 AND s = 1") == [(70, "x")]
    assert cluster.rpc_names("w") == ["GET", "TTL"]
    assert sql("SELECT TTL(h) FROM w WHERE u = 1 AND s = 1") == [(70,)]
    assert sql("SELECT TTL(a) FROM w WHERE u = 2 AND s = 1") == [(None,)]
    assert sql("SELECT s FROM w WHERE u = 1 AND TTL(a) > 60") == [(1,)]
    assert sql("SELECT s FROM w WHERE u IN (1, 2) AND s = 1 AND TTL(a) > 80") == []
    cluster.now += 70
    assert sql("SELECT TTL(a) FROM w WHERE u = 1 AND s = 1") == []


def test_a_key_that_cannot_exist_is_asked_of_nobody(sql: SqlRunner, cluster: MemoryCluster) -> None:
    sql("CREATE TABLE t (k TEXT, v INT, PRIMARY KEY (k))")
    cluster.calls.clear()
    assert sql("SELECT v FROM t WHERE k = ''") == []
    assert sql("SELECT v FROM t WHERE k = ?", ("x" * 2000,)) == []
    assert sql("SELECT v FROM t WHERE k = 'a' AND k = 'b'") == []
    assert cluster.rpc_names("t") == []


def test_rows_of_a_raw_table(sql: SqlRunner) -> None:
    sql("CREATE RAW TABLE r WITH (partitions = 4)")
    sql("UPSERT INTO r VALUES ('h', 's', 'v'), ('h', 't', 'w'), ('', 's1', 'e'), ('', 's2', 'f')")
    assert sql("SELECT value FROM r WHERE hash_key = 'h' AND sort_key = 's'") == [(b"v",)]
    assert sql("SELECT sort_key FROM r WHERE hash_key = 'h'") == [(b"s",), (b"t",)]
    rows = sql("SELECT value FROM r WHERE hash_key = '' AND sort_key IN ('s1', 's2', 's3')")
    assert sorted(rows) == [(b"e",), (b"f",)]
