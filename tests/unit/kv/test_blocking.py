"""The blocking client over real loopback sockets, against a fake server."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from pegasus_tab.base.errors import (
    Error,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    UnknownOutcome,
)
from pegasus_tab.kv import blocking
from pegasus_tab.kv.blocking import BlockingClient
from pegasus_tab.kv.client import Client
from pegasus_tab.kv.pages import ScanPages
from pegasus_tab.kv.retry import RetryPolicy
from pegasus_tab.kv.table import TableHandle
from pegasus_tab.kv.table_calls import TableCalls
from pegasus_tab.wire import codes
from pegasus_tab.wire.address import Address
from pegasus_tab.wire.frame import RequestFrame
from pegasus_tab.wire.keys import KEYS_END, encode_key
from pegasus_tab.wire.messages import GetScannerRequest
from tests.unit.kv.fake_server import FakeServer, Fault


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as server:
        yield server


@pytest.fixture
def client(server: FakeServer) -> Iterator[Client]:
    with Client(BlockingClient([server.address], timeout_ms=5000)) as client:
        yield client


@pytest.fixture
def table(client: Client) -> TableHandle:
    return client.table("t")


def fail_once(server: FakeServer, name: bytes, fault: Fault | str) -> None:
    """Let the next request of this name go wrong."""
    left = [fault]

    def faults(frame: RequestFrame) -> Fault | str | None:
        return left.pop() if frame.name == name and left else None

    server.faults = faults


def test_rows_written_are_read(table: TableHandle) -> None:
    assert table.get(b"a", b"1") is None
    table.set(b"a", b"1", b"one")
    assert table.get(b"a", b"1") == b"one"
    assert table.incr(b"n", b"", 5) == 5
    assert table.incr(b"n", b"", -7) == -2


def test_values_of_every_size_pass(table: TableHandle) -> None:
    for size in (0, 1, 65_000, 70_000, 1_000_000):
        table.set(b"size", b"%d" % size, b"x" * size)
    for size in (1_000_000, 70_000, 65_000, 1, 0):
        assert table.get(b"size", b"%d" % size) == b"x" * size


def test_many_calls_are_answered_in_their_order(client: Client, table: TableHandle) -> None:
    writes = (table.set_call(b"k%d" % i, b"", b"%d" % i) for i in range(1000))
    assert not [r for r in client.run(writes) if isinstance(r, Error)]
    reads = (table.get_call(encode_key(b"k%d" % i, b"")) for i in range(1000))
    assert list(client.run(reads, window=7)) == [b"%d" % i for i in range(1000)]


def test_large_values_are_sent_a_few_at_a_time(
    client: Client, table: TableHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocking, "WINDOW_BYTES_MAX", 100_000)
    writes = (table.set_call(b"big%d" % i, b"", b"x" * 300_000) for i in range(20))
    assert not [r for r in client.run(writes) if isinstance(r, Error)]


def test_a_full_send_buffer_is_emptied_in_the_background(
    client: Client, table: TableHandle
) -> None:
    writes = [table.set_call(b"big%d" % i, b"", b"x" * 900_000) for i in range(8)]
    assert not [r for r in client.run(writes) if isinstance(r, Error)]
    assert table.get(b"big7") == b"x" * 900_000


def test_a_run_that_is_left_early_leaves_the_client_usable(
    client: Client, table: TableHandle
) -> None:
    results = client.run(table.set_call(b"k%d" % i, b"", b"v") for i in range(1000))
    assert not isinstance(next(results), Error)
    results.close()  # type: ignore[attr-defined]  # a generator
    assert table.get(b"k0") == b"v"


def test_an_error_of_the_source_reaches_the_caller(client: Client, table: TableHandle) -> None:
    def source() -> Iterator[object]:
        yield table.set_call(b"a", b"", b"v")
        raise RuntimeError("the caller's own")

    with pytest.raises(RuntimeError, match="own"):
        list(client.run(source()))  # type: ignore[arg-type]  # never asked for the second
    assert table.get(b"a") in {None, b"v"}


def test_a_lost_connection_is_no_matter_for_reads(server: FakeServer, table: TableHandle) -> None:
    table.set(b"a", b"", b"v")
    server.cut_all()
    assert table.get(b"a") == b"v"
    fail_once(server, codes.GET, Fault.CUT)
    assert table.get(b"a") == b"v"


def test_a_lost_connection_leaves_an_increment_open(server: FakeServer, table: TableHandle) -> None:
    table.incr(b"n", b"", 1)
    fail_once(server, codes.INCR, Fault.CUT)
    with pytest.raises(UnknownOutcome) as caught:
        table.incr(b"n", b"", 1)
    assert caught.value.ambiguous
    assert table.incr(b"n", b"", 0) == 2, "it was applied, and only once"


def test_a_busy_server_is_asked_again(server: FakeServer, table: TableHandle) -> None:
    fail_once(server, codes.PUT, codes.ERR_BUSY)
    table.set(b"a", b"", b"v")
    assert server.seen.count(codes.PUT) == 2


def test_silence_ends_at_the_deadline(server: FakeServer) -> None:
    server.faults = lambda frame: Fault.SILENCE if frame.name == codes.GET else None
    client = Client(BlockingClient([server.address], timeout_ms=20))
    with client, pytest.raises(OperationalError, match="no answer within 20 ms"):
        client.table("t").get(b"a")


def test_a_reader_may_pause_while_a_page_is_on_its_way(server: FakeServer) -> None:
    clock = [100.0]
    rows = {encode_key(b"h", b"%d" % i): b"x" * 900_000 for i in range(9)}
    server.rows.update(rows)
    request = GetScannerRequest(b"", KEYS_END, start_inclusive=True)
    with Client(
        BlockingClient([server.address], timeout_ms=5000, clock=lambda: clock[0])
    ) as client:
        read = ScanPages(TableCalls("t", time.time), 0, request)
        seen = 0
        for keys, _ in client.follow([read], 1):
            seen += len(keys)
            clock[0] += 3600  # a page takes several reads from the socket, so part of it comes late
    assert seen == len(rows)


def test_a_limit_can_be_asked_for_with_each_call(client: Client, table: TableHandle) -> None:
    limits = iter((5000, 4000))

    def left_ms() -> int:
        left = next(limits, None)
        if left is None:
            raise OperationalError("the time is over")
        return left

    reads = (table.get_call(encode_key(b"a", b"")) for _ in range(9))
    with pytest.raises(OperationalError, match="over"):
        list(client.run(reads, 1, left_ms))
    assert client.call(table.get_call(encode_key(b"a", b"")), 5000) is None


def test_unknown_tables_and_operations_are_named(table: TableHandle, client: Client) -> None:
    with pytest.raises(ProgrammingError, match='table "nowhere" does not exist'):
        client.table("nowhere").get(b"a")
    with pytest.raises(ProgrammingError, match='table "nowhere" does not exist'):
        _ = client.table("nowhere").partition_count
    with pytest.raises(Error, match="SORTKEY_COUNT"):
        table.sortkey_count(b"a")


def test_nobody_there_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = Address("127.0.0.1", closed.getsockname()[1])
    client = Client(BlockingClient([address], timeout_ms=60_000))
    with client, pytest.raises(OperationalError, match="refused") as caught:
        client.table("t").get(b"a")
    assert caught.value.sqlstate == "08001"


def test_a_name_that_cannot_be_found_is_told_at_once() -> None:
    address = Address("no-such-host.invalid", 1)
    client = Client(BlockingClient([address], timeout_ms=60_000))
    with client, pytest.raises(OperationalError, match=r"no-such-host\.invalid"):
        client.table("t").get(b"a")


def test_names_are_looked_up(server: FakeServer) -> None:
    address = Address("localhost", server.address.port)
    with Client(BlockingClient([address], timeout_ms=5000)) as client:
        assert client.table("t").get(b"a") is None


def test_moved_meta_servers_are_found_again(server: FakeServer) -> None:
    with FakeServer() as second:
        found = [server.address]
        driver = BlockingClient(found, timeout_ms=5000, find_metas=lambda: [second.address])
        with Client(driver) as client:
            assert client.table("t").get(b"a") is None
            server.close()
            second.rows[encode_key(b"a", b"")] = b"second"
            assert client.table("t").get(b"a") == b"second"


def test_a_closed_client_says_so(client: Client, table: TableHandle) -> None:
    client.close()
    client.close()
    with pytest.raises(InterfaceError, match="closed"):
        table.get(b"a")


def test_too_many_calls_are_refused(server: FakeServer) -> None:
    policy = RetryPolicy(calls_max=4)
    with Client(BlockingClient([server.address], timeout_ms=5000, policy=policy)) as client:
        table = client.table("t")
        reads = [table.get_call(encode_key(b"a", b""))] * 9
        with pytest.raises(OperationalError, match="no more than 4 calls"):
            list(client.run(reads, window=5))
        assert list(client.run(reads, window=4)) == [None] * 9


def test_threads_wait_for_room(server: FakeServer) -> None:
    policy = RetryPolicy(calls_max=4)
    answers: list[object] = []
    with Client(BlockingClient([server.address], timeout_ms=20_000, policy=policy)) as client:
        reads = [client.table("t").get_call(encode_key(b"a", b""))] * 200

        def work() -> None:
            answers.extend(client.run(reads, window=3))

        threads = [threading.Thread(target=work) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert answers == [None] * 1000


def test_waiting_for_room_ends_at_the_deadline(server: FakeServer) -> None:
    server.faults = lambda frame: Fault.SILENCE if frame.name == codes.GET else None
    policy = RetryPolicy(calls_max=1)
    with Client(BlockingClient([server.address], timeout_ms=20_000, policy=policy)) as client:
        call = client.table("t").get_call(encode_key(b"a", b""))
        blocked = client.run([call], timeout_ms=2000)
        thread = threading.Thread(target=lambda: list(blocked))
        thread.start()
        while client._driver._session.room:
            time.sleep(0.001)
        with pytest.raises(OperationalError, match="no more than 1 calls"):
            client.call(call, timeout_ms=100)
        thread.join(60)


# -- threads -------------------------------------------------------------------------------------


def test_threads_share_a_client(client: Client) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        table = client.table("t")
        try:
            for i in range(50):
                key = b"%d-%d" % (number, i)
                table.set(key, b"", key)
                assert table.get(key) == key
        except BaseException as failure:  # noqa: BLE001 -- reported by the test's own thread
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []


def test_a_slow_call_does_not_hold_up_other_threads(server: FakeServer, client: Client) -> None:
    waits = threading.Event()

    def faults(frame: RequestFrame) -> Fault | None:
        if frame.name != codes.INCR:
            return None
        waits.set()
        return Fault.SILENCE

    server.faults = faults
    outcome: list[BaseException] = []

    def increment() -> None:
        try:
            client.table("t").incr(b"n", b"", 1)
        except InterfaceError as closed:
            outcome.append(closed)

    slow = threading.Thread(target=increment)
    slow.start()
    assert waits.wait(10)
    assert client.table("t").get(b"a") is None
    assert slow.is_alive()
    client.close()
    slow.join(10)
    assert "closed" in str(outcome[0])


# -- interrupts ----------------------------------------------------------------------------------


class Interrupting:
    """A clock that raises KeyboardInterrupt at the main thread's n-th reading, as Ctrl-C might."""

    def __init__(self) -> None:
        self.readings_left: int | None = None

    def __call__(self) -> float:
        main = threading.current_thread() is threading.main_thread()
        if main and self.readings_left is not None:
            self.readings_left -= 1
            if self.readings_left == 0:
                raise KeyboardInterrupt
        return time.monotonic()


@pytest.mark.parametrize("reading", range(1, 8))
def test_an_interrupt_at_any_moment_leaves_the_client_usable(
    server: FakeServer, reading: int
) -> None:
    clock = Interrupting()
    with Client(BlockingClient([server.address], timeout_ms=5000, clock=clock)) as client:
        table = client.table("t")
        table.set(b"a", b"", b"v")
        clock.readings_left = reading
        try:
            for _ in range(4):
                assert table.get(b"a") == b"v"
        except KeyboardInterrupt:
            clock.readings_left = None
        assert clock.readings_left is None, "the interrupt did not come"
        for _ in range(3):
            assert table.get(b"a") == b"v"


def test_an_interrupt_while_waiting_drops_the_late_reply(server: FakeServer) -> None:
    gate = threading.Event()

    def faults(frame: RequestFrame) -> None:
        if frame.name == codes.INCR:
            gate.wait(10)

    server.faults = faults
    driver = BlockingClient([server.address], timeout_ms=5000)
    with Client(driver) as client:
        table = client.table("t")
        table.set(b"a", b"", b"v")
        session = driver._session
        poll = driver._wires.poll

        def interrupted(_wait_ms: int) -> list[tuple[int, int]]:
            driver._wires.poll = poll  # type: ignore[method-assign]
            raise KeyboardInterrupt

        driver._wires.poll = interrupted  # type: ignore[method-assign, assignment]
        with pytest.raises(KeyboardInterrupt):
            table.incr(b"n", b"", 1)
        gate.set()
        assert table.get(b"a") == b"v"
        assert driver._session is session, "the same session goes on"
        assert table.incr(b"n", b"", 0) == 1, "the abandoned increment was applied, once"


def test_other_threads_learn_that_their_calls_were_cut_off(server: FakeServer) -> None:
    waits = threading.Event()

    def faults(frame: RequestFrame) -> Fault | None:
        if frame.name != codes.INCR:
            return None
        waits.set()
        return Fault.SILENCE

    server.faults = faults
    outcome: list[object] = []
    clock = Interrupting()
    driver = BlockingClient([server.address], timeout_ms=60_000, clock=clock)
    with Client(driver) as client:
        table = client.table("t")
        table.set(b"a", b"", b"v")
        call = table.incr_call(encode_key(b"n", b""), 1)
        other = threading.Thread(target=lambda: outcome.append(client.call(call)))
        other.start()
        assert waits.wait(10)
        clock.readings_left = 1
        with pytest.raises(KeyboardInterrupt):
            table.get(b"a")
        clock.readings_left = None
        assert table.get(b"a") == b"v"
        other.join(10)
        assert not other.is_alive()
    assert isinstance(outcome[0], UnknownOutcome)
