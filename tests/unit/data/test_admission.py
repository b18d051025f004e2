"""Limits of keys, values and requests, at the border and one beyond."""

import pytest

from pegasus_server.data.admission import body_error, is_row, is_row_key
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
