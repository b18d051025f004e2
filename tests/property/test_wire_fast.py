"""The fast paths equal the plain codec: the same bytes out, and in the same values or refusal."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegasus_tab.base.errors import DataError
from pegasus_tab.base.ids import Gpid
from pegasus_tab.wire import codes, fast
from pegasus_tab.wire.envelope import Stretch
from pegasus_tab.wire.errors import RemoteProtocolError
from pegasus_tab.wire.frame import encode_request, encode_response
from pegasus_tab.wire.messages import (
    CheckAndMutateRequest,
    CheckAndResponse,
    KeyValue,
    MultiGetRequest,
    MultiGetResponse,
    MultiPutRequest,
    Mutate,
    ReadResponse,
    ScanResponse,
    UpdateRequest,
    UpdateResponse,
    arguments,
    decode_arguments,
    decode_blob_argument,
    decode_result,
    encode_blob_argument,
    result,
)

UNKNOWN_FIELD = b"\x08\0\x63\0\0\0\1"

I32S = st.integers(-(2**31), 2**31 - 1)
I64S = st.integers(-(2**63), 2**63 - 1)
BLOBS = st.binary(max_size=40)
GPIDS = st.builds(Gpid, I32S, I32S)
HASHES = st.integers(0, 2**64 - 1)
SERVERS = st.text(st.characters(codec="utf-8"), max_size=30)
ROWS = st.lists(st.builds(KeyValue, BLOBS, BLOBS), max_size=5).map(tuple)
ROWS_PERHAPS_WITH_EXPIRY = st.lists(
    st.builds(KeyValue, BLOBS, BLOBS, st.none() | I32S), max_size=4
).map(tuple)

MULTI_GETS = st.builds(
    MultiGetRequest,
    BLOBS,
    st.lists(BLOBS, max_size=4).map(tuple),
    I32S,
    I32S,
    st.booleans(),
    BLOBS,
    BLOBS,
    st.booleans(),
    st.booleans(),
    I32S,
    BLOBS,
    st.booleans(),
)
READ_RESPONSES = st.builds(ReadResponse, I32S, BLOBS, I32S, I32S, SERVERS)
UPDATE_RESPONSES = st.builds(UpdateResponse, I32S, I32S, I32S, I64S, SERVERS)
MULTI_GET_RESPONSES = st.builds(
    MultiGetResponse, I32S, ROWS_PERHAPS_WITH_EXPIRY, I32S, I32S, SERVERS
)
SCAN_RESPONSES = st.builds(
    ScanResponse, I32S, ROWS_PERHAPS_WITH_EXPIRY, I64S, I32S, I32S, SERVERS, st.none() | I32S
)
UPDATES = st.builds(UpdateRequest, BLOBS, BLOBS, I32S, st.none() | I32S)
STEPS = st.lists(st.builds(Mutate, I32S, BLOBS, BLOBS, I32S), max_size=4).map(tuple)
CHECKS = st.builds(CheckAndMutateRequest, BLOBS, BLOBS, I32S, BLOBS, STEPS, st.booleans())
CHECK_RESPONSES = st.builds(
    CheckAndResponse, I32S, st.booleans(), st.booleans(), BLOBS, I32S, I32S, I64S, SERVERS
)
MULTI_PUTS = st.builds(MultiPutRequest, BLOBS, ROWS_PERHAPS_WITH_EXPIRY, I32S)


def split(rows: Sequence[KeyValue]) -> fast.Rows:
    """Rows as keys and values."""
    return [row.key for row in rows], [row.value for row in rows]


def outcome(read: Callable[[Any], object], frame: Stretch) -> object:
    """What a reader makes of a frame, refusals included."""
    try:
        return read(frame)
    except RemoteProtocolError as refusal:
        return str(refusal)


def plain_put(frame: Stretch) -> object:
    put = decode_arguments(frame, UpdateRequest)
    return put.key, put.value, put.expire_ts_seconds


def plain_multi_get(frame: Stretch) -> object:
    return decode_arguments(frame, MultiGetRequest)


def plain_multi_put(frame: Stretch) -> object:
    put = decode_arguments(frame, MultiPutRequest)
    return put.hash_key, *split(put.kvs), put.expire_ts_seconds


def plain_check(frame: Stretch) -> object:
    return decode_arguments(frame, CheckAndMutateRequest)


def plain_check_result(frame: Stretch) -> object:
    return decode_result(frame, CheckAndResponse)


def plain_get_result(frame: Stretch) -> object:
    answer = decode_result(frame, ReadResponse)
    return answer.error, answer.value


def plain_put_result(frame: Stretch) -> object:
    answer = decode_result(frame, UpdateResponse)
    return answer.error, answer.decree


def plain_multi_get_result(frame: Stretch) -> object:
    answer = decode_result(frame, MultiGetResponse)
    return answer.error, *split(answer.kvs)


def plain_scan_result(frame: Stretch) -> object:
    answer = decode_result(frame, ScanResponse)
    return answer.error, *split(answer.kvs), answer.context_id


TWO_ROWS = (KeyValue(b"s1", b"v1"), KeyValue(b"s2", b""))
READERS: dict[str, tuple[Callable[[Any], object], Callable[[Any], object], bytes]] = {
    "get": (fast.decode_get, decode_blob_argument, encode_blob_argument(b"\0\1hs")),
    "put": (fast.decode_put, plain_put, fast.put_arguments(b"\0\1hs", b"value", 9)),
    "multi_get": (
        fast.decode_multi_get,
        plain_multi_get,
        fast.multi_get_arguments(MultiGetRequest(b"h", (b"s1", b"s2"), 5, start_sortkey=b"s")),
    ),
    "multi_put": (
        fast.decode_multi_put,
        plain_multi_put,
        fast.multi_put_arguments(b"h", *split(TWO_ROWS), 9),
    ),
    "check": (
        fast.decode_check_and_mutate,
        plain_check,
        fast.check_and_mutate_arguments(
            CheckAndMutateRequest(
                b"h", b"s", 1, b"o", (Mutate(0, b"s1", b"v1", 9), Mutate(1, b"s2"))
            )
        ),
    ),
    "check_result": (
        fast.decode_check_result,
        plain_check_result,
        result(CheckAndResponse(13, True, True, b"v", 2, 3, 42, "node:1").encode()),
    ),
    "get_result": (
        fast.decode_get_result,
        plain_get_result,
        result(ReadResponse(0, b"value", 2, 3, "node:1").encode()),
    ),
    "put_result": (
        fast.decode_put_result,
        plain_put_result,
        result(UpdateResponse(0, 2, 3, 42, "node:1").encode()),
    ),
    "multi_get_result": (
        fast.decode_multi_get_result,
        plain_multi_get_result,
        result(MultiGetResponse(7, TWO_ROWS, 2, 3, "node:1").encode()),
    ),
    "scan_result": (
        fast.decode_scan_result,
        plain_scan_result,
        result(ScanResponse(0, TWO_ROWS, 5, 2, 3, "node:1").encode()),
    ),
}


class Place(NamedTuple):
    """A struct in the middle of a buffer whose next bytes could be taken for its own."""

    body: bytes
    offset: int
    end: int


def place(struct: bytes) -> Place:
    return Place(b"\x0c\0\1" + struct + bytes(300), 3, 3 + len(struct))


@pytest.mark.parametrize("reader", READERS)
def test_every_single_damage(reader: str) -> None:
    quick, plain, data = READERS[reader]
    damages = [data[:end] for end in range(len(data))]
    for at, byte in enumerate(data):
        instead = {byte ^ 1, byte ^ 128, 0, 1, 255}
        damages += [data[:at] + bytes((other,)) + data[at + 1 :] for other in instead]
        damages += [data[:at] + b"\0" + data[at:], data[:at] + UNKNOWN_FIELD + data[at:]]

    for damage in damages:
        frame = place(damage)
        assert outcome(quick, frame) == outcome(plain, frame), damage.hex()


@given(
    st.one_of(
        st.tuples(st.just("get"), BLOBS.map(encode_blob_argument)),
        st.tuples(st.just("put"), UPDATES.map(lambda put: arguments(put.encode()))),
        st.tuples(st.just("multi_get"), MULTI_GETS.map(lambda get: arguments(get.encode()))),
        st.tuples(st.just("multi_put"), MULTI_PUTS.map(lambda put: arguments(put.encode()))),
        st.tuples(st.just("check"), CHECKS.map(lambda check: arguments(check.encode()))),
        st.tuples(st.just("check_result"), CHECK_RESPONSES.map(lambda said: result(said.encode()))),
        st.tuples(st.just("get_result"), READ_RESPONSES.map(lambda get: result(get.encode()))),
        st.tuples(st.just("put_result"), UPDATE_RESPONSES.map(lambda put: result(put.encode()))),
        st.tuples(
            st.just("multi_get_result"), MULTI_GET_RESPONSES.map(lambda get: result(get.encode()))
        ),
        st.tuples(st.just("scan_result"), SCAN_RESPONSES.map(lambda scan: result(scan.encode()))),
    )
)
def test_reading_sound_bytes(sent: tuple[str, bytes]) -> None:
    quick, plain, _ = READERS[sent[0]]
    frame = place(sent[1])

    assert quick(frame) == plain(frame)


@given(st.sampled_from(sorted(READERS)), st.binary(max_size=60))
def test_reading_random_bytes(reader: str, data: bytes) -> None:
    quick, plain, sound = READERS[reader]
    frame = place(sound[:10] + data)

    assert outcome(quick, frame) == outcome(plain, frame)


@given(I32S, GPIDS, HASHES, I32S, BLOBS, BLOBS, I32S)
def test_requests(
    seqid: int,
    gpid: Gpid,
    hashed: int,
    timeout_ms: int,
    key: bytes,
    value: bytes,
    expire: int,
) -> None:
    put = arguments(UpdateRequest(key, value, expire).encode())
    head = (seqid, gpid, hashed, timeout_ms)

    assert fast.get_request(*head, key) == encode_request(
        codes.GET, *head, encode_blob_argument(key)
    )
    assert fast.put_arguments(key, value, expire) == put
    assert fast.put_request(*head, key, value, expire) == encode_request(codes.PUT, *head, put)


@given(MULTI_GETS)
def test_multi_get_arguments(request: MultiGetRequest) -> None:
    assert fast.multi_get_arguments(request) == arguments(request.encode())


@given(BLOBS, ROWS, I32S)
def test_multi_put_arguments(hash_key: bytes, rows: tuple[KeyValue, ...], expire: int) -> None:
    plain = arguments(MultiPutRequest(hash_key, rows, expire).encode())

    assert fast.multi_put_arguments(hash_key, *split(rows), expire) == plain


@given(CHECKS)
def test_check_and_mutate_arguments(request: CheckAndMutateRequest) -> None:
    assert fast.check_and_mutate_arguments(request) == arguments(request.encode())


def test_check_and_mutate_arguments_refused() -> None:
    request = CheckAndMutateRequest(b"h", check_type=2**31)

    with pytest.raises(DataError, match="check_type"):
        fast.check_and_mutate_arguments(request)


@given(st.sampled_from([codes.CHECK_AND_SET, codes.CHECK_AND_MUTATE]), I32S, CHECK_RESPONSES)
def test_check_response(name: bytes, seqid: int, response: CheckAndResponse) -> None:
    plain = encode_response(name, seqid, result(response.encode()))

    assert fast.check_response(name, seqid, response) == plain


@given(I32S, I32S, BLOBS, GPIDS, SERVERS)
def test_get_response(seqid: int, status: int, value: bytes, gpid: Gpid, server: str) -> None:
    plain = result(ReadResponse(status, value, *gpid, server).encode())

    assert fast.get_response(seqid, status, value, gpid, server) == encode_response(
        codes.GET, seqid, plain
    )


@given(I32S, I32S, GPIDS, I64S, SERVERS, st.sampled_from([codes.PUT, codes.REMOVE]))
def test_put_response(
    seqid: int, status: int, gpid: Gpid, decree: int, server: str, name: bytes
) -> None:
    plain = result(UpdateResponse(status, *gpid, decree, server).encode())

    assert fast.put_response(seqid, status, gpid, decree, server, name) == encode_response(
        name, seqid, plain
    )


@given(I32S, I32S, ROWS, GPIDS, SERVERS)
def test_multi_get_response(
    seqid: int, status: int, rows: tuple[KeyValue, ...], gpid: Gpid, server: str
) -> None:
    plain = result(MultiGetResponse(status, rows, *gpid, server).encode())

    assert fast.multi_get_response(seqid, status, *split(rows), gpid, server) == encode_response(
        codes.MULTI_GET, seqid, plain
    )


@given(I32S, I32S, ROWS, I64S, GPIDS, SERVERS)
def test_scan_response(
    seqid: int, status: int, rows: tuple[KeyValue, ...], context: int, gpid: Gpid, server: str
) -> None:
    plain = result(ScanResponse(status, rows, context, *gpid, server).encode())

    assert fast.scan_response(
        seqid, status, *split(rows), context, gpid, server
    ) == encode_response(codes.SCAN, seqid, plain)
