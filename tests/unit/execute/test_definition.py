"""CREATE, ALTER, DROP, RECALL, RENAME, SHOW, DESCRIBE, SET and EXPLAIN through a session."""

# ruff: noqa: DTZ001 -- a naive timestamp is UTC in this product

from datetime import datetime

import pytest

from pegasus_tab.base.errors import DataError, ProgrammingError
from pegasus_tab.execute.session import Session
from tests.fakes.memory_cluster import MemoryCluster
from tests.fakes.sql_runner import SqlRunner

CREATE = """CREATE TABLE t (
    u BIGINT,
    at TIMESTAMP,
    name TEXT NOT NULL DEFAULT 'it''s',
    price DECIMAL(10,2),
    hot TEXT,
    attrs MAP<TEXT,INT>,
    PRIMARY KEY ((u), at DESC),
    FAMILY warm (hot)
) WITH (partitions = 8, replicas = 1, default_ttl = 86400)"""


@pytest.fixture
def table(sql: SqlRunner) -> SqlRunner:
    sql(CREATE)
    return sql


def test_show_create_table_makes_the_same_table_again(
    table: SqlRunner, cluster: MemoryCluster
) -> None:
    [(name, text)] = table("SHOW CREATE TABLE t")
    assert (name, text) == ("t", CREATE)
    table("DROP TABLE t")
    table(text)
    first, second = cluster.tables
    assert first.envs == second.envs
    assert len(first.partitions) == len(second.partitions) == 8


def test_show_create_of_a_raw_table_and_quoted_names(sql: SqlRunner) -> None:
    sql('CREATE RAW TABLE "Odd Name" WITH (partitions = 2)')
    [(_, text)] = sql('SHOW CREATE TABLE "Odd Name"')
    assert text == 'CREATE RAW TABLE "Odd Name" WITH (partitions = 2, replicas = 1)'


def test_describe(table: SqlRunner) -> None:
    assert table("DESCRIBE t") == [
        ("u", "BIGINT", "hash", False, None, "main"),
        ("at", "TIMESTAMP", "sort desc", False, None, "main"),
        ("name", "TEXT", "", False, "'it''s'", "main"),
        ("price", "DECIMAL(10,2)", "", True, None, "main"),
        ("hot", "TEXT", "", True, None, "warm"),
        ("attrs", "MAP<TEXT,INT>", "", True, None, "attrs"),
    ]


def test_show_tables_and_dropped_tables(table: SqlRunner) -> None:
    table("CREATE RAW TABLE r WITH (partitions = 2)")
    assert table("SHOW TABLES") == [("r", "raw", 2, 1, 2), ("t", "table", 8, 1, 1)]
    table("DROP TABLE t")
    assert table("SHOW DROPPED TABLES") == [(1, "t", datetime(2023, 11, 14, 22, 13, 20), None)]
    assert [row[0] for row in table("SHOW PARTITIONS OF r")] == [0, 1]


def test_drop_and_recall(table: SqlRunner) -> None:
    table("INSERT INTO t (u, at, price) VALUES (1, '2024-01-01', 5)")
    table("DROP TABLE t")
    assert table.notices == ["RECALL TABLE t brings it back until its hold time ends"]
    with pytest.raises(ProgrammingError) as caught:
        table("SELECT * FROM t")
    assert caught.value.sqlstate == "42P01"
    table("RECALL TABLE t AS back")
    assert table("SELECT name FROM back WHERE u = 1") == [("it's",)]
    table("DROP TABLE back")
    table("RECALL TABLE 1")
    assert table("SELECT count(*) FROM back") == [(1,)]


def test_if_exists_and_if_not_exists_say_what_they_did(table: SqlRunner) -> None:
    table("CREATE TABLE IF NOT EXISTS t (a INT, PRIMARY KEY (a))")
    assert table.notices == ['table "t" exists already, nothing was done']
    table("DROP TABLE IF EXISTS missing")
    assert table.notices == ['table "missing" does not exist, nothing was done']
    with pytest.raises(ProgrammingError) as caught:
        table("CREATE TABLE t (a INT, PRIMARY KEY (a))")
    assert caught.value.sqlstate == "42P07"


def test_alter_changes_columns_options_and_name(table: SqlRunner, cluster: MemoryCluster) -> None:
    table("INSERT INTO t (u, at) VALUES (1, '2024-01-01')")
    table("ALTER TABLE t ADD COLUMN extra INT DEFAULT 3")
    table("ALTER TABLE t RENAME COLUMN price TO cost")
    table("ALTER TABLE t DROP COLUMN hot")
    assert table("SELECT extra, cost FROM t WHERE u = 1") == [(3, None)]
    table("ALTER TABLE t SET (default_ttl = 50)")
    assert cluster.tables[0].envs["default_ttl"] == "50"
    table("ALTER TABLE t SET (default_ttl = DEFAULT)")
    assert "default_ttl" not in cluster.tables[0].envs
    table("ALTER TABLE t RENAME TO s")
    assert table("SELECT extra FROM s WHERE u = 1") == [(3,)]


def test_another_sessions_table_is_found_without_waiting(
    sql: SqlRunner, cluster: MemoryCluster
) -> None:
    assert sql("SHOW TABLES") == []
    other = Session(cluster.client(), clock=lambda: cluster.now, monotonic=lambda: cluster.now)
    other.execute("CREATE TABLE n (a INT, PRIMARY KEY (a))")
    assert sql("SELECT * FROM n") == []


def test_settings_are_the_sessions_own(sql: SqlRunner, session: Session) -> None:
    assert sql("SHOW full_scan") == [("full_scan", "allow", "allow, warn or error")]
    sql("SET full_scan = warn")
    assert sql("SHOW full_scan")[0][1] == "warn"
    sql("CREATE TABLE t (a INT, PRIMARY KEY (a))")
    sql("SELECT * FROM t")
    assert "reads all 4 partitions" in sql.notices[0]
    sql("SELECT count(*) FROM t x, t y")
    assert len(sql.notices) == 1
    sql("SET full_scan = error")
    with pytest.raises(ProgrammingError):
        sql("SELECT * FROM t")
    sql("RESET full_scan")
    assert session.settings == {}
    with pytest.raises(ProgrammingError):
        sql("SET full_scan = perhaps")


def test_explain_analyze_measures_and_runs_the_statement(table: SqlRunner) -> None:
    assert table("EXPLAIN SELECT * FROM t WHERE u = 1")[0] == ("Range scan of t",)
    lines = table("EXPLAIN ANALYZE INSERT INTO t (u, at) VALUES (1, '2024-01-01')")
    assert lines[-1] == ("Actual: rows 1, milliseconds 0.0",)
    assert table("SELECT count(*) FROM t") == [(1,)]
    [(document,)] = table("EXPLAIN (FORMAT json) SELECT * FROM t")
    assert document.startswith("{")


def test_another_number_of_copies_is_asked_for(table: SqlRunner) -> None:
    table("ALTER TABLE t SET (replicas = 3, default_ttl = 60)")
    assert table("SHOW TABLES") == [("t", "table", 8, 3, 1)]
    with pytest.raises(DataError, match="does not take 6"):
        table("ALTER TABLE t SET (replicas = 6)")
