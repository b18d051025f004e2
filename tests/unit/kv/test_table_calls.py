"""What a call's builder refuses before anything is sent, and where calls are addressed."""

import pytest

from pegasus_tab.base.errors import DataError
from pegasus_tab.base.limits import EPOCH_UNIX_SECONDS
from pegasus_tab.kv.table_calls import TableCalls
from pegasus_tab.wire.fast import put_arguments
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.messages import CheckAndMutateRequest, IncrRequest, MultiGetRequest
from pegasus_tab.wire.partition_hash import partition_hash

NOW = 1_700_000_000
CALLS = TableCalls("t", lambda: NOW + 0.5)


def test_the_two_ways_to_write_a_row_are_one() -> None:
    by_parts = CALLS.set_call(b"hash", b"sort", b"value", 60)
    by_key = CALLS.put_call(encode_key(b"hash", b"sort"), b"value", 60)
    assert by_parts.arguments == by_key.arguments
    assert by_parts.arguments == put_arguments(
        encode_key(b"hash", b"sort"), b"value", NOW + 60 - EPOCH_UNIX_SECONDS
    )
    assert by_parts.partition_hash == by_key.partition_hash == partition_hash(b"hash")


def test_rows_without_a_hash_key_go_where_their_sort_key_says() -> None:
    assert CALLS.get_call(encode_key(b"", b"sort")).partition_hash == partition_hash(b"sort")
    assert CALLS.set_call(b"", b"sort", b"").partition_hash == partition_hash(b"sort")


@pytest.mark.parametrize(("hash_key", "sort_key"), [(b"h" * 1025, b""), (b"h", b"s" * 4097)])
def test_keys_have_limits(hash_key: bytes, sort_key: bytes) -> None:
    with pytest.raises(DataError, match="do not fit"):
        CALLS.set_call(hash_key, sort_key, b"")
    with pytest.raises(DataError, match="do not fit"):
        CALLS.put_call(encode_key(hash_key, sort_key), b"")
    with pytest.raises(DataError, match="do not fit"):
        CALLS.multi_put_call(hash_key, [b"", sort_key], [b"", b""])
    request = CheckAndMutateRequest(hash_key, mutate_list=[CALLS.delete_change(sort_key)])
    with pytest.raises(DataError, match="do not fit"):
        CALLS.check_and_mutate_call(request)


def test_the_largest_keys_fit() -> None:
    CALLS.set_call(b"h" * 1024, b"s" * 4096, b"")
    CALLS.put_call(encode_key(b"h" * 1024, b"s" * 4096), b"")


@pytest.mark.parametrize(
    ("ttl_seconds", "expires"),
    [(0, 0), (-1, -1), (-500, -1), (60, NOW + 60 - EPOCH_UNIX_SECONDS)],
)
def test_an_increment_keeps_removes_or_sets_the_life_of_its_row(
    ttl_seconds: int, expires: int
) -> None:
    call = CALLS.incr_call(b"\0\1k", 1, ttl_seconds)
    assert IncrRequest.decode(call.arguments, 3).expire_ts_seconds == expires


def test_numbers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataError):
        CALLS.incr_call(b"\0\1k", 1 << 63)
    with pytest.raises(DataError):
        CALLS.set_call(b"k", b"", b"", -1)


def test_several_rows_want_a_hash_key() -> None:
    with pytest.raises(DataError, match="not empty"):
        CALLS.multi_get_call(MultiGetRequest(b""))
    with pytest.raises(DataError, match="not empty"):
        CALLS.sortkey_count_call(b"")
