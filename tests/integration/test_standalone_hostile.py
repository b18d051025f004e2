"""A real node and clients that send rubbish, half of something, or too much: it stays up."""

import os
import random
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pegasus_tab.base.ids import Gpid
from pegasus_tab.wire import codes
from pegasus_tab.wire.frame import encode_request
from pegasus_tab.wire.messages import UpdateResponse, encode_blob_argument, encode_i64_argument
from tests.integration.node import Node
from tests.integration.wire_client import META, FrameworkError, WireClient, WireTable

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("HOSTILE_SEED", "20240501"))


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with Node(tmp_path_factory.mktemp("hostile") / "data") as node:
        yield node


@pytest.fixture(scope="module")
def table(node: Node) -> Iterator[WireTable]:
    with WireClient(node.port) as client:
        yield client.create("t")


def closed_by_server(connection: socket.socket) -> bool:
    """Read until the server closes; False if it still has not after the timeout."""
    connection.settimeout(10)
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


def sends(node: Node, data: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", node.port))
    connection.sendall(data)
    return connection


def still_serves(table: WireTable) -> None:
    assert table.put(b"alive", b"yes").error == codes.Status.OK
    assert table.get(b"alive") == b"yes"


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x00" * 64,
        b"RDSN" + b"\x01" * 60,
        b"THFT" + (7).to_bytes(4, "big") + b"\x00" * 40,
        b"THFT" + (0).to_bytes(4, "big") + (49).to_bytes(4, "big") + b"\x00" * 40,
        encode_request(b"X", 1, META, 0, 0, b"")[:16] + b"\xff" * 4 + b"\x00" * 28,
    ],
    ids=["http", "zeros", "native", "version", "header length", "4 GiB"],
)
def test_bytes_that_are_no_frame_cost_their_connection_alone(
    node: Node, table: WireTable, data: bytes
) -> None:
    with sends(node, data) as connection:
        assert closed_by_server(connection)
    still_serves(table)


def test_random_bytes(node: Node, table: WireTable) -> None:
    chance = random.Random(SEED)
    valid = encode_request(codes.GET, 1, table.gpid(b"k"), 0, 0, encode_blob_argument(b"\0\1k"))
    for _ in range(200):
        data = bytearray(valid * 3)
        for _ in range(chance.randrange(1, 20)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        sends(node, bytes(data[: chance.randrange(len(data))])).close()
        sends(node, chance.randbytes(chance.randrange(300))).close()
    still_serves(table)


@pytest.mark.parametrize("name", sorted(codes.READS | codes.WRITES))
def test_arguments_that_are_rubbish_are_answered(table: WireTable, name: bytes) -> None:
    chance = random.Random(SEED)
    client, gpid = table.client, table.gpid(b"k")
    for _ in range(20):
        args = chance.randbytes(chance.randrange(60))
        if name == codes.CLEAR_SCANNER:
            client.send(name, gpid, args)
        else:
            with pytest.raises(FrameworkError, match=codes.ERR_INVALID_PARAMETERS):
                client.call(name, gpid, args, UpdateResponse)
    still_serves(table)


@pytest.mark.parametrize(
    "name",
    [codes.QUERY_CONFIG, codes.CREATE_APP, codes.DROP_APP, codes.UPDATE_APP_ENV, codes.LIST_APPS],
)
def test_meta_arguments_that_are_rubbish_are_answered(table: WireTable, name: bytes) -> None:
    with pytest.raises(FrameworkError, match=codes.ERR_INVALID_PARAMETERS):
        table.client.call(name, META, b"\x0c\0\1\x0b\0\1\xff\xff\xff\xff", UpdateResponse)
    still_serves(table)


def test_clear_scanner_is_never_answered(table: WireTable) -> None:
    table.client.send(codes.CLEAR_SCANNER, table.gpid(b"k"), encode_i64_argument(5))
    table.client.send(codes.CLEAR_SCANNER, Gpid(99, 0), encode_i64_argument(5))
    still_serves(table)


def test_a_client_that_does_not_read_does_not_grow_the_server(node: Node, table: WireTable) -> None:
    table.put(b"big", b"x" * 500_000)
    assert node.process is not None
    request = encode_request(
        codes.GET, 1, table.gpid(b"big"), 0, 0, encode_blob_argument(b"\0\3big")
    )
    before = resident_kib(node.process.pid)
    with socket.create_connection(("127.0.0.1", node.port)) as greedy:
        greedy.setblocking(False)
        with suppress(BlockingIOError):
            greedy.sendall(request * 2000)
        for _ in range(50):
            still_serves(table)
        assert resident_kib(node.process.pid) - before < 100_000


def resident_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def test_a_client_that_vanishes_in_the_middle_of_its_writes(node: Node, table: WireTable) -> None:
    from pegasus_tab.wire import fast

    for number in range(20):
        with socket.create_connection(("127.0.0.1", node.port)) as connection:
            key = b"\0\1v%d" % number
            request = fast.put_request(1, table.gpid(b"v"), 0, 0, key, b"x")
            connection.sendall(request * 50 + request[:20])
    still_serves(table)
