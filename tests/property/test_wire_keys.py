"""Encoded keys: they come back, keep the order of sort keys, and are bounded by next_key."""

from hypothesis import given
from hypothesis import strategies as st

from pegasus_tab.wire.keys import KEYS_END, decode_key, encode_key, hash_key_range, next_key

BYTES = st.binary(max_size=6) | st.sampled_from([b"", b"\xff", b"\xff\xff", b"a\xff"])


@given(BYTES, BYTES)
def test_round_trip(hash_key: bytes, sort_key: bytes) -> None:
    assert decode_key(encode_key(hash_key, sort_key)) == (hash_key, sort_key)


@given(BYTES, BYTES, BYTES)
def test_rows_of_a_hash_key_are_in_the_order_of_their_sort_keys(
    hash_key: bytes, one: bytes, other: bytes
) -> None:
    assert (one < other) == (encode_key(hash_key, one) < encode_key(hash_key, other))


@given(BYTES, BYTES, BYTES)
def test_a_range_holds_exactly_the_rows_of_its_hash_key(
    hash_key: bytes, other_hash_key: bytes, sort_key: bytes
) -> None:
    lower, upper = hash_key_range(hash_key)

    assert (lower <= encode_key(other_hash_key, sort_key) < upper) == (hash_key == other_hash_key)


@given(BYTES, BYTES, BYTES, BYTES)
def test_next_key_bounds_exactly_the_keys_with_the_prefix(
    hash_key: bytes, prefix: bytes, other_hash_key: bytes, sort_key: bytes
) -> None:
    lower = encode_key(hash_key, prefix)
    key = encode_key(other_hash_key, sort_key)

    assert (lower <= key < next_key(lower)) == key.startswith(lower)


@given(BYTES, BYTES)
def test_every_row_lies_below_the_end(hash_key: bytes, sort_key: bytes) -> None:
    assert encode_key(hash_key, sort_key) < KEYS_END
