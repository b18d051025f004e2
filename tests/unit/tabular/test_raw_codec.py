"""A raw table's rows are its pairs, byte for byte."""

import pytest

from pegasus_tab.base.errors import DataError, IntegrityError
from pegasus_tab.tabular.errors import ImpossibleKey
from pegasus_tab.tabular.raw_codec import RawCodec

CODEC = RawCodec()


def test_a_row_is_its_pair() -> None:
    row = (b"h\x00", b"\xff", b"v")
    assert CODEC.key(row) == (b"h\x00", b"\xff")
    assert CODEC.encode(row) == [(b"\xff", b"v")]
    assert CODEC.decode(b"h\x00", [(b"\xff", b"v")]) == row
    assert CODEC.decode(b"h\x00", []) is None
    assert list(CODEC.decode_rows(b"h", [(b"", b"1"), (b"a", b"2")])) == [
        (b"h", b"", b"1"),
        (b"h", b"a", b"2"),
    ]


def test_text_is_accepted_where_bytes_are() -> None:
    assert CODEC.encode(("h", "\\x00", "caf\u00e9")) == [(b"\x00", b"caf\xc3\xa9")]
    assert CODEC.coerce({0: "h", 1: "s", 2: "v"}) == (b"h", b"s", b"v")
    assert CODEC.hash_key([""]) == b""


def test_sort_range_compares_whole_keys() -> None:
    assert CODEC.sort_range((), (b"a", True), (b"c", False)) == (b"a", b"c")
    assert CODEC.sort_range((), (b"a", False), (b"c", True)) == (b"a\x00", b"c\x00")
    assert CODEC.sort_range((b"a",)) == (b"a", b"a\x00")
    assert CODEC.sort_range() == (b"", b"")
    assert CODEC.sort_range((), None, (b"", False)) is None
    assert CODEC.sort_range((), (b"b", True), (b"a", True)) is None


def test_refusals() -> None:
    with pytest.raises(IntegrityError, match='null value in key column "hash_key"'):
        CODEC.hash_key([None])
    with pytest.raises(ImpossibleKey, match='"sort_key" takes 4097 bytes, limit is 4096'):
        CODEC.sort_key([bytes(4097)])
    with pytest.raises(IntegrityError, match='null value in column "value"'):
        CODEC.encode((b"h", b"s", None))
    with pytest.raises(DataError, match='column "value": a value of Python type int'):
        CODEC.encode((b"h", b"s", 5))
    with pytest.raises(DataError, match="limit of one value is 1048576"):
        CODEC.encode((b"h", b"s", bytes((1 << 20) + 1)))
