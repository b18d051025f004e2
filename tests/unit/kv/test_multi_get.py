"""MULTI_GET over several pages against a model: whatever the server's limits, all rows come, once."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from pegasus_tab.kv.call import Call
from pegasus_tab.kv.methods import RowsPage, ScanPage
from pegasus_tab.kv.multi_get import KeysRead, RangeRead
from pegasus_tab.kv.table_calls import TableCalls
from pegasus_tab.wire import codes
from pegasus_tab.wire.codes import FilterType, Status
from pegasus_tab.wire.keys import decode_key, encode_key
from pegasus_tab.wire.messages import GetScannerRequest, MultiGetRequest, ScanRequest

CALLS = TableCalls("t", lambda: 1_500_000_000.0)


@dataclass
class Server:
    """One hash key ``h``; looks at so many rows in one request, gives so many, like protocol 6.5."""

    rows: dict[bytes, bytes]
    looks_max: int
    rows_max: int
    scans: int = 0

    def answer(self, call: Call[object]) -> object:
        if call.method.name == codes.MULTI_GET:
            request = MultiGetRequest.decode(call.arguments, 3)
            return self.by_key(request) if request.sort_keys else self.by_range(request)
        if call.method.name == codes.GET_SCANNER:
            self.scans += 1
            self.scan = GetScannerRequest.decode(call.arguments, 3)
            return self.scan_page(0)
        return self.scan_page(ScanRequest.decode(call.arguments, 3).context_id)

    def by_key(self, request: MultiGetRequest) -> RowsPage:
        found = [key for key in request.sort_keys if key in self.rows]
        page = found[: self.rows_max]
        return RowsPage(page, [self.rows[key] for key in page], len(found) == len(page))

    def by_range(self, request: MultiGetRequest) -> RowsPage:
        inside = [key for key in sorted(self.rows) if self.in_range(request, key)]
        if request.reverse:
            inside.reverse()
        limit = min(request.max_kv_count or self.rows_max, self.rows_max)
        page: list[bytes] = []
        looked = 0
        for key in inside:
            if len(page) == limit or looked == self.looks_max:
                break
            looked += 1
            if key.endswith(request.sort_key_filter_pattern):
                page.append(key)
        page.sort()
        return RowsPage(page, [self.rows[key] for key in page], looked == len(inside))

    @staticmethod
    def in_range(request: MultiGetRequest, key: bytes) -> bool:
        start, stop = request.start_sortkey, request.stop_sortkey
        above = key > start or (request.start_inclusive and key == start)
        return above and (not stop or key < stop or (request.stop_inclusive and key == stop))

    def scan_page(self, at: int) -> ScanPage:
        scan = self.scan
        keys = [
            key
            for key in (encode_key(b"h", sort_key) for sort_key in sorted(self.rows))
            if (scan.start_key < key or (scan.start_inclusive and scan.start_key == key))
            and (key < scan.stop_key or (scan.stop_inclusive and key == scan.stop_key))
        ]
        looked = keys[at : at + self.looks_max]
        page = [key for key in looked if key.endswith(scan.sort_key_filter_pattern)]
        more = at + self.looks_max < len(keys)
        values = [self.rows[decode_key(key)[1]] for key in page]
        return ScanPage(Status.OK, page, values, at + self.looks_max if more else -1)


sort_keys = st.binary(max_size=2)
servers = st.builds(
    Server,
    st.dictionaries(sort_keys, st.binary(max_size=3), max_size=30),
    st.integers(1, 5),
    st.integers(1, 5),
)


@given(servers, st.lists(sort_keys, max_size=20))
def test_reading_by_sort_keys(server: Server, asked: list[bytes]) -> None:
    read = KeysRead(CALLS, b"h", asked, no_value=False)
    rows: list[tuple[bytes, bytes]] = []
    while (call := read.next_call()) is not None:
        rows += read.accept(server.answer(call))
    wanted = [key for key in dict.fromkeys(asked) if key in server.rows]
    assert rows == [(key, server.rows[key]) for key in wanted]


@given(
    servers,
    sort_keys,
    sort_keys,
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([b"", b"\0", b"\1"]),
    st.none() | st.integers(1, 12),
)
def test_reading_a_range(
    server: Server,
    start: bytes,
    stop: bytes,
    start_inclusive: bool,
    stop_inclusive: bool,
    reverse: bool,
    ending: bytes,
    rows_max: int | None,
) -> None:
    request = MultiGetRequest(
        b"h",
        start_sortkey=start,
        stop_sortkey=stop,
        start_inclusive=start_inclusive,
        stop_inclusive=stop_inclusive,
        reverse=reverse,
        sort_key_filter_type=FilterType.MATCH_POSTFIX,
        sort_key_filter_pattern=ending,
    )
    read = RangeRead(CALLS, request, rows_max)
    while (call := read.next_call()) is not None:
        read.accept(server.answer(call))
    matching = [
        (key, value)
        for key, value in sorted(server.rows.items())
        if server.in_range(request, key) and key.endswith(ending)
    ]
    limit = len(matching) if rows_max is None else rows_max
    expected = matching[max(0, len(matching) - limit) :] if reverse else matching[:limit]
    assert list(read.rows) == expected
    if read.complete:
        assert len(matching) <= limit
    else:
        assert len(expected) == rows_max
    assert server.scans <= 1
