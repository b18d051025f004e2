"""SHOW NODES, SHOW CLUSTER, SHOW PARTITIONS OF and BALANCE over accounts written down by hand."""

import pytest

from pegasus_tab.base.errors import DataError, ProgrammingError
from pegasus_tab.base.ids import Gpid
from pegasus_tab.execute.show_cluster import LACKING_MAX, partition_state
from pegasus_tab.wire.codes import MoveType, NodeStatus
from pegasus_tab.wire.messages import (
    NO_ADDRESS,
    Address,
    BalanceRequest,
    NodeAccount,
    PartitionConfiguration,
    PartitionDiagnosis,
    PlannedMove,
)
from tests.fakes.memory_cluster import SERVER, MemoryCluster
from tests.fakes.sql_runner import SqlRunner

A, B = Address("10.0.0.1", 1), Address("10.0.0.2", 2)


@pytest.fixture
def table(cluster: MemoryCluster, sql: SqlRunner) -> SqlRunner:
    sql("CREATE TABLE t (u INT PRIMARY KEY, v INT) WITH (partitions = 2)")
    cluster.operator.nodes = [
        NodeAccount(
            A, NodeStatus.ALIVE, "rack1", "sync", 2, 1, 5, stored_bytes=4096, free_bytes=8192
        ),
        NodeAccount(B, NodeStatus.UNALIVE, "rack2", "os", 0, 1, 9000),
    ]
    cluster.operator.facts = {
        "cluster_id": "box",
        "version": "1",
        "meta_servers": "10.0.0.9:1,10.0.0.8:1",
        "primary_meta_server": "10.0.0.9:1",
        "meta_function_level": "500",
    }
    return sql


def lacking(index: int, reason: str, primary: Address = NO_ADDRESS) -> PartitionDiagnosis:
    config = PartitionConfiguration(Gpid(1, index), 3, 3, primary)
    return PartitionDiagnosis(config, reason=reason)


def test_nodes_with_what_they_hold(table: SqlRunner) -> None:
    assert table("SHOW NODES") == [
        ("10.0.0.1:1", "alive", "rack1", "sync", 2, 1, 5, 4096, 8192),
        ("10.0.0.2:2", "dead", "rack2", "os", 0, 1, 9000, None, None),
    ]


def test_a_node_that_rests_says_so(cluster: MemoryCluster, table: SqlRunner) -> None:
    cluster.operator.nodes = [NodeAccount(A, NodeStatus.ALIVE, rests_ms=23_001)]
    assert table("SHOW NODES")[0][1] == "alive, too slow: no new replicas for 24 s"


def test_partitions_with_decrees_and_state(table: SqlRunner) -> None:
    table("UPSERT INTO t VALUES (1, 1)")
    rows = table("SHOW PARTITIONS OF t")
    assert sorted(row[:4] + row[6:] for row in rows) == [
        (0, SERVER, "", 1, "ok"),
        (1, SERVER, "", 1, "ok"),
    ]
    assert sorted(row[4:6] for row in rows) == [(0, 0), (1, 1)]


@pytest.mark.parametrize(
    ("primary", "secondaries", "reason", "state"),
    [
        (A, [B], "", "ok"),
        (A, [], "", "1 of 2 replicas"),
        (A, [], "10.0.0.2:2 learns", "1 of 2 replicas: 10.0.0.2:2 learns"),
        (A, [], "1 of 2 replicas; no server left", "1 of 2 replicas: no server left"),
        (NO_ADDRESS, [B], "asks 10.0.0.2:2", "no primary: asks 10.0.0.2:2"),
        (A, [B], "remove 10.0.0.2:2", "remove 10.0.0.2:2"),
    ],
)
def test_state_says_what_is_lacking_and_why(
    primary: Address, secondaries: list[Address], reason: str, state: str
) -> None:
    config = PartitionConfiguration(Gpid(1, 0), 3, 2, primary, secondaries)
    assert partition_state(config, reason) == state


def test_a_whole_cluster(table: SqlRunner) -> None:
    facts = dict(table("SHOW CLUSTER"))
    assert facts["cluster"] == "box"
    assert facts["metas"] == "10.0.0.9:1, 10.0.0.8:1"
    assert facts["leader"] == "10.0.0.9:1"
    assert facts["level"] == "lively"
    assert facts["durability"] == "sync"
    assert facts["nodes"] == "1 alive, 1 dead"
    assert (facts["tables"], facts["partitions"], facts["replicas"]) == ("1", "2", "4")
    assert facts["health"] == "ok: every partition has all its replicas"


def test_a_cluster_that_lacks_something_names_it(cluster: MemoryCluster, table: SqlRunner) -> None:
    cluster.operator.facts["why_frozen"] = "only 1 of 3 replica servers are alive"
    cluster.operator.diagnoses = [lacking(0, "is frozen"), lacking(1, "x learns", A)]
    facts = dict(table("SHOW CLUSTER"))
    assert facts["level"] == "lively, acting as freezed: only 1 of 3 replica servers are alive"
    assert facts["health"] == "2 partitions are not whole, 1 have no primary"
    assert facts["t 0"] == "no primary: is frozen"
    assert facts["t 1"] == "1 of 3 replicas: x learns"


def test_lost_metadata_is_told(cluster: MemoryCluster, table: SqlRunner) -> None:
    assert "metadata" not in dict(table("SHOW CLUSTER"))
    cluster.operator.facts["unknown_table"] = "7"
    assert "lost: servers hold table 7" in dict(table("SHOW CLUSTER"))["metadata"]


def test_no_more_partitions_are_named_than_fit(cluster: MemoryCluster, table: SqlRunner) -> None:
    cluster.operator.diagnoses = [lacking(each, "") for each in range(LACKING_MAX + 3)]
    assert table("SHOW CLUSTER")[-1] == ("...", "and 3 more")


def test_plain_pegasus_tells_what_it_knows(cluster: MemoryCluster, table: SqlRunner) -> None:
    cluster.operator.is_plain = True
    assert table("SHOW NODES") == [
        ("10.0.0.1:1", "alive", *[None] * 7),
        ("10.0.0.2:2", "dead", *[None] * 7),
    ]
    assert table("SHOW PARTITIONS OF t") == [
        (0, None, "", 1, 0, None, "no primary"),
        (1, None, "", 1, 0, None, "no primary"),
    ]


@pytest.mark.parametrize(
    ("statement", "order"),
    [
        ("BALANCE", BalanceRequest(1024, False, ())),
        ("BALANCE DRY RUN", BalanceRequest(1024, True, ())),
        ("BALANCE PRIMARIES LIMIT 3", BalanceRequest(3, False, (MoveType.MOVE_PRIMARY,))),
        ("balance replicas limit 1 dry run", BalanceRequest(1, True, (MoveType.COPY_SECONDARY,))),
    ],
)
def test_balance_orders_and_lists_the_moves(
    cluster: MemoryCluster, table: SqlRunner, statement: str, order: BalanceRequest
) -> None:
    cluster.operator.moves = [
        PlannedMove(Gpid(1, 1), MoveType.MOVE_PRIMARY, A, B),
        PlannedMove(Gpid(1, 0), MoveType.COPY_SECONDARY, B, A),
    ]
    assert table(statement) == [
        ("t", 1, "primary", "10.0.0.1:1", "10.0.0.2:2"),
        ("t", 0, "replica", "10.0.0.2:2", "10.0.0.1:1"),
    ]
    assert cluster.operator.orders == [order]


def test_balance_refuses_a_limit_of_nothing(table: SqlRunner) -> None:
    with pytest.raises(DataError) as caught:
        table("BALANCE LIMIT 0")
    assert (caught.value.sqlstate, caught.value.position) == ("2201W", 14)


@pytest.mark.parametrize("statement", ["BALANCE EVERYTHING", "BALANCE DRY", "SHOW NODES OF t"])
def test_what_is_not_understood_is_refused(table: SqlRunner, statement: str) -> None:
    with pytest.raises(ProgrammingError) as caught:
        table(statement)
    assert caught.value.sqlstate == "42601"
