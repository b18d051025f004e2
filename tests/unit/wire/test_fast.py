"""Bytes as everybody writes them never reach the plain codec; that both agree is a property test."""

import pytest

from pegasus_tab.base.ids import Gpid
from pegasus_tab.wire import codes, fast, fast_multi_get, fast_point, fast_rows
from pegasus_tab.wire.frame import (
    RequestFrame,
    RequestReader,
    ResponseFrame,
    ResponseReader,
    encode_request,
)
from pegasus_tab.wire.messages import MultiGetRequest, encode_blob_argument

GPID = Gpid(2, 3)
SERVER = "127.0.0.1:34801"
ROWS = ([b"s1", b"s2"], [b"v1", b""])


@pytest.fixture(autouse=True)
def _no_plain_codec(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (fast_point, fast_rows, fast_multi_get):
        for name in ("decode_arguments", "decode_result", "decode_blob_argument"):
            monkeypatch.delattr(module, name, raising=False)


def _request(name: bytes, args: bytes) -> RequestFrame:
    return RequestReader().feed(encode_request(name, 1, GPID, 0, 0, args))[0]


def _reply(data: bytes) -> ResponseFrame:
    return ResponseReader().feed(data)[0]


def test_server_reads() -> None:
    get = _request(codes.GET, encode_blob_argument(b"\0\1hs"))
    put = _request(codes.PUT, fast.put_arguments(b"\0\1hs", b"value", 9))
    multi_put = _request(codes.MULTI_PUT, fast.multi_put_arguments(b"h", *ROWS, 9))
    wanted = MultiGetRequest(b"h", (b"s1",), 5, 6, True, b"a", b"b", True, True, 2, b"p", True)
    multi_get = _request(codes.MULTI_GET, fast.multi_get_arguments(wanted))

    assert fast.decode_get(get) == b"\0\1hs"
    assert fast.decode_put(put) == (b"\0\1hs", b"value", 9)
    assert fast.decode_multi_put(multi_put) == (b"h", *ROWS, 9)
    assert fast.decode_multi_get(multi_get) == wanted


def test_client_reads() -> None:
    get = _reply(fast.get_response(1, 0, b"value", GPID, SERVER))
    put = _reply(fast.put_response(1, 0, GPID, 42, SERVER))
    multi_get = _reply(fast.multi_get_response(1, 7, *ROWS, GPID, SERVER))
    scan = _reply(fast.scan_response(1, 0, *ROWS, -1, GPID, SERVER))

    assert fast.decode_get_result(get) == (0, b"value")
    assert fast.decode_put_result(put) == (0, 42)
    assert fast.decode_multi_get_result(multi_get) == (7, *ROWS)
    assert fast.decode_scan_result(scan) == (0, *ROWS, -1)


def test_rows_need_as_many_values_as_keys() -> None:
    with pytest.raises(ValueError, match="zip"):
        fast.multi_put_arguments(b"h", [b"s1", b"s2"], [b"v1"])
