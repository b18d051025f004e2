"""GET, TTL, SORTKEY_COUNT and BATCH_GET by the sentences of protocol reference 6.5."""

import pytest

from pegasus_server.data import reads
from pegasus_server.data.value import encode_value
from pegasus_server.storage.engine import DECREE_KEY
from pegasus_tab.base.limits import VALUE_BYTES_MAX
from pegasus_tab.wire.codes import Status
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.messages_read import (
    BatchGetRequest,
    BatchGetResponse,
    CountResponse,
    FullData,
    FullKey,
    ReadResponse,
    TtlResponse,
)
from tests.fakes.partition import Partition

KEY = encode_key(b"h", b"s")
TAIL = (2, 3, "127.0.0.1:34801")


class EngineWithDecreeKey:
    """Shows its decree key to ``get``, as RocksDB does."""

    def get(self, key: bytes) -> bytes | None:
        return (7).to_bytes(20, "big") if key == DECREE_KEY else None


@pytest.mark.parametrize(("expire", "found"), [(0, True), (1001, True), (1000, False), (1, False)])
def test_get_and_ttl_see_live_rows_only(partition: Partition, expire: int, found: bool) -> None:
    partition.put(b"h", b"s", b"value", expire)
    got = reads.get(partition.engine, KEY, partition.now, partition.identity)
    status, value = (Status.OK, b"value") if found else (Status.NOT_FOUND, b"")
    assert got == ReadResponse(status, value, *TAIL)
    left = reads.ttl(partition.engine, KEY, partition.now, partition.identity)
    assert left.error == got.error


@pytest.mark.parametrize("key", [KEY, b"", b"\0", b"\0\5h", DECREE_KEY])
def test_a_key_that_names_no_row_is_not_found(partition: Partition, key: bytes) -> None:
    got = reads.get(partition.engine, key, partition.now, partition.identity)
    assert got == ReadResponse(Status.NOT_FOUND, b"", *TAIL)
    left = reads.ttl(partition.engine, key, partition.now, partition.identity)
    assert left == TtlResponse(Status.NOT_FOUND, 0, *TAIL)


def test_the_decree_cannot_be_read_as_a_row() -> None:
    assert reads.get_value(EngineWithDecreeKey(), DECREE_KEY, 0) is None  # type: ignore[arg-type]  # get is all it needs


@pytest.mark.parametrize(
    ("expire", "seconds"), [(0, -1), (1001, 1), (5000, 4000), (2**32 - 1, 2**31 - 1)]
)
def test_ttl_counts_from_now(partition: Partition, expire: int, seconds: int) -> None:
    partition.put(b"h", b"s", b"", expire)
    left = reads.ttl(partition.engine, KEY, partition.now, partition.identity)
    assert left == TtlResponse(Status.OK, seconds, *TAIL)


def count(partition: Partition, hash_key: bytes, looks: int = 1000) -> CountResponse:
    budget = partition.budget_of_looks(looks)
    return reads.sortkey_count(
        partition.engine, hash_key, partition.now, budget, partition.identity
    )


def test_sortkey_count_counts_live_rows_of_its_hash_key(partition: Partition) -> None:
    for sort_key, expire in [(b"", 0), (b"a", 0), (b"\xff\xff", 2000), (b"gone", 999)]:
        partition.put(b"h", sort_key, b"", expire)
    for other in (b"", b"g", b"hh", b"i"):
        partition.put(other, b"a", b"")
    assert count(partition, b"h") == CountResponse(Status.OK, 3, *TAIL)
    assert count(partition, b"none").count == 0


def test_sortkey_count_out_of_time_is_minus_one_and_no_error(partition: Partition) -> None:
    changes = [(encode_key(b"h", b"%05d" % n), encode_value(b"", 0, 0)) for n in range(2500)]
    partition.apply(list(changes))
    assert count(partition, b"h", looks=4).count == 2500
    assert count(partition, b"h", looks=2) == CountResponse(Status.OK, -1, *TAIL)


def test_batch_get_gives_what_exists_in_the_order_asked(partition: Partition) -> None:
    partition.put(b"h", b"a", b"1")
    partition.put(b"g", b"b", b"2")
    partition.put(b"h", b"old", b"3", 999)
    names = [(b"g", b"b"), (b"h", b"none"), (b"h", b"old"), (b"h", b"a"), (b"g", b"b")]
    request = BatchGetRequest([FullKey(*name) for name in names])
    response = reads.batch_get(partition.engine, request, partition.now, partition.identity)
    rows = [FullData(b"g", b"b", b"2"), FullData(b"h", b"a", b"1"), FullData(b"g", b"b", b"2")]
    assert response == BatchGetResponse(Status.OK, rows, *TAIL)


def test_batch_get_of_nothing_is_a_bad_argument(partition: Partition) -> None:
    response = reads.batch_get(
        partition.engine, BatchGetRequest(), partition.now, partition.identity
    )
    assert response == BatchGetResponse(Status.INVALID_ARGUMENT, (), *TAIL)


def test_batch_get_says_incomplete_rather_than_fill_a_frame(partition: Partition) -> None:
    partition.put(b"h", b"a", b"v" * VALUE_BYTES_MAX)
    request = BatchGetRequest([FullKey(b"h", b"a")] * 40)
    response = reads.batch_get(partition.engine, request, partition.now, partition.identity)
    assert response.error == Status.INCOMPLETE
    assert len(response.data) == 29
