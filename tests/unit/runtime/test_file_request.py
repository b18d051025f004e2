"""Requests for files as bytes: nothing is believed that was not meant."""

import pytest

from pegasus_server.runtime.file_request import (
    FileRange,
    StreamRequest,
    decode_request,
    encode_request,
)
from pegasus_server.runtime.peer_frame import PeerFrameError
from pegasus_tab.base.ids import NodeName

REQUEST = StreamRequest(
    "c", NodeName("a:1"), NodeName("b:2"), 3, 4, (FileRange("x/y", 5, 6), FileRange("z", 0, 0))
)


def test_a_request_comes_back_once_it_is_complete() -> None:
    data = encode_request(REQUEST)
    assert decode_request(data) == REQUEST
    assert all(decode_request(data[:end]) is None for end in range(len(data)))


def test_every_flip_is_noticed() -> None:
    data = encode_request(REQUEST)
    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= 0x20
        with pytest.raises(PeerFrameError):
            decode_request(bytes(flipped))
