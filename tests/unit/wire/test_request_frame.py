"""Requests that a server must refuse, and when; sound ones are in the golden vectors."""

import struct
import tracemalloc
from collections.abc import Callable

import pytest

from pegasus_tab.base.ids import Gpid
from pegasus_tab.base.limits import CLIENT_FRAME_BYTES_MAX
from pegasus_tab.wire import codes
from pegasus_tab.wire.frame import (
    RemoteProtocolError,
    RequestReader,
    encode_request,
    encode_request_v1,
)
from pegasus_tab.wire.messages import encode_blob_argument, encode_i64_argument

GET = encode_request(codes.GET, 7, Gpid(2, 3), 0, 0, encode_blob_argument(b"\0\1ab"))
GET_V1 = encode_request_v1(codes.GET, 7, Gpid(-1, -1), 0, 0, encode_blob_argument(b"\0\1ab"))


def _with(data: bytes, at: int, layout: str, value: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into(layout, changed, at, value)
    return bytes(changed)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"GET / HTTP/1.1\r\n", "begins with b'GET '"),
        (b"R", "begins with b'R'"),
        (_with(GET, 4, ">I", 2), "header version 2"),
        (_with(GET, 8, ">I", 49), "header of 49 bytes"),
        (_with(GET, 16, ">I", 11), "body of 11 bytes is too short"),
        (_with(GET, 16, ">I", 2**32 - 1), "over the limit"),
        (_with(GET, 16, ">I", CLIENT_FRAME_BYTES_MAX - 47), "over the limit"),
        (_with(GET, 48, ">I", 0x80010002), "message kind 0x80010002"),
        (_with(GET, 52, ">I", 257), "RPC name of 257 bytes"),
        (_with(GET, 52, ">I", 2**32 - 1), "RPC name of 4294967295 bytes"),
        (_with(GET_V1, 8, ">I", 1025), "meta of 1025 bytes"),
        (_with(GET_V1, 8, ">I", 5), "runs past the end"),
        (_with(GET_V1, 12, ">I", 3), "body of 3 bytes is too short"),
        (_with(GET_V1, 12, ">I", 2**32 - 1), "over the limit"),
    ],
)
def test_refusal(data: bytes, complaint: str) -> None:
    reader = RequestReader()

    with pytest.raises(RemoteProtocolError, match=complaint) as caught:
        reader.feed(data)

    assert reader.fault is caught.value
    with pytest.raises(RemoteProtocolError, match=complaint):
        reader.feed(GET)


def test_frames_before_the_fault_come_first() -> None:
    reader = RequestReader()

    frames = reader.feed(GET + GET_V1 + b"nonsense")

    assert [(frame.seqid, frame.version) for frame in frames] == [(7, 0), (7, 1)]
    with pytest.raises(RemoteProtocolError, match="begins with b'nons'"):
        reader.feed(b"")


@pytest.mark.parametrize("size", [CLIENT_FRAME_BYTES_MAX, CLIENT_FRAME_BYTES_MAX + 1])
def test_the_limit_counts_the_whole_frame(size: int) -> None:
    overhead = len(encode_request(codes.PUT, 1, Gpid(1, 0), 0, 0, b""))
    frame = encode_request(codes.PUT, 1, Gpid(1, 0), 0, 0, bytes(size - overhead))
    reader = RequestReader()

    if size > CLIENT_FRAME_BYTES_MAX:
        with pytest.raises(RemoteProtocolError, match=f"frame of {size} bytes"):
            reader.feed(frame[:20])
    else:
        assert len(reader.feed(frame)) == 1


def test_an_announced_body_takes_no_memory_before_it_comes() -> None:
    announced = _with(GET, 16, ">I", CLIENT_FRAME_BYTES_MAX - 48)
    tracemalloc.start()
    readers = [RequestReader() for _ in range(50)]
    for reader in readers:
        assert reader.feed(announced) == []
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < CLIENT_FRAME_BYTES_MAX


def test_a_whole_frame_is_not_copied() -> None:
    data = GET + GET

    first, second = RequestReader().feed(data)

    assert first.body is data
    assert second.body is data


def test_oneway_calls_are_requests_too() -> None:
    call = encode_request(codes.CLEAR_SCANNER, 7, Gpid(2, 3), 2**63, -4, encode_i64_argument(1))
    oneway = _with(call, 48, ">I", 0x80010004)

    [frame] = RequestReader().feed(oneway)

    assert frame == RequestReader().feed(call)[0]._replace(body=oneway)


def test_the_shortest_request() -> None:
    meta = b"\0"
    body = struct.pack(">IIi", 0x80010001, 0, 5)
    data = struct.pack(">4sIII", b"THFT", 1, len(meta), len(body)) + meta + body

    frames = RequestReader().feed(GET + data + data)

    assert [(frame.name, frame.seqid) for frame in frames] == [(codes.GET, 7), (b"", 5), (b"", 5)]
    assert (frames[1].app_id, frames[1].timeout_ms) == (0, 0)


@pytest.mark.parametrize("encode", [encode_request, encode_request_v1])
def test_the_longest_name(encode: Callable[..., bytes]) -> None:
    data = encode(b"N" * 256, 1, Gpid(1, 0), 0, 0, b"\0")

    assert RequestReader().feed(data)[0].name == b"N" * 256
    with pytest.raises(RemoteProtocolError, match="RPC name of 257 bytes"):
        RequestReader().feed(encode(b"N" * 257, 1, Gpid(1, 0), 0, 0, b"\0"))


def test_unknown_names_pass() -> None:
    [frame] = RequestReader().feed(encode_request(b"RPC_NEW", 9, Gpid(2, 3), 0, 0, b"\0"))

    assert (frame.name, frame.body[frame.offset : frame.end]) == (b"RPC_NEW", b"\0")


def test_backup_reads_say_so() -> None:
    data = encode_request_v1(
        codes.GET, 1, Gpid(2, 3), 2**64 - 1, 500, encode_blob_argument(b""), is_backup=True
    )

    [frame] = RequestReader().feed(data)

    assert (frame.is_backup, frame.partition_hash, frame.timeout_ms) == (True, 2**64 - 1, 500)
