"""Limits of keys, values and requests, at the border and one beyond."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from pegasus_server.data.admission import are_row_keys, body_error, is_row, is_row_key
from pegasus_server.storage.engine import DECREE_KEY
from pegasus_tab.base.limits import (
    HASH_KEY_BYTES_MAX,
    SORT_KEY_BYTES_MAX,
    VALUE_BYTES_MAX,
    WRITE_REQUEST_BYTES_MAX,
)
from pegasus_tab.wire.codes import ERR_INVALID_DATA
from pegasus_tab.wire.keys import encode_key

H, S = b"h" * HASH_KEY_BYTES_MAX, b"s" * SORT_KEY_BYTES_MAX


BORDERS = [SORT_KEY_BYTES_MAX + more for more in (0, 2, 3, HASH_KEY_BYTES_MAX)]
KEYS = st.builds(
    lambda length, rest: length.to_bytes(2, "big") + bytes(rest),
    st.sampled_from([0, 2, 5, HASH_KEY_BYTES_MAX, HASH_KEY_BYTES_MAX + 1, 0xFFFF]),
    st.sampled_from([0, 2, HASH_KEY_BYTES_MAX, *BORDERS]),
) | st.binary(max_size=2)


@given(st.lists(KEYS, min_size=1, max_size=3))
def test_many_keys_are_judged_as_each_of_them_is(keys: list[bytes]) -> None:
    assert are_row_keys(keys) is all(map(is_row_key, keys))


@pytest.mark.parametrize(
    ("key", "legal"),
    [
        (b"", False),
        (b"\0", False),
        (b"\0\0", True),
        (b"\0\2h", False),
        (encode_key(H, S), True),
        (encode_key(H + b"h", b""), False),
        (encode_key(H, S + b"s"), False),
        (DECREE_KEY, False),
        (DECREE_KEY + b"x" * 70000, False),
    ],
)
def test_encoded_keys(key: bytes, legal: bool) -> None:
    assert is_row_key(key) is legal


@pytest.mark.parametrize(
    ("hash_key", "sort_key", "value", "legal"),
    [
        (b"", b"", b"", True),
        (H, S, b"v" * VALUE_BYTES_MAX, True),
        (H + b"h", S, b"", False),
        (H, S + b"s", b"", False),
        (H, S, b"v" * (VALUE_BYTES_MAX + 1), False),
    ],
)
def test_parts_of_a_row(hash_key: bytes, sort_key: bytes, value: bytes, legal: bool) -> None:
    assert is_row(hash_key, sort_key, value) is legal


def test_the_body_of_a_write() -> None:
    assert body_error(WRITE_REQUEST_BYTES_MAX) is None
    assert body_error(WRITE_REQUEST_BYTES_MAX + 1) == ERR_INVALID_DATA
