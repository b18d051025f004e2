"""Requests that write rows: many of a partition at once, the fallback, and the same rows by either."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from pegasus_tab.base.errors import NotSupportedError
from pegasus_tab.execute.put_requests import Groups, calls_by_hash_key, calls_by_partition
from pegasus_tab.kv.call import Call
from pegasus_tab.wire import codes
from tests.fakes.memory_cluster import MemoryCluster
from tests.fakes.sql_runner import SqlRunner

UPSERT = "UPSERT INTO t VALUES (?, ?)"
ROWS = [(k, f"v{k}") for k in range(1000)]


@pytest.fixture
def table(sql: SqlRunner, cluster: MemoryCluster) -> SqlRunner:
    sql("CREATE TABLE t (k INT, v TEXT, PRIMARY KEY (k)) WITH (partitions = 4)")
    cluster.calls.clear()
    return sql


def refuse_put_rows(call: Call[object]) -> NotSupportedError | None:
    known = call.method.name != codes.TAB_PUT_ROWS
    return None if known else NotSupportedError("ERR_HANDLER_NOT_FOUND")


def test_many_rows_take_few_requests(table: SqlRunner, cluster: MemoryCluster) -> None:
    assert table.many(UPSERT, ROWS) == 1000
    names = cluster.rpc_names("t")
    assert set(names) == {"TAB_PUT_ROWS"}
    assert len(names) <= 1 + 2 * 4
    assert sorted(table("SELECT * FROM t")) == ROWS


def test_the_question_is_asked_once(table: SqlRunner, cluster: MemoryCluster) -> None:
    table.many(UPSERT, ROWS[:100])
    first = len(cluster.rpc_names("t"))
    table.many(UPSERT, ROWS[:100])
    assert len(cluster.rpc_names("t")) == first - 1


def test_a_plain_server_gets_what_it_knows(table: SqlRunner, cluster: MemoryCluster) -> None:
    cluster.before = refuse_put_rows
    for _ in range(2):
        assert table.many(UPSERT, ROWS[:100]) == 100
    assert cluster.rpc_names("t") == ["TAB_PUT_ROWS", *["PUT"] * 200]
    assert sorted(table("SELECT * FROM t")) == ROWS[:100]


def test_a_few_rows_go_one_by_one(table: SqlRunner, cluster: MemoryCluster) -> None:
    table.many(UPSERT, ROWS[:3])
    assert cluster.rpc_names("t") == ["PUT"] * 3


def test_a_full_request_leaves_before_it_is_too_large(
    table: SqlRunner, cluster: MemoryCluster
) -> None:
    rows = [(k, "x" * 300_000) for k in range(20)]
    assert table.many(UPSERT, rows) == 20
    assert cluster.rpc_names("t").count("TAB_PUT_ROWS") > 7
    assert sorted(table("SELECT k FROM t")) == [(k,) for k in range(20)]


def test_rows_of_a_hash_key_stay_together(cluster: MemoryCluster) -> None:
    groups: Groups = {b"%d" % k: {b"%d" % s: (b"", 0) for s in range(900)} for k in range(30)}
    calls = list(calls_by_partition(cluster.client().table("t"), groups, 1))
    assert len(calls) == 30, "each of these hash keys is as many rows as are wanted, so none joins"


GROUPS = st.dictionaries(
    st.sampled_from([b"", b"a", b"b", b"c"]),
    st.dictionaries(
        st.binary(max_size=2),
        st.tuples(st.binary(max_size=3), st.sampled_from([0, 500])),
        min_size=1,
        max_size=4,
    ),
)


@given(GROUPS)
def test_both_ways_write_the_same_rows(groups: Groups) -> None:
    found = []
    for way in (calls_by_hash_key, lambda calls, rows: calls_by_partition(calls, rows, 4)):
        cluster = MemoryCluster()
        client = cluster.client()
        client.create_table("t", partitions=4)
        for call in way(client.table("t"), groups):
            client.call(call)
        found.append(
            [
                [(key, stored[:4], stored[12:]) for key, stored in each.engine.scan(b"", b"\xff")]
                for table in cluster.tables
                for each in table.partitions
            ]
        )
    assert found[0] == found[1]
