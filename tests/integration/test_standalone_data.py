"""A real node: what was written is there, after kill -9, after a clean stop, after a recall."""

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from pegasus_tab.base.ids import Gpid
from pegasus_tab.wire import codes
from pegasus_tab.wire.messages import (
    CreateAppOptions,
    CreateAppRequest,
    CreateAppResponse,
    IncrRequest,
    IncrResponse,
    ListAppsRequest,
    ListAppsResponse,
    ListNodesRequest,
    ListNodesResponse,
    NegotiationMessage,
    RecallAppRequest,
    RecallAppResponse,
    UpdateAppEnvRequest,
    UpdateAppEnvResponse,
    arguments,
)
from tests.integration.node import Node
from tests.integration.wire_client import META, FrameworkError, WireClient, WireTable

pytestmark = pytest.mark.slow


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with Node(tmp_path / "data") as node:
        yield node


@pytest.fixture
def client(node: Node) -> Iterator[WireClient]:
    with WireClient(node.port) as client:
        yield client


def fill(table: WireTable, rows_wanted: int = 50) -> dict[bytes, bytes]:
    rows = {b"key%d" % number: b"value%d" % number for number in range(rows_wanted)}
    for key, value in rows.items():
        assert table.put(key, value).error == codes.Status.OK
    return rows


def check(port: int, name: str, rows: dict[bytes, bytes]) -> None:
    with WireClient(port) as client:
        table = client.table(name)
        assert {key: table.get(key) for key in rows} == rows


def test_kill_9_loses_nothing_that_was_answered(node: Node, client: WireClient) -> None:
    rows = fill(client.create("t"))
    node.kill()
    node.start()
    check(node.port, "t", rows)
    with WireClient(node.port) as again:
        table = again.table("t")
        decrees = {key: table.put(key, b"new").decree for key in rows}
        assert min(decrees.values()) > 1
    node.kill()
    node.start()
    check(node.port, "t", dict.fromkeys(rows, b"new"))


def test_a_clean_stop_and_a_start(node: Node, client: WireClient) -> None:
    rows = fill(client.create("t"))
    assert node.stop() == 0
    assert (node.folder / "node.lock").read_text() == ""
    node.start()
    check(node.port, "t", rows)


def test_a_stop_under_load_keeps_what_was_answered(node: Node, client: WireClient) -> None:
    client.create("t")
    answered: dict[bytes, bytes] = {}

    def write() -> None:
        with WireClient(node.port) as writer, suppress(ConnectionError, FrameworkError):
            table = writer.table("t")
            for number in count():
                key = b"key%d" % number
                if table.put(key, b"v").error == codes.Status.OK:
                    answered[key] = b"v"

    thread = threading.Thread(target=write)
    thread.start()
    while len(answered) < 20:
        assert thread.is_alive()
        os.sched_yield()
    assert node.stop() == 0
    thread.join(30)
    node.start()
    check(node.port, "t", answered)


def test_ballots_rise_with_every_life(node: Node, client: WireClient) -> None:
    client.create("t")
    assert {each.ballot for each in client.config("t").partitions} == {1}
    node.kill()
    node.start()
    with WireClient(node.port) as again:
        config = again.config("t")
    assert {each.ballot for each in config.partitions} == {2}
    assert {str(each.primary) for each in config.partitions} == {f"127.0.0.1:{node.port}"}


def test_a_counter_counts_once_across_a_crash(node: Node, client: WireClient) -> None:
    table = client.create("t")
    args = arguments(IncrRequest(b"\0\1c", 1).encode())
    gpid = table.gpid(b"c")
    for expected in range(1, 4):
        assert client.call(codes.INCR, gpid, args, IncrResponse).new_value == expected
    node.kill()
    node.start()
    with WireClient(node.port) as again:
        assert again.call(codes.INCR, gpid, args, IncrResponse).new_value == 4


def recall(client: WireClient, app_id: int, new_name: str = "") -> str:
    args = arguments(RecallAppRequest(app_id, new_name).encode())
    return client.call(codes.RECALL_APP, META, args, RecallAppResponse).err


def test_a_dropped_table_comes_back_with_its_rows_also_after_a_crash(
    node: Node, client: WireClient
) -> None:
    table = client.create("t")
    rows = fill(table)
    client.drop("t")
    assert client.config("t").err == codes.ERR_OBJECT_NOT_FOUND
    with pytest.raises(FrameworkError, match=codes.ERR_OBJECT_NOT_FOUND):
        table.get(b"key1")
    node.kill()
    node.start()
    with WireClient(node.port) as again:
        assert recall(again, table.app_id, "back") == codes.ERR_OK
    check(node.port, "back", rows)


def test_a_table_dropped_for_good_leaves_nothing_and_its_id_is_not_used_again(
    node: Node, client: WireClient
) -> None:
    table = client.create("t")
    fill(table, 3)
    client.drop("t", reserve_seconds=0)
    node.kill()
    node.start()
    with WireClient(node.port) as again:
        assert again.create("t").app_id == table.app_id + 1
        assert again.table("t").get(b"key1") is None
    assert node.stop() == 0
    folders = [each.name for each in (node.folder / "replicas").iterdir()]
    assert sorted(folders) == [f"{table.app_id + 1}.{index}" for index in range(4)]


def test_rows_expire_and_the_tables_default_applies(client: WireClient) -> None:
    table = client.create("t")
    table.put(b"old", b"x", expire=1)
    assert table.get(b"old") is None
    envs = UpdateAppEnvRequest("t", codes.AppEnvOperation.SET, ["default_ttl"], ["1000"])
    response = client.call(
        codes.UPDATE_APP_ENV, META, arguments(envs.encode()), UpdateAppEnvResponse
    )
    assert response.err == codes.ERR_OK
    table.put(b"young", b"x")
    assert table.get(b"young") == b"x"


def test_requests_denied_by_the_tables_settings(client: WireClient) -> None:
    table = client.create("t")
    table.put(b"k", b"x")
    envs = UpdateAppEnvRequest(
        "t", codes.AppEnvOperation.SET, ["replica.deny_client_request"], ["reconfig*write"]
    )
    client.call(codes.UPDATE_APP_ENV, META, arguments(envs.encode()), UpdateAppEnvResponse)
    with pytest.raises(FrameworkError, match=codes.ERR_INVALID_STATE):
        table.put(b"k", b"y")
    assert table.get(b"k") == b"x"


def test_what_the_cluster_says_of_itself(node: Node, client: WireClient) -> None:
    client.create("b")
    nodes = client.call(
        codes.LIST_NODES, META, arguments(ListNodesRequest().encode()), ListNodesResponse
    )
    assert [(each.status, str(each.address)) for each in nodes.infos] == [
        (codes.NodeStatus.ALIVE, f"127.0.0.1:{node.port}")
    ]
    step = NegotiationMessage(codes.NegotiationStatus.LIST_MECHANISMS)
    answer = client.call(codes.NEGOTIATION, META, arguments(step.encode()), NegotiationMessage)
    assert answer.status == codes.NegotiationStatus.AUTH_DISABLE


def test_a_table_that_wants_more_copies_is_taken_with_a_hint(client: WireClient) -> None:
    request = CreateAppRequest("t", CreateAppOptions(4, 3, success_if_exist=False))
    response = client.call(codes.CREATE_APP, META, arguments(request.encode()), CreateAppResponse)
    assert response.err == codes.ERR_OK
    assert {each.max_replica_count for each in client.config("t").partitions} == {3}
    listed = client.call(
        codes.LIST_APPS, META, arguments(ListAppsRequest().encode()), ListAppsResponse
    )
    assert listed.hint is not None
    assert "one copy" in listed.hint


def test_writes_stop_when_the_disk_is_full_and_reads_go_on(tmp_path: Path) -> None:
    node = Node(tmp_path / "data")
    with node, WireClient(node.port) as client:
        rows = fill(client.create("t"), 5)
    node.options = ("--free-bytes-min", str(1 << 60))
    with node, WireClient(node.port) as client:
        check(node.port, "t", rows)
        with pytest.raises(FrameworkError, match=codes.ERR_CAPACITY_EXCEEDED):
            client.table("t").put(b"k", b"x")
        assert "bytes free" in node.printed()


def test_a_write_over_the_limit_is_refused_and_nothing_else_happens(client: WireClient) -> None:
    table = client.create("t")
    with pytest.raises(FrameworkError, match=codes.ERR_INVALID_DATA):
        table.put(b"k", b"x" * (1 << 20))
    assert table.put(b"k", b"x" * (1 << 19)).error == codes.Status.OK
    assert table.get(b"k") == b"x" * (1 << 19)


def test_unknown_partitions_and_rpcs_are_named(client: WireClient) -> None:
    table = client.create("t")
    with pytest.raises(FrameworkError, match=codes.ERR_OBJECT_NOT_FOUND):
        client.call(codes.GET, Gpid(table.app_id, 7), b"", IncrResponse)
    with pytest.raises(FrameworkError, match=codes.ERR_HANDLER_NOT_FOUND):
        client.call(b"RPC_NO_SUCH", META, b"", IncrResponse)
    assert client.config("t").err == codes.ERR_OK
