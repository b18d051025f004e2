"""The fast paths equal the plain codec: the same bytes out, and in the same values or refusal."""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pegasus_tab.base.ids import Gpid
from pegasus_tab.wire import codes, fast
from pegasus_tab.wire.envelope import Stretch
from pegasus_tab.wire.errors import RemoteProtocolError
from pegasus_tab.wire.frame import (
    RequestFrame,
    RequestReader,
    ResponseFrame,
    ResponseReader,
    encode_request,
    encode_response,
)
from pegasus_tab.wire.messages import (
    KeyValue,
    MultiGetRequest,
    MultiGetResponse,
    MultiPutRequest,
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
MULTI_PUTS = st.builds(MultiPutRequest, BLOBS, ROWS_PERHAPS_WITH_EXPIRY, I32S)


@st.composite
def damaged(draw: st.DrawFn, encoded: st.SearchStrategy[bytes]) -> bytes:
    """Sound bytes, or such with a byte changed, cut off, or added."""
    data = draw(encoded)
    at = draw(st.integers(0, len(data)))
    match draw(st.integers(0, 4)):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + draw(st.binary(min_size=1, max_size=3)) + data[at:]
        case 2:
            return data[:at] + bytes((draw(st.integers(0, 255)),)) + data[at + 1 :]
        case _:
            return data


def requests(
    args: st.SearchStrategy[bytes], name: bytes = codes.GET
) -> st.SearchStrategy[RequestFrame]:
    """Request frames around possibly damaged args, with another frame's bytes behind them."""

    def frame(struct: bytes) -> RequestFrame:
        data = encode_request(name, 1, Gpid(1, 2), 3, 4, struct)
        return RequestReader().feed(data + encode_request(name, 2, Gpid(1, 2), 3, 4, b"\0" * 40))[0]

    return damaged(args).map(frame)


def responses(results: st.SearchStrategy[bytes]) -> st.SearchStrategy[ResponseFrame]:
    """Reply frames around possibly damaged results, with another frame's bytes behind them."""

    def frame(struct: bytes) -> ResponseFrame:
        data = encode_response(codes.GET, 1, struct)
        return ResponseReader().feed(data + encode_response(codes.GET, 2, b"\0" * 40))[0]

    return damaged(results).map(frame)


def split(rows: Sequence[KeyValue]) -> fast.Rows:
    """Rows as keys and values."""
    return [row.key for row in rows], [row.value for row in rows]


def outcome(read: Callable[[Any], object], frame: Stretch) -> object:
    """What a reader makes of a frame, refusals included."""
    try:
        return read(frame)
    except RemoteProtocolError as refusal:
        return str(refusal)


@given(requests(BLOBS.map(encode_blob_argument)))
def test_decode_get(frame: RequestFrame) -> None:
    assert outcome(fast.decode_get, frame) == outcome(decode_blob_argument, frame)


@given(requests(UPDATES.map(lambda update: arguments(update.encode())), codes.PUT))
def test_decode_put(frame: RequestFrame) -> None:
    def plain(frame: RequestFrame) -> object:
        update = decode_arguments(frame, UpdateRequest)
        return update.key, update.value, update.expire_ts_seconds

    assert outcome(fast.decode_put, frame) == outcome(plain, frame)


@given(requests(MULTI_GETS.map(fast.multi_get_arguments), codes.MULTI_GET))
def test_decode_multi_get(frame: RequestFrame) -> None:
    def plain(frame: RequestFrame) -> object:
        return decode_arguments(frame, MultiGetRequest)

    assert outcome(fast.decode_multi_get, frame) == outcome(plain, frame)


@given(requests(MULTI_PUTS.map(lambda put: arguments(put.encode())), codes.MULTI_PUT))
def test_decode_multi_put(frame: RequestFrame) -> None:
    def plain(frame: RequestFrame) -> object:
        put = decode_arguments(frame, MultiPutRequest)
        return put.hash_key, *split(put.kvs), put.expire_ts_seconds

    assert outcome(fast.decode_multi_put, frame) == outcome(plain, frame)


@given(responses(READ_RESPONSES.map(lambda answer: result(answer.encode()))))
def test_decode_get_result(frame: ResponseFrame) -> None:
    def plain(frame: ResponseFrame) -> object:
        answer = decode_result(frame, ReadResponse)
        return answer.error, answer.value

    assert outcome(fast.decode_get_result, frame) == outcome(plain, frame)


@given(responses(UPDATE_RESPONSES.map(lambda answer: result(answer.encode()))))
def test_decode_put_result(frame: ResponseFrame) -> None:
    def plain(frame: ResponseFrame) -> object:
        answer = decode_result(frame, UpdateResponse)
        return answer.error, answer.decree

    assert outcome(fast.decode_put_result, frame) == outcome(plain, frame)


@given(responses(MULTI_GET_RESPONSES.map(lambda answer: result(answer.encode()))))
def test_decode_multi_get_result(frame: ResponseFrame) -> None:
    def plain(frame: ResponseFrame) -> object:
        answer = decode_result(frame, MultiGetResponse)
        return answer.error, *split(answer.kvs)

    assert outcome(fast.decode_multi_get_result, frame) == outcome(plain, frame)


@given(responses(SCAN_RESPONSES.map(lambda answer: result(answer.encode()))))
def test_decode_scan_result(frame: ResponseFrame) -> None:
    def plain(frame: ResponseFrame) -> object:
        answer = decode_result(frame, ScanResponse)
        return answer.error, *split(answer.kvs), answer.context_id

    assert outcome(fast.decode_scan_result, frame) == outcome(plain, frame)


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
