"""A table's operations that take several requests, against the fake server."""

from collections.abc import Iterator

import pytest

from pegasus_tab.base.errors import Error, OperationalError
from pegasus_tab.kv.blocking import BlockingClient
from pegasus_tab.kv.table import TableHandle
from pegasus_tab.wire import codes
from pegasus_tab.wire.keys import encode_key
from tests.unit.kv.fake_server import FakeServer

ROWS = [(b"k%02d" % i, b"s", b"%d" % i) for i in range(60)]


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as server:
        for hash_key, sort_key, value in ROWS:
            server.rows[encode_key(hash_key, sort_key)] = value
        yield server


@pytest.fixture
def driver(server: FakeServer) -> Iterator[BlockingClient]:
    driver = BlockingClient([server.address], timeout_ms=5000)
    yield driver
    driver.close()


@pytest.fixture
def table(driver: BlockingClient) -> TableHandle:
    return TableHandle("t", driver)


@pytest.mark.parametrize("parallel", [1, 3, 9])
def test_a_full_scan_reads_every_row_of_every_partition_once(
    table: TableHandle, parallel: int
) -> None:
    found = list(table.scan_all(parallel=parallel))
    assert sorted(found) == ROWS


def test_the_order_of_a_full_scan_depends_on_the_data_alone(table: TableHandle) -> None:
    assert list(table.scan_all()) == list(table.scan_all())


def test_a_scan_survives_a_forgetful_server_without_repeating_a_row(
    server: FakeServer, table: TableHandle
) -> None:
    found = []
    for row in table.scan_all(parallel=2):
        found.append(row)
        if len(found) % 7 == 0:
            server.contexts.clear()
    assert sorted(found) == ROWS
    assert server.seen.count(codes.GET_SCANNER) > 4


def test_a_scan_survives_lost_connections(server: FakeServer, table: TableHandle) -> None:
    found = []
    for row in table.scan_all(parallel=2):
        found.append(row)
        if len(found) in {10, 30}:
            server.cut_all()
    assert sorted(found) == ROWS


def test_an_error_ends_a_scan(server: FakeServer, table: TableHandle) -> None:
    scan = table.scan_all()
    assert next(scan) in ROWS
    server.faults = lambda frame: codes.ERR_UNKNOWN if frame.name == codes.SCAN else None
    with pytest.raises(OperationalError, match="ERR_UNKNOWN"):
        list(scan)


def test_a_scan_that_is_left_frees_what_the_server_remembers(
    server: FakeServer, driver: BlockingClient, table: TableHandle
) -> None:
    scan = table.scan_hash(b"k00", batch_rows=1)
    server.rows.update({encode_key(b"k00", b"%d" % i): b"v" for i in range(30)})
    assert next(scan) == (b"0", b"v")
    # Its next page has come by the time a later request is answered.
    assert driver.call(table.get_call(encode_key(b"k01", b"s"))) == b"1"
    assert len(server.contexts) == 1
    scan.close()  # type: ignore[attr-defined]  # a generator
    assert driver.call(table.get_call(encode_key(b"k01", b"s"))) == b"1"
    assert server.contexts == {}


def test_a_batch_is_read_with_one_request_for_each_partition(
    server: FakeServer, table: TableHandle
) -> None:
    keys = [(hash_key, sort_key) for hash_key, sort_key, _ in ROWS]
    found = table.batch_get([(b"no", b""), *keys, keys[0]])
    assert found == [None, *(value for *_, value in ROWS), b"0"]
    assert server.seen.count(codes.BATCH_GET) == 4
    assert table.batch_get([]) == []


def test_an_error_ends_a_batch(server: FakeServer, table: TableHandle) -> None:
    server.faults = lambda frame: codes.ERR_UNKNOWN if frame.name == codes.BATCH_GET else None
    with pytest.raises(Error, match="BATCH_GET"):
        table.batch_get([(b"k00", b"s")])


def test_rows_of_one_hash_key_are_read_over_pages(server: FakeServer, table: TableHandle) -> None:
    rows = {b"%02d" % i: b"v" for i in range(10)}
    table.multi_set(b"wide", rows)
    assert table.multi_get(b"wide") == (sorted(rows.items()), True)
    assert table.multi_get(b"wide", max_rows=4) == (sorted(rows.items())[:4], False)
    assert table.multi_get(b"wide", list(rows)) == (list(rows.items()), True)
    assert server.seen.count(codes.MULTI_GET) == 4 + 1 + 4
