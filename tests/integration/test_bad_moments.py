"""A real node, and things that happen at the wrong moment: to tables, to the node, to the client."""

import gc
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import pegasus_tab
from pegasus_tab.base.errors import Error, OperationalError, ProgrammingError, UnknownOutcome
from tests.integration.node import Node

pytestmark = pytest.mark.slow

ROWS = 20_000
UPSERT = "UPSERT INTO t VALUES (?, ?)"


@pytest.fixture(scope="module")
def shared_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with Node(tmp_path_factory.mktemp("moments") / "data") as node:
        yield node


@pytest.fixture
def node(shared_node: Node) -> Iterator[Node]:
    """A node with an empty table t (k INT, v TEXT); it must still be alive afterwards."""
    assert shared_node.process is not None
    with pegasus_tab.connect(shared_node.dsn) as connection:
        connection.execute("DROP TABLE IF EXISTS t")
        connection.execute("CREATE TABLE t (k INT PRIMARY KEY, v TEXT) WITH (partitions = 2)")
    yield shared_node
    assert shared_node.process.poll() is None


@pytest.fixture
def one(node: Node) -> Iterator[pegasus_tab.Connection]:
    with pegasus_tab.connect(node.dsn) as connection:
        yield connection


@pytest.fixture
def other(node: Node) -> Iterator[pegasus_tab.Connection]:
    """Another client, which has used the table and knows its plan."""
    with pegasus_tab.connect(node.dsn, timeout=3) as connection:
        connection.execute(UPSERT, (1, "one"))
        assert connection.execute("SELECT * FROM t WHERE k = 1").fetchall() == [(1, "one")]
        yield connection


def fill(connection: pegasus_tab.Connection) -> None:
    connection.executemany(UPSERT, ((number, f"value {number}") for number in range(ROWS)))


def test_a_table_dropped_under_a_client(
    one: pegasus_tab.Connection, other: pegasus_tab.Connection
) -> None:
    fill(one)
    scan = other.execute("SELECT * FROM t")
    rows = scan.fetchmany(10)
    one.execute("DROP TABLE t")
    try:
        rows += scan.fetchall()
    except ProgrammingError as error:  # or the rows were on their way already
        assert error.sqlstate == "42P01"  # noqa: PT017 -- either end is right
    assert len({key for key, _ in rows}) == len(rows) <= ROWS
    for text in ("SELECT v FROM t WHERE k = 1", "UPSERT INTO t VALUES (1, 'x')", "DELETE FROM t"):
        with pytest.raises(ProgrammingError) as caught:
            other.execute(text)
        assert caught.value.sqlstate == "42P01"
    one.execute("RECALL TABLE t")
    assert other.execute("SELECT count(*) FROM t").fetchall() == [(ROWS,)]


def test_a_table_altered_under_a_client(
    one: pegasus_tab.Connection, other: pegasus_tab.Connection
) -> None:
    fill(one)
    scan = other.execute("SELECT * FROM t")
    rows = scan.fetchmany(10)
    one.execute("ALTER TABLE t ADD COLUMN w INT DEFAULT 5")
    try:
        rows += scan.fetchall()
    except OperationalError as error:
        assert (error.sqlstate, error.retryable) == ("40001", True)  # noqa: PT017 -- as above
    assert set(rows) <= {(number, f"value {number}") for number in range(ROWS)}
    other.execute(UPSERT, (-1, "in the shape of before"))
    assert other.execute("SELECT w FROM t WHERE k = -1").fetchall() == [(5,)]
    one.execute("ALTER TABLE t DROP COLUMN v")
    assert one.execute("SELECT * FROM t WHERE k = -1").fetchall() == [(-1, 5)]
    assert one.execute("SELECT count(*), sum(w) FROM t").fetchall() == [(ROWS + 1, 5 * (ROWS + 1))]


def test_a_table_made_anew_in_another_shape_takes_no_row_of_the_old_one(
    one: pegasus_tab.Connection, other: pegasus_tab.Connection
) -> None:
    one.execute("DROP TABLE t")
    one.execute("CREATE TABLE t (k INT PRIMARY KEY, n BIGINT, d DATE)")
    one.execute("UPSERT INTO t (k, n) VALUES (5, 50)")
    with pytest.raises(Error) as caught:
        other.executemany(UPSERT, [(1, "of the old shape")] * 2)
    assert not caught.value.ambiguous
    for connection in (one, other):
        assert connection.execute("SELECT * FROM t").fetchall() == [(5, 50, None)]


def test_a_statement_that_finds_its_node_killed(node: Node, one: pegasus_tab.Connection) -> None:
    written: list[int] = []

    def values() -> Iterator[tuple[int, str]]:
        for number in range(10 * ROWS):
            if number == ROWS:
                node.kill()
            written.append(number)
            yield number, "v"

    try:
        with pytest.raises(UnknownOutcome) as caught:
            one.executemany(UPSERT, values(), timeout=1)
        assert caught.value.ambiguous
        assert not caught.value.retryable
        with pytest.raises(OperationalError) as away:
            one.execute("SELECT v FROM t WHERE k = 1", timeout=0.3)
        assert away.value.retryable
        assert not away.value.ambiguous
    finally:
        node.start()
    found = one.execute("SELECT k FROM t").fetchall()
    assert {key for (key,) in found} <= set(written)
    assert one.execute("INSERT INTO t VALUES (-1, 'goes on')").rowcount == 1


def test_a_node_that_does_not_answer(node: Node, other: pegasus_tab.Connection) -> None:
    assert node.process is not None
    node.process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(OperationalError) as read:
            other.execute("SELECT v FROM t WHERE k = 1", timeout=0.2)
        with pytest.raises(UnknownOutcome) as write:
            other.execute("INSERT INTO t VALUES (7, 'perhaps')", timeout=0.2)
    finally:
        node.process.send_signal(signal.SIGCONT)
    assert (read.value.sqlstate, read.value.retryable) == ("HYT00", True)
    assert not read.value.ambiguous
    assert (write.value.retryable, write.value.ambiguous) == (False, True)
    assert other.execute("SELECT v FROM t WHERE k = 1").fetchall() == [("one",)]


@pytest.fixture
def _no_collection_callbacks() -> Iterator[None]:
    """Keep hypothesis' callback of the garbage collector away: a Ctrl-C inside it is swallowed."""
    callbacks, gc.callbacks[:] = list(gc.callbacks), []
    yield
    gc.callbacks[:] = callbacks


def interrupted_soon() -> None:
    """Press Ctrl-C in a moment."""
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()


def upserts(connection: pegasus_tab.Connection) -> None:
    connection.executemany(UPSERT, ((number % ROWS, "v") for number in range(50 * ROWS)))


def scans(connection: pegasus_tab.Connection) -> None:
    for _ in range(1000):
        connection.execute("SELECT * FROM t").fetchall()


def lookups(connection: pegasus_tab.Connection) -> None:
    for number in range(1_000_000):
        connection.execute("SELECT v FROM t WHERE k = ?", (number % ROWS,)).fetchall()


def joins(connection: pegasus_tab.Connection) -> None:
    connection.execute("SELECT count(*) FROM t a, t b, t c WHERE a.v || b.v <> c.v").fetchall()


@pytest.mark.usefixtures("_no_collection_callbacks")
@pytest.mark.parametrize("work", [upserts, scans, lookups, joins])
def test_ctrl_c_ends_a_statement_and_keeps_the_connection(
    one: pegasus_tab.Connection, work: Callable[[pegasus_tab.Connection], None]
) -> None:
    fill(one)
    interrupted_soon()
    with pytest.raises(KeyboardInterrupt):
        work(one)
    for number in range(ROWS - 3, ROWS):
        (row,) = one.execute("SELECT k FROM t WHERE k = ?", (number,)).fetchall()
        assert row == (number,)


def resident_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def test_half_open_and_slow_connections_cost_nothing(
    node: Node, one: pegasus_tab.Connection
) -> None:
    assert node.process is not None
    one.execute(UPSERT, (1, "v"))
    before = resident_kib(node.process.pid)
    slow = [socket.create_connection(("127.0.0.1", node.port)) for _ in range(300)]
    try:
        for byte in b"THFT\0\0\0\0":
            for connection in slow:
                connection.send(bytes((byte,)))
            assert one.execute("SELECT v FROM t WHERE k = 1").fetchall() == [("v",)]
        assert resident_kib(node.process.pid) - before < 30_000
    finally:
        for connection in slow:
            connection.close()


def test_more_connections_than_the_node_takes(node: Node, one: pegasus_tab.Connection) -> None:
    one.execute(UPSERT, (1, "v"))
    crowd = [socket.create_connection(("127.0.0.1", node.port)) for _ in range(1100)]
    try:
        assert one.execute("SELECT v FROM t WHERE k = 1").fetchall() == [("v",)]
        with (
            pytest.raises(OperationalError) as caught,
            pegasus_tab.connect(node.dsn, timeout=0.5) as late,
        ):
            late.execute("SHOW TABLES")
        assert caught.value.retryable
    finally:
        for connection in crowd:
            connection.close()
    give_up = time.monotonic() + 20
    while time.monotonic() < give_up:
        try:
            with pegasus_tab.connect(node.dsn, timeout=1) as late:
                assert late.execute("SELECT v FROM t WHERE k = 1").fetchall() == [("v",)]
                return
        except OperationalError:
            continue
    pytest.fail("the node takes no new connections after the crowd has gone")
