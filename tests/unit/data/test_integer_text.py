"""Integers as text: the cases strtoll with base 0 knows (its equality is a property test)."""

import pytest

from pegasus_server.data.integer_text import INT64_MAX, INT64_MIN, parse_int64


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (b"0", 0),
        (b"42", 42),
        (b"-42", -42),
        (b"+42", 42),
        (b" \t\n42", 42),
        (b"0x1F", 31),
        (b"-0X1f", -31),
        (b"017", 15),
        (b"08", None),
        (b"0x", None),
        (b"", None),
        (b"-", None),
        (b" ", None),
        (b"42 ", None),
        (b"4_2", None),
        (b"4.0", None),
        (b"42\0", None),
        (b"- 42", None),
        ("\u0664".encode(), None),
        (b"%d" % INT64_MAX, INT64_MAX),
        (b"%d" % INT64_MIN, INT64_MIN),
        (b"%d" % (INT64_MAX + 1), None),
        (b"%d" % (INT64_MIN - 1), None),
        (b"9" * 100_000, None),
    ],
)
def test_texts(text: bytes, number: int | None) -> None:
    assert parse_int64(text) == number
