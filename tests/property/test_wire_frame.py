"""Frames do not depend on how the bytes were cut, and no bytes do more harm than a refusal."""

from hypothesis import given
from hypothesis import strategies as st

from pegasus_tab.base.ids import Gpid
from pegasus_tab.wire.errors import RemoteProtocolError
from pegasus_tab.wire.frame import (
    RequestFrame,
    RequestReader,
    ResponseFrame,
    ResponseReader,
    encode_request,
    encode_request_v1,
    encode_response,
)

I32S = st.integers(-(2**31), 2**31 - 1)
NAMES = st.binary(max_size=30)
BODIES = st.binary(min_size=1, max_size=60)
V0_REQUESTS = st.builds(
    encode_request,
    NAMES,
    I32S,
    st.builds(Gpid, I32S, I32S),
    st.integers(0, 2**64 - 1),
    I32S,
    BODIES,
)
V1_REQUESTS = st.builds(
    encode_request_v1,
    NAMES,
    I32S,
    st.builds(Gpid, I32S, I32S),
    st.integers(0, 2**64 - 1),
    I32S,
    BODIES,
    is_backup=st.booleans(),
)
RESPONSES = st.builds(
    encode_response,
    NAMES,
    I32S,
    BODIES,
    st.sampled_from(["ERR_OK", "ERR_BUSY", "", "ERR_NEW_NAME"]),
)
LIMIT = 400
"""Small, so that random lengths fall on both sides of it."""


@st.composite
def streams(draw: st.DrawFn, frames: st.SearchStrategy[bytes]) -> bytes:
    """The bytes of some frames, perhaps with a byte changed, bytes added, or the end missing."""
    data = b"".join(draw(st.lists(frames, max_size=5)))
    at = draw(st.integers(0, len(data)))
    match draw(st.integers(0, 5)):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + draw(st.binary(min_size=1, max_size=70)) + data[at:]
        case 2 | 3:
            return data[:at] + bytes((draw(st.integers(0, 255)),)) + data[at + 1 :]
        case _:
            return data


@st.composite
def cuts(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """The same bytes in pieces, some of them empty."""
    at = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    return [data[a:b] for a, b in zip([0, *at], [*at, len(data)], strict=True)]


def read_all(
    reader: RequestReader | ResponseReader, pieces: list[bytes]
) -> tuple[list[tuple[object, ...]], bool]:
    """Every frame with its body cut out, and whether the stream ended in a refusal."""
    frames: list[tuple[object, ...]] = []
    for piece in pieces:
        try:
            frames += [contents(frame) for frame in reader.feed(piece)]
        except RemoteProtocolError:
            break
        assert reader.pending_bytes <= max(reader.limit, 20)
        if reader.fault is not None:
            break
    assert reader.fault is None or reader.pending_bytes == 0
    return frames, reader.fault is not None


def contents(frame: RequestFrame | ResponseFrame) -> tuple[object, ...]:
    return (*frame._replace(body=b"", offset=0, end=0), frame.body[frame.offset : frame.end])


@given(streams(V0_REQUESTS | V1_REQUESTS), st.data())
def test_requests_do_not_depend_on_the_cuts(data: bytes, draws: st.DataObject) -> None:
    whole = read_all(RequestReader(LIMIT), [data])

    assert read_all(RequestReader(LIMIT), draws.draw(cuts(data))) == whole
    assert read_all(RequestReader(LIMIT), [bytes((byte,)) for byte in data]) == whole


@given(streams(RESPONSES), st.data())
def test_responses_do_not_depend_on_the_cuts(data: bytes, draws: st.DataObject) -> None:
    whole = read_all(ResponseReader(LIMIT), [data])

    assert read_all(ResponseReader(LIMIT), draws.draw(cuts(data))) == whole
    assert read_all(ResponseReader(LIMIT), [bytes((byte,)) for byte in data]) == whole


@given(st.lists(V0_REQUESTS, max_size=4), st.lists(V1_REQUESTS, max_size=4))
def test_sound_requests_all_arrive(v0: list[bytes], v1: list[bytes]) -> None:
    reader = RequestReader()

    frames = reader.feed(b"".join(v0 + v1))

    assert [frame.version for frame in frames] == [0] * len(v0) + [1] * len(v1)
    assert reader.fault is None


@given(st.binary(max_size=300))
def test_random_bytes_to_a_server(data: bytes) -> None:
    read_all(RequestReader(), [data])
    read_all(RequestReader(), [b"THFT" + data])
    read_all(RequestReader(), [b"THFT\0\0\0\1\0\0\0\x10" + data])


@given(st.binary(max_size=300))
def test_random_bytes_to_a_client(data: bytes) -> None:
    read_all(ResponseReader(), [data])
    read_all(ResponseReader(), [len(data).to_bytes(4, "big") + data])


@given(NAMES, I32S, st.builds(Gpid, I32S, I32S), st.integers(0, 2**64 - 1), I32S, BODIES)
def test_both_header_versions_say_the_same(
    name: bytes, seqid: int, gpid: Gpid, hashed: int, timeout_ms: int, args: bytes
) -> None:
    request = (name, seqid, gpid, hashed, timeout_ms, args)

    [v0] = RequestReader().feed(encode_request(*request))
    [v1] = RequestReader().feed(encode_request_v1(*request))

    assert contents(v0._replace(version=1)) == contents(v1)
    assert contents(v0) == (name, seqid, *gpid, timeout_ms, hashed, False, 0, b"", 0, 0, args)
