"""The body of a mutation: it comes back, and anything else is refused by name."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from pegasus_server.data.physical_batch import BatchDamaged, decode, encode
from pegasus_server.storage.engine import Change

CHANGES = st.lists(st.tuples(st.binary(max_size=20), st.none() | st.binary(max_size=300)))


@given(CHANGES)
def test_round_trip(changes: list[Change]) -> None:
    assert decode(encode(changes)) == changes


def test_the_bytes_of_format_1_stay_readable() -> None:
    body = bytes.fromhex("01 92 92 c4016b c40176 92 c4016c c0")
    assert encode([(b"k", b"v"), (b"l", None)]) == body
    assert decode(body) == [(b"k", b"v"), (b"l", None)]


@given(CHANGES, st.data())
def test_a_cut_body_is_refused(changes: list[Change], data: st.DataObject) -> None:
    body = encode(changes)
    with pytest.raises(BatchDamaged):
        decode(body[: data.draw(st.integers(0, len(body) - 1))])


@given(st.binary())
def test_random_bytes_are_a_batch_or_refused(body: bytes) -> None:
    try:
        decode(body)
    except BatchDamaged as error:
        assert "relearn" in str(error)  # noqa: PT017 -- both outcomes are right


def test_a_newer_format_names_the_remedy() -> None:
    with pytest.raises(BatchDamaged, match=r"format 2.*start the newer server"):
        decode(b"\x02whatever")
