"""TAB_PUT_ROWS: what becomes of its rows."""

import pytest

from pegasus_server.data.put_rows import put_rows_changes
from pegasus_server.data.value import encode_value, timetag
from pegasus_tab.base.limits import PUT_ROWS_MAX
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.messages_write import TabPutRowsRequest
from pegasus_tab.wire.put_rows import encode_rows

KEYS = [encode_key(b"a", b"1"), encode_key(b"b", b"2")]
NOW, TIMESTAMP_US = 1000, 7


def test_values_get_their_header() -> None:
    request = TabPutRowsRequest(encode_rows(KEYS, [b"x", b"y"]), expire_ts_seconds=2000)
    assert put_rows_changes(request, NOW, TIMESTAMP_US, default_ttl=5) == [
        (KEYS[0], encode_value(b"x", 2000, timetag(TIMESTAMP_US))),
        (KEYS[1], encode_value(b"y", 2000, timetag(TIMESTAMP_US))),
    ]


def test_the_table_decides_how_long_they_live_otherwise() -> None:
    request = TabPutRowsRequest(encode_rows(KEYS[:1], [b"x"]))
    assert put_rows_changes(request, NOW, TIMESTAMP_US, default_ttl=5) == [
        (KEYS[0], encode_value(b"x", NOW + 5, timetag(TIMESTAMP_US)))
    ]


def test_stored_values_stay_as_they_are() -> None:
    stored = encode_value(b"x", 3, 4)
    request = TabPutRowsRequest(encode_rows(KEYS[:1], [stored]), is_stored=True)
    assert put_rows_changes(request, NOW, TIMESTAMP_US, default_ttl=5) == [(KEYS[0], stored)]


@pytest.mark.parametrize(
    "request_",
    [
        TabPutRowsRequest(encode_rows([], [])),
        TabPutRowsRequest(encode_rows([b"\xff\xffpegasus"], [b"x"])),
        TabPutRowsRequest(encode_rows(KEYS[:1] * (PUT_ROWS_MAX + 1), [b""] * (PUT_ROWS_MAX + 1))),
        TabPutRowsRequest(encode_rows(KEYS[:1], [b"no header"]), is_stored=True),
        TabPutRowsRequest(
            encode_rows(KEYS[:1], [encode_value(b"", 0, 0)]), expire_ts_seconds=1, is_stored=True
        ),
    ],
    ids=["no rows", "reserved key", "too many", "too short", "two expiries"],
)
def test_refused(request_: TabPutRowsRequest) -> None:
    assert put_rows_changes(request_, NOW, TIMESTAMP_US, default_ttl=0) is None
