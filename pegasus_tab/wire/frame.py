"""Frames: how requests and replies are cut out of a connection's bytes (protocol reference 1)."""

from pegasus_tab.wire.errors import RemoteProtocolError
from pegasus_tab.wire.request_frame import (
    RequestFrame,
    RequestReader,
    encode_request,
    encode_request_v1,
)
from pegasus_tab.wire.response_frame import ResponseFrame, ResponseReader, encode_response

__all__ = [
    "RemoteProtocolError",
    "RequestFrame",
    "RequestReader",
    "ResponseFrame",
    "ResponseReader",
    "encode_request",
    "encode_request_v1",
    "encode_response",
]
