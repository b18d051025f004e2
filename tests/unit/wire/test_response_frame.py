"""Replies that a client must refuse; sound ones are in the golden vectors."""

import struct

import pytest

from pegasus_tab.wire import codes
from pegasus_tab.wire.frame import RemoteProtocolError, ResponseReader, encode_response
from pegasus_tab.wire.messages import ReadResponse, result

REPLY = encode_response(codes.GET, 7, result(ReadResponse(0, b"value").encode()))


def _with(at: int, layout: str, value: int) -> bytes:
    changed = bytearray(REPLY)
    struct.pack_into(layout, changed, at, value)
    return bytes(changed)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (_with(0, ">i", 19), "reply of 19 bytes"),
        (_with(0, ">i", -1), "reply of -1 bytes"),
        (b"HTTP/1.1 400 Bad Request\r\n", "over the limit"),
        (_with(4, ">I", 2**32 - 1), "error name of 4294967295 bytes"),
        (_with(4, ">I", 300), "error name of 300 bytes"),
        (_with(14, ">I", 0x80010001), "message kind 0x80010001"),
        (_with(18, ">I", 2**31), "RPC name of 2147483648 bytes"),
        (_with(18, ">I", 257), "RPC name of 257 bytes"),
    ],
)
def test_refusal(data: bytes, complaint: str) -> None:
    reader = ResponseReader()

    with pytest.raises(RemoteProtocolError, match=complaint) as caught:
        reader.feed(data)

    assert reader.fault is caught.value


def test_limit() -> None:
    assert len(ResponseReader(len(REPLY)).feed(REPLY)) == 1
    with pytest.raises(RemoteProtocolError, match="over the limit"):
        ResponseReader(len(REPLY) - 1).feed(REPLY[:4])


def test_an_error_brings_no_result() -> None:
    data = encode_response(codes.PUT, 3, b"left out", codes.ERR_BUSY)

    [frame] = ResponseReader().feed(data)

    assert (frame.error, frame.seqid, frame.end - frame.offset) == ("ERR_BUSY", 3, 0)


def test_error_names_of_the_future_pass() -> None:
    [frame] = ResponseReader().feed(encode_response(codes.GET, 1, b"", "ERR_OF_NEXT_YEAR"))

    assert frame.error == "ERR_OF_NEXT_YEAR"


def test_an_error_name_that_is_no_text_is_shown_escaped() -> None:
    [frame] = ResponseReader().feed(REPLY.replace(b"ERR_OK", b"ERR_\xff!"))

    assert frame.error == "ERR_\\xff!"


def test_the_shortest_reply() -> None:
    data = struct.pack(">iiIIi", 20, 0, 0x80010002, 0, 5)

    frames = ResponseReader().feed(REPLY + data + data)

    assert [(frame.error, frame.seqid) for frame in frames] == [("ERR_OK", 7), ("", 5), ("", 5)]


@pytest.mark.parametrize("error", ["ERR_OK", "ERR_BUSY"])
def test_the_longest_names(error: str) -> None:
    data = encode_response(b"N" * 252, 1, b"\0", error)

    assert ResponseReader().feed(data)[0].name == b"N" * 252 + b"_ACK"
    with pytest.raises(RemoteProtocolError, match="RPC name of 257 bytes"):
        ResponseReader().feed(encode_response(b"N" * 253, 1, b"\0", error))


def test_the_longest_error_name() -> None:
    assert ResponseReader().feed(encode_response(b"N", 1, b"", "E" * 256))[0].error == "E" * 256
    with pytest.raises(RemoteProtocolError, match="error name of 257 bytes"):
        ResponseReader().feed(encode_response(b"N", 1, b"", "E" * 257))
