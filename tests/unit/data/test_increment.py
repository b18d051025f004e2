"""INCR by the sentences of protocol reference 6.6."""

import pytest

from pegasus_server.storage.engine import DECREE_KEY
from pegasus_tab.wire.codes import Status
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.messages_write import IncrRequest, IncrResponse
from tests.fakes.partition import Partition

KEY = encode_key(b"h", b"s")
MAX, MIN = 2**63 - 1, -(2**63)


def test_a_missing_row_counts_as_zero(partition: Partition) -> None:
    response = partition.write(IncrRequest(KEY, 5))
    assert response == IncrResponse(Status.OK, 5, 2, 3, 1, "127.0.0.1:34801")
    assert partition.rows() == {(b"h", b"s"): (b"5", 0)}


@pytest.mark.parametrize(("old", "expire"), [(b"", 0), (b"100", 999)])
def test_empty_and_expired_rows_count_as_zero(
    partition: Partition, old: bytes, expire: int
) -> None:
    partition.put(b"h", b"s", old, expire)
    assert partition.write(IncrRequest(KEY, -7)).new_value == -7
    assert partition.rows() == {(b"h", b"s"): (b"-7", 0)}


@pytest.mark.parametrize(
    ("old", "increment", "new"),
    [
        (b"10", 5, 15),
        (b"-10", 5, -5),
        (b"0x10", 1, 17),
        (b"010", 1, 9),
        (b"%d" % (MAX - 1), 1, MAX),
        (b"%d" % (MIN + 1), -1, MIN),
        (b"%d" % MAX, MIN, -1),
        (b"7", 0, 7),
    ],
)
def test_adds_and_stores_decimal_text(
    partition: Partition, old: bytes, increment: int, new: int
) -> None:
    partition.put(b"h", b"s", old)
    response = partition.write(IncrRequest(KEY, increment))
    assert (response.error, response.new_value) == (Status.OK, new)
    assert partition.rows() == {(b"h", b"s"): (b"%d" % new, 0)}


@pytest.mark.parametrize("old", [b"text", b"1 ", b"1.5", b"09", b"%d" % (MAX + 1)])
def test_text_that_is_no_integer_is_refused(partition: Partition, old: bytes) -> None:
    partition.put(b"h", b"s", old)
    response = partition.write(IncrRequest(KEY, 1))
    assert (response.error, response.new_value) == (Status.INVALID_ARGUMENT, 0)
    assert partition.rows() == {(b"h", b"s"): (old, 0)}


@pytest.mark.parametrize(("old", "increment"), [(MAX, 1), (MIN, -1), (1, MAX), (-1, MIN)])
def test_overflow_is_refused_with_the_old_number(
    partition: Partition, old: int, increment: int
) -> None:
    partition.put(b"h", b"s", b"%d" % old, 5000)
    response = partition.write(IncrRequest(KEY, increment))
    assert (response.error, response.new_value) == (Status.INVALID_ARGUMENT, old)
    assert partition.rows() == {(b"h", b"s"): (b"%d" % old, 5000)}


@pytest.mark.parametrize(
    ("old", "asked", "new"), [(5000, 0, 5000), (5000, -1, 0), (5000, 6000, 6000), (0, 6000, 6000)]
)
def test_expiry_is_kept_removed_or_set(
    partition: Partition, old: int, asked: int, new: int
) -> None:
    partition.put(b"h", b"s", b"1", old)
    partition.write(IncrRequest(KEY, 1, asked))
    assert partition.rows() == {(b"h", b"s"): (b"2", new)}


@pytest.mark.parametrize(("asked", "new"), [(0, 0), (-1, 0), (6000, 6000)])
def test_expiry_of_a_new_row(partition: Partition, asked: int, new: int) -> None:
    partition.put(b"h", b"s", b"1", 999)
    partition.write(IncrRequest(KEY, 1, asked))
    assert partition.rows() == {(b"h", b"s"): (b"1", new)}


def test_default_ttl_is_for_rows_that_would_live_for_ever(partition: Partition) -> None:
    partition.default_ttl = 60
    partition.put(b"h", b"kept", b"1", 5000)
    partition.write(IncrRequest(encode_key(b"h", b"kept"), 1))
    partition.write(IncrRequest(encode_key(b"h", b"new"), 1))
    assert partition.rows() == {(b"h", b"kept"): (b"2", 5000), (b"h", b"new"): (b"1", 1060)}


@pytest.mark.parametrize("key", [b"", b"\0\5h", DECREE_KEY])
def test_a_key_that_is_none_is_refused(partition: Partition, key: bytes) -> None:
    assert partition.write(IncrRequest(key, 1)).error == Status.INVALID_ARGUMENT
    assert partition.rows() == {}
