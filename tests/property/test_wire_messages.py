"""Every message: round trip, fields missing, fields unknown, bytes damaged."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import UnionType
from typing import Any, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegasus_tab.base.ids import Gpid
from pegasus_tab.wire import messages
from pegasus_tab.wire.binary import (
    BOOLEAN,
    I32,
    I64,
    STRING,
    FieldPlace,
    FieldType,
    list_of,
    map_of,
)
from pegasus_tab.wire.errors import RemoteProtocolError
from pegasus_tab.wire.messages import Address
from pegasus_tab.wire.request_frame import RequestMeta
from pegasus_tab.wire.thrift_struct import Struct, encode_fields

MESSAGES: list[type[Struct]] = [
    value
    for name in messages.__all__
    if isinstance(value := getattr(messages, name), type) and issubclass(value, Struct)
] + [RequestMeta]

I32S = st.integers(-(2**31), 2**31 - 1)
I64S = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
ADDRESSES = st.just(Address()) | st.builds(
    Address, st.ip_addresses(v=4).map(str), st.integers(1, 65535)
)
NAMED: dict[type, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    str: TEXTS,
    bytes: st.binary(max_size=8),
    Gpid: st.builds(Gpid, I32S, I32S),
    Address: ADDRESSES,
}

# Types a newer peer might add that any reader must step over.
STRANGE_VALUES: list[tuple[FieldType[Any], st.SearchStrategy[Any]]] = [
    (BOOLEAN, st.booleans()),
    (I32, I32S),
    (I64, I64S),
    (STRING, TEXTS),
    (list_of(I32), st.lists(I32S, max_size=3)),
    (list_of(list_of(STRING)), st.lists(st.lists(TEXTS, max_size=2), max_size=2)),
    (map_of(STRING, I64), st.dictionaries(TEXTS, I64S, max_size=2)),
]


def values(kind: Any, place: FieldPlace) -> st.SearchStrategy[Any]:
    """Values of a field, from its Python type."""
    if isinstance(kind, UnionType):
        return st.none() | values(get_args(kind)[0], place)
    if get_origin(kind) is Sequence:
        return st.lists(values(get_args(kind)[0], I32(1)), max_size=3).map(tuple)
    if get_origin(kind) is Mapping:
        return st.dictionaries(TEXTS, TEXTS, max_size=3)
    if kind is int:
        return I64S if place.type is I64 else I32S
    return NAMED[kind] if kind in NAMED else instances(kind)


def instances(message: type[Struct]) -> st.SearchStrategy[Struct]:
    """Messages of one type."""
    return st.builds(
        message,
        **{field.name: values(*get_args(field.type)) for field in fields(message)},  # type: ignore[arg-type]
    )


@st.composite
def strange_field(draw: st.DrawFn) -> bytes:
    """A field no message knows."""
    kind, strategy = draw(st.sampled_from(STRANGE_VALUES))
    head = bytes((kind.code,)) + draw(st.integers(200, 999)).to_bytes(2, "big")
    written: bytes = kind.write(draw(strategy))
    return head + written


@pytest.mark.parametrize("message", MESSAGES)
def test_default_says_what_missing_fields_mean(message: type[Struct]) -> None:
    assert message.decode(b"\0") == message()


@pytest.mark.parametrize("message", MESSAGES)
def test_fields_are_written_in_id_order(message: type[Struct]) -> None:
    ids = [int.from_bytes(codec.head[1:], "big") for codec in message.FIELDS]

    assert ids == sorted(set(ids))


@given(st.sampled_from(MESSAGES).flatmap(instances), st.binary(max_size=5), st.binary(max_size=5))
def test_round_trip(message: Struct, before: bytes, after: bytes) -> None:
    data = before + message.encode() + after

    decoded, stop = type(message).read(data, len(before), len(data))

    assert decoded == message
    assert stop == len(data) - len(after)


@given(st.sampled_from(MESSAGES).flatmap(instances), st.data())
def test_missing_fields_take_their_defaults(message: Struct, draws: st.DataObject) -> None:
    sent = tuple(codec for codec in message.FIELDS if draws.draw(st.booleans()))
    names = {codec.name for codec in sent}

    decoded = type(message).decode(encode_fields(message, sent))

    for field in fields(message):  # type: ignore[arg-type]
        expected = message if field.name in names else type(message)()
        assert getattr(decoded, field.name) == getattr(expected, field.name)


@given(st.sampled_from(MESSAGES).flatmap(instances), strange_field(), strange_field())
def test_unknown_fields_are_stepped_over(message: Struct, first: bytes, last: bytes) -> None:
    data = first + message.encode()[:-1] + last + b"\0"

    assert type(message).read(data, 0, len(data)) == (message, len(data))


@given(st.sampled_from(MESSAGES).flatmap(instances), st.data())
def test_cut_messages_are_refused(message: Struct, draws: st.DataObject) -> None:
    data = message.encode()
    end = draws.draw(st.integers(0, len(data) - 1))

    with pytest.raises(RemoteProtocolError):
        type(message).decode(data, 0, end)


@given(st.sampled_from(MESSAGES).flatmap(instances), st.data())
def test_damaged_messages_are_read_or_refused(message: Struct, draws: st.DataObject) -> None:
    data = bytearray(message.encode())
    for _ in range(draws.draw(st.integers(1, 3))):
        data[draws.draw(st.integers(0, len(data) - 1))] = draws.draw(st.integers(0, 255))

    try:
        type(message).decode(bytes(data))
    except RemoteProtocolError:
        return


@given(st.sampled_from(MESSAGES), st.binary(max_size=100))
def test_random_bytes_are_read_or_refused(message: type[Struct], data: bytes) -> None:
    try:
        message.decode(data)
    except RemoteProtocolError:
        return
