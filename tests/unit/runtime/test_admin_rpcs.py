"""What an operator's client asks reaches the meta machine, and its answers come back whole."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pegasus_server.meta.cluster_inputs import Deposed, Elected
from pegasus_server.meta.cluster_meta import ClusterMeta
from pegasus_server.meta.cluster_numbers import ClusterNumbers
from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.messages import StoredRequest
from pegasus_server.meta.partition import PartitionRecord
from pegasus_server.meta.store_effects import StoreEffect
from pegasus_server.meta.store_inputs import StoreInput
from pegasus_server.meta.table import Table, TableStatus
from pegasus_server.runtime.clock import boottime_us
from pegasus_server.runtime.cluster_meta_rpcs import ClusterMetaRpcs
from pegasus_server.runtime.meta_driver import MetaDriver
from pegasus_server.runtime.proposal import UnknownProposalError, order_of
from pegasus_tab.base.cluster import (
    Beacon,
    ConfigProposal,
    ConfigSync,
    DiskUsage,
    PartitionConfig,
    ProposalKind,
    ReplicaReport,
    ReplicaStatus,
)
from pegasus_tab.base.errors import Error, OperationalError, ProgrammingError
from pegasus_tab.base.ids import Ballot, Decree, Gpid, NodeName
from pegasus_tab.kv.call import Call
from pegasus_tab.kv.client import Client
from pegasus_tab.kv.cluster import ClusterHandle
from pegasus_tab.wire import codes
from pegasus_tab.wire.codes import ConfigType, FunctionLevel, MoveType, NodeStatus
from pegasus_tab.wire.frame import RequestReader, ResponseReader, encode_request
from pegasus_tab.wire.messages import (
    NO_ADDRESS,
    Address,
    BalanceRequest,
    BalanceResponse,
    NodesRequest,
    NodesResponse,
    ProposalAction,
    ProposeRequest,
)
from tests.fakes.meta_store import FakeStore

ADDRESSES = [Address("10.0.0.1", port) for port in (1, 2, 3, 4)]
NODES = [NodeName(str(each)) for each in ADDRESSES]
P, Q = Gpid(1, 0), Gpid(1, 1)
TABLE = Table(
    app_id=1,
    name="t",
    status=TableStatus.AVAILABLE,
    max_replica_count=3,
    ballots=(Ballot(1), Ballot(1)),
    create_second=0,
)


class Bench:
    """One meta server, the replica servers' words put into its mouth, and a real client."""

    local_host = "10.0.0.9"

    def __init__(self, tables: ClusterState | None = None) -> None:
        self.store = FakeStore()
        self.store.tables = ClusterState(2, {1: TABLE}) if tables is None else tables
        self.sent: list[tuple[NodeName, object]] = []
        meta = ClusterMeta(ClusterNumbers())
        self.driver = MetaDriver(meta, self, lambda *each: self.sent.append(each), pytest.fail)
        rpcs = ClusterMetaRpcs(self.driver, Address("10.0.0.9", 9), dict)
        self.served = rpcs.table
        self.replies: list[bytes] = []
        self.timeout_ms = 5000
        self.client = Client(self)  # type: ignore[arg-type]  # a driver by its methods

    def ask(self, effect: StoreEffect, answer: Callable[[StoreInput], None]) -> None:
        answer(self.store.perform(effect))

    def lead(self) -> None:
        self.driver.take_election(Elected(1, None, boottime_us()))

    def hold(self, gpid: Gpid, primary: int | None, *secondaries: int) -> None:
        """Put into the store who holds a partition; before ``lead``."""
        node = None if primary is None else NODES[primary]
        config = PartitionConfig(Ballot(5), node, tuple(NODES[each] for each in secondaries))
        self.store.partitions[gpid] = (PartitionRecord(config), 0)

    def beacon(self, *servers: int) -> None:
        for each in servers:
            beacon = Beacon(NODES[each], 1, boottime_us(), f"host{each}", "sync")
            self.driver.take(beacon)

    def account(self, server: int, *gpids: Gpid) -> None:
        """Have a server tell of inactive replicas at decree 7."""
        at = Decree(7)
        reports = tuple(
            ReplicaReport(
                node=NODES[server],
                gpid=gpid,
                status=ReplicaStatus.PRIMARY,
                ballot=Ballot(5),
                durable=at,
                applied=at,
                committed=at,
                prepared=at,
                logged_ballot=Ballot(5),
            )
            for gpid in gpids
        )
        disk = DiskUsage(1000 + server, 9000)
        self.driver.take(ConfigSync(NODES[server], reports, 1, boottime_us(), disk=disk))

    def proposals(self) -> list[tuple[ProposalKind, NodeName]]:
        return [(m.kind, m.node) for _, m in self.sent if isinstance(m, ConfigProposal)]

    # What Client wants of a driver, and the server of a connection.

    def send(self, reply: bytes) -> None:
        self.replies.append(reply)

    def call(self, call: Call[Any], _: object = None) -> Any:
        sent = encode_request(call.method.name, 1, Gpid(0, 0), 0, 1000, call.arguments)
        (frame,) = RequestReader().feed(sent)
        self.replies.clear()
        self.served[frame.name](frame, self)
        if not self.replies:
            return OperationalError("no answer yet")
        (response,) = ResponseReader().feed(self.replies[0])
        assert call.method.decode is not None
        return call.method.decode(response)

    def forget(self, _: str) -> None:
        """Forget a table."""


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.hold(P, 0, 1, 2)
    bench.hold(Q, 0, 1, 2)
    bench.lead()
    bench.beacon(0, 1, 2, 3)
    bench.account(0, P, Q)
    bench.driver.tick()
    return bench


def test_nodes_are_told_with_labels_and_counts(bench: Bench) -> None:
    nodes = bench.client.cluster().nodes()
    disk = {"stored_bytes": 1000, "free_bytes": 9000}
    assert [replace(each, silent_ms=0) for each in nodes][:2] == [
        type(nodes[0])(ADDRESSES[0], NodeStatus.ALIVE, "host0", "sync", 2, 0, **disk),
        type(nodes[0])(ADDRESSES[1], NodeStatus.ALIVE, "host1", "sync", 0, 2),
    ]
    assert all(0 <= each.silent_ms < 60_000 for each in nodes)


def test_partitions_are_told_with_decrees(bench: Bench) -> None:
    first, _ = bench.client.cluster().partitions("t")
    assert first.config.primary == ADDRESSES[0]
    assert (first.config.last_committed_decree, first.last_prepared_decree) == (7, 7)
    assert first.reason == ""
    with pytest.raises(ProgrammingError, match="does not exist"):
        bench.client.cluster().partitions("u")


def test_a_primary_that_is_dead_is_shown_as_none() -> None:
    bench = Bench()
    bench.hold(P, 0, 1)
    bench.hold(Q, None)
    bench.lead()
    shown = bench.client.cluster().diagnose(P)
    assert [each.config.pid for each in shown] == [P]
    assert bench.client.cluster().partitions("t")[1].config.primary == NO_ADDRESS


def test_diagnoses_hold_the_evidence(bench: Bench) -> None:
    assert list(bench.client.cluster().diagnose()) == []
    bench.client.cluster().remove_replica(P, ADDRESSES[2])
    bench.driver.tick()
    (found,) = bench.client.cluster().diagnose(Gpid(1, -1))
    assert found.reason == f"remove {NODES[2]}"
    evidence = {each.node: each for each in found.evidence}
    assert evidence[ADDRESSES[0]].is_collected
    assert evidence[ADDRESSES[0]].last_prepared_decree == 7
    assert not evidence[ADDRESSES[1]].is_collected
    assert evidence[ADDRESSES[1]].ballot == -1
    assert list(bench.client.cluster().diagnose(Gpid(2, -1))) == []


def test_a_balance_is_planned_and_begun(bench: Bench) -> None:
    planned = bench.client.cluster().balance(dry_run=True, kinds=[MoveType.MOVE_PRIMARY])
    assert [(each.gpid, each.kind, each.source) for each in planned] == [(P, 0, ADDRESSES[0])]
    assert bench.proposals() == []
    assert bench.client.cluster().balance(moves_max=1) == planned
    with pytest.raises(OperationalError, match="1 moves are under way") as caught:
        bench.client.cluster().balance()
    assert (caught.value.sqlstate, caught.value.hint) == ("55006", "wait for them")


@pytest.mark.parametrize("request_", [BalanceRequest(0), BalanceRequest(1, False, [1])])
def test_a_balance_of_nothing_known_is_refused(bench: Bench, request_: BalanceRequest) -> None:
    with pytest.raises(ProgrammingError, match="moves of the kinds"):
        bench.client.meta(codes.TAB_BALANCE, request_, BalanceResponse)


@pytest.mark.parametrize(
    ("order", "begun"),
    [
        (lambda cluster: cluster.move_primary(P, ADDRESSES[1]), "asks 10.0.0.1:2 whether"),
        (
            lambda cluster: cluster.copy_replica(P, ADDRESSES[1], ADDRESSES[3]),
            "add_learner 10.0.0.1:4",
        ),
        (lambda cluster: cluster.remove_replica(P, ADDRESSES[2]), "remove 10.0.0.1:3"),
    ],
    ids=["move", "copy", "remove"],
)
def test_what_is_proposed_is_begun(
    bench: Bench, order: Callable[[ClusterHandle], None], begun: str
) -> None:
    order(bench.client.cluster())
    bench.driver.tick()
    (found,) = bench.client.cluster().diagnose(P)
    assert found.reason.startswith(begun)


def test_a_primary_is_not_forced_on_a_partition_that_has_one(bench: Bench) -> None:
    with pytest.raises(ProgrammingError, match="has a primary") as caught:
        bench.client.cluster().force_primary(P, ADDRESSES[1])
    assert caught.value.hint == "move it instead"


@pytest.mark.parametrize(
    "request_",
    [
        ProposeRequest(P),
        ProposeRequest(P, [ProposalAction(NO_ADDRESS, NO_ADDRESS, ConfigType.REMOVE)]),
        ProposeRequest(P, [ProposalAction(NO_ADDRESS, ADDRESSES[0], ConfigType.ADD_SECONDARY)]),
        ProposeRequest(P, [], kind=MoveType.COPY_PRIMARY),
        ProposeRequest(P, [], kind=MoveType.MOVE_PRIMARY),
        ProposeRequest(P, [], kind=77),
    ],
)
def test_a_proposal_that_leads_nowhere_is_refused(request_: ProposeRequest) -> None:
    with pytest.raises(UnknownProposalError, match="proposal"):
        order_of(request_, lambda _: None)


def test_a_level_is_set_and_told(bench: Bench) -> None:
    cluster = bench.client.cluster()
    assert cluster.set_level(FunctionLevel.LIVELY) == FunctionLevel.STEADY
    assert cluster.level() == FunctionLevel.LIVELY
    assert cluster.facts()["meta_function_level"] == "500"
    assert bench.store.tables.level == 500


def test_a_table_gets_three_copies_where_it_does_not_say(bench: Bench) -> None:
    with pytest.raises(OperationalError, match="no answer yet"):
        bench.client.create_table("u")
    assert bench.store.tables.tables[2].max_replica_count == 3


def test_reasons_of_refusals_arrive(bench: Bench) -> None:
    with pytest.raises(ProgrammingError, match="6 replicas need as many servers") as caught:
        bench.client.create_table("u", replicas=6)
    assert caught.value.hint == "4 are alive"
    with pytest.raises(ProgrammingError, match="not a power of two"):
        bench.client.create_table("u", partitions=3)


def test_another_number_of_copies_is_stored_where_servers_suffice(bench: Bench) -> None:
    bench.client.set_replica_count("t", 4)
    assert bench.store.tables.tables[1].max_replica_count == 4
    with pytest.raises(ProgrammingError, match="5 replicas need as many servers"):
        bench.client.set_replica_count("t", 5)
    with pytest.raises(ProgrammingError, match="does not exist"):
        bench.client.set_replica_count("u", 2)


def test_a_recovery_asks_all_servers_that_are_heard(bench: Bench) -> None:
    with pytest.raises(OperationalError, match="not lost") as caught:
        bench.client.cluster().recover()
    assert caught.value.sqlstate == "55000"
    empty = Bench(ClusterState())
    empty.lead()
    with pytest.raises(ProgrammingError, match="no replica server is known"):
        empty.client.cluster().recover()
    empty.beacon(0, 1)
    with pytest.raises(OperationalError, match="no answer yet"):
        empty.client.cluster().recover()
    empty.driver.tick()
    assert [to for to, message in empty.sent if message == StoredRequest()] == NODES[:2]


def test_tables_that_the_store_never_heard_of_are_told(bench: Bench) -> None:
    assert bench.client.cluster().facts()["unknown_table"] == ""
    bench.account(1, Gpid(9, 0))
    assert bench.client.cluster().facts()["unknown_table"] == "9"
    with pytest.raises(OperationalError, match="hold table 9") as caught:
        bench.client.create_table("u")
    assert caught.value.sqlstate == "55000"


def test_a_follower_says_so_to_every_request() -> None:
    bench = Bench()
    bench.driver.take_election(Deposed(NodeName("10.0.0.8:8")))
    cluster = bench.client.cluster()
    asked: list[Callable[[], object]] = [
        cluster.nodes,
        lambda: cluster.partitions("t"),
        cluster.diagnose,
        cluster.facts,
        cluster.level,
        lambda: cluster.set_level(FunctionLevel.STEADY),
        cluster.balance,
        lambda: cluster.remove_replica(P, ADDRESSES[0]),
        cluster.recover,
    ]
    for ask in asked:
        with pytest.raises(Error, match=r"ERR_FORWARD_TO_OTHERS"):
            ask()


def test_nodes_of_a_leader_without_servers() -> None:
    bench = Bench(ClusterState())
    bench.lead()
    assert list(bench.client.meta(codes.TAB_NODES, NodesRequest(), NodesResponse).nodes) == []
