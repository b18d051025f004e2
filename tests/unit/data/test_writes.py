"""PUT, REMOVE, MULTI_PUT and MULTI_REMOVE by the sentences of protocol reference 6.6."""

import pytest

from pegasus_server.data.value import encode_value, timetag
from pegasus_server.data.writes import WriteRequest, put_change
from pegasus_server.storage.engine import DECREE_KEY
from pegasus_tab.base.limits import BATCH_OPERATIONS_MAX, VALUE_BYTES_MAX
from pegasus_tab.wire.codes import Status
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.messages_read import KeyValue
from pegasus_tab.wire.messages_write import (
    MultiPutRequest,
    MultiRemoveRequest,
    MultiRemoveResponse,
    UpdateRequest,
    UpdateResponse,
)
from tests.fakes.partition import Partition

KEY = encode_key(b"h", b"s")


def updated(decree: int, status: Status = Status.OK) -> UpdateResponse:
    return UpdateResponse(status, 2, 3, decree, "127.0.0.1:34801")


def test_put_stores_value_expiry_and_timetag(partition: Partition) -> None:
    assert partition.write(UpdateRequest(KEY, b"v", 5000)) == updated(1)
    assert partition.engine.get(KEY) == encode_value(b"v", 5000, timetag(partition.timestamp_us))


def test_put_overwrites_whatever_is_there(partition: Partition) -> None:
    partition.write(UpdateRequest(KEY, b"one", 5000))
    assert partition.write(UpdateRequest(KEY, b"", 0)) == updated(2)
    assert partition.rows() == {(b"h", b"s"): (b"", 0)}


def test_default_ttl_is_for_writes_without_expiry(partition: Partition) -> None:
    partition.default_ttl = 60
    partition.write(UpdateRequest(encode_key(b"h", b"none"), b"", 0))
    partition.write(UpdateRequest(encode_key(b"h", b"own"), b"", 5000))
    partition.write(MultiPutRequest(b"m", [KeyValue(b"none")], 0))
    assert {key: row[1] for key, row in partition.rows().items()} == {
        (b"h", b"none"): partition.now + 60,
        (b"h", b"own"): 5000,
        (b"m", b"none"): partition.now + 60,
    }


def test_remove_answers_ok_for_a_missing_row_too(partition: Partition) -> None:
    partition.write(UpdateRequest(KEY, b"v", 0))
    assert partition.write(KEY) == updated(2)
    assert partition.write(KEY) == updated(3)
    assert partition.rows() == {}


def test_multi_put_writes_all_rows_and_the_last_of_equal_ones_wins(partition: Partition) -> None:
    kvs = [KeyValue(b"a", b"1"), KeyValue(b"b", b"2"), KeyValue(b"a", b"3")]
    assert partition.write(MultiPutRequest(b"h", kvs, 5000)) == updated(1)
    assert partition.rows() == {(b"h", b"a"): (b"3", 5000), (b"h", b"b"): (b"2", 5000)}


def test_multi_remove_counts_the_keys_asked_for(partition: Partition) -> None:
    partition.put(b"h", b"a", b"1")
    partition.put(b"h", b"b", b"2")
    response = partition.write(MultiRemoveRequest(b"h", [b"a", b"missing", b"a"]))
    assert response == MultiRemoveResponse(Status.OK, 3, 2, 3, 3, "127.0.0.1:34801")
    assert partition.rows() == {(b"h", b"b"): (b"2", 0)}


def test_the_empty_hash_key_is_a_key_like_others(partition: Partition) -> None:
    partition.write(UpdateRequest(encode_key(b"", b"s"), b"v", 0))
    partition.write(MultiPutRequest(b"", [KeyValue(b"t", b"w")], 0))
    assert partition.rows() == {(b"", b"s"): (b"v", 0), (b"", b"t"): (b"w", 0)}


TOO_LONG = b"h" * 1025
FULL = [KeyValue(b"%d" % number) for number in range(BATCH_OPERATIONS_MAX)]


@pytest.mark.parametrize(
    "request_",
    [
        UpdateRequest(b"", b"v"),
        UpdateRequest(b"\0\5h", b"v"),
        UpdateRequest(encode_key(TOO_LONG, b""), b"v"),
        UpdateRequest(encode_key(b"", b"s" * 4097), b"v"),
        UpdateRequest(KEY, b"v" * (VALUE_BYTES_MAX + 1)),
        UpdateRequest(DECREE_KEY, b"v"),
        DECREE_KEY,
        b"\0",
        MultiPutRequest(b"h", []),
        MultiPutRequest(TOO_LONG, [KeyValue(b"s", b"v")]),
        MultiPutRequest(b"h", [KeyValue(b"s", b"v"), KeyValue(b"s" * 4097, b"v")]),
        MultiPutRequest(b"h", [*FULL, KeyValue(b"one more")]),
        MultiRemoveRequest(b"h", []),
        MultiRemoveRequest(TOO_LONG, [b"s"]),
        MultiRemoveRequest(b"h", [b"s" * 4097]),
        MultiRemoveRequest(b"h", [b"s"] * (BATCH_OPERATIONS_MAX + 1)),
    ],
)
def test_bad_arguments_write_nothing(partition: Partition, request_: WriteRequest) -> None:
    response = partition.write(request_)
    assert response.error == Status.INVALID_ARGUMENT
    assert getattr(response, "count", 0) == 0
    assert partition.rows() == {}


def test_as_many_operations_as_the_limit_says_are_taken(partition: Partition) -> None:
    assert partition.write(MultiPutRequest(b"h", FULL)).error == Status.OK
    names = [row.key for row in FULL]
    assert partition.write(MultiRemoveRequest(b"h", names)).error == Status.OK
    assert partition.rows() == {}


@pytest.mark.parametrize("key", [KEY, b"", DECREE_KEY])
def test_the_fast_put_is_the_plain_one(partition: Partition, key: bytes) -> None:
    partition.default_ttl = 60
    change = put_change(key, b"v", 0, partition.now, partition.timestamp_us, 60)
    partition.write(UpdateRequest(key, b"v", 0))
    assert change == (None if key != KEY else (KEY, partition.engine.get(KEY)))
