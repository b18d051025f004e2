"""MULTI_GET and scans over random rows equal a naive walk over a sorted list."""

from typing import NamedTuple

import hypothesis.strategies as st
from hypothesis import given

from pegasus_server.data.multi_get import multi_get_rows
from pegasus_server.data.scan import ScanContexts
from pegasus_server.data.scan_context import ScanPage
from pegasus_server.data.value import is_expired, user_data
from pegasus_tab.wire.codes import FilterType, Status
from pegasus_tab.wire.keys import decode_key, encode_key
from pegasus_tab.wire.messages_read import MultiGetRequest
from pegasus_tab.wire.messages_scan import GetScannerRequest
from tests.fakes.partition import Partition

HASH_KEYS = st.sampled_from([b"", b"h", b"hh", b"\xff"])
SORT_KEYS = st.binary(max_size=3).map(lambda key: bytes(b % 3 for b in key)) | st.sampled_from(
    [b"\xff", b"\0\xff"]
)
EXPIRIES = st.sampled_from([0, 0, 0, 999, 2000])
ROWS = st.lists(st.tuples(HASH_KEYS, SORT_KEYS, st.binary(max_size=4), EXPIRIES), max_size=30)
FILTERS = st.sampled_from(list(FilterType))
PATTERNS = st.binary(max_size=2).map(lambda key: bytes(b % 3 for b in key))


class Row(NamedTuple):
    key: bytes
    hash_key: bytes
    sort_key: bytes
    value: bytes


def partition_of(rows: list[tuple[bytes, bytes, bytes, int]]) -> Partition:
    partition = Partition()
    for row in rows:
        partition.put(*row)
    return partition


def live_rows(partition: Partition) -> list[Row]:
    stored = partition.engine.scan(b"", b"\xff\xff")
    return [
        Row(key, *decode_key(key), user_data(value))
        for key, value in stored
        if not is_expired(value, partition.now)
    ]


def passes(filter_type: FilterType, pattern: bytes, key: bytes) -> bool:
    match filter_type:
        case FilterType.NO_FILTER:
            return True
        case FilterType.MATCH_ANYWHERE:
            return pattern in key
        case FilterType.MATCH_PREFIX:
            return key[: len(pattern)] == pattern
        case FilterType.MATCH_POSTFIX:
            return key[len(key) - len(pattern) :] == pattern if len(key) >= len(pattern) else False


def inside(key: bytes, start: bytes, stop: bytes, *, start_in: bool, stop_in: bool) -> bool:
    after_start = key > start or (start_in and key == start)
    return after_start and (key < stop or (stop_in and key == stop))


@given(
    rows=ROWS,
    request=st.builds(
        MultiGetRequest,
        hash_key=HASH_KEYS,
        max_kv_count=st.integers(-1, 5),
        max_kv_size=st.integers(-1, 12),
        no_value=st.booleans(),
        start_sortkey=SORT_KEYS,
        stop_sortkey=SORT_KEYS,
        start_inclusive=st.booleans(),
        stop_inclusive=st.booleans(),
        sort_key_filter_type=FILTERS,
        sort_key_filter_pattern=PATTERNS,
        reverse=st.booleans(),
    ),
)
def test_multi_get_of_a_range(
    rows: list[tuple[bytes, bytes, bytes, int]], request: MultiGetRequest
) -> None:
    partition = partition_of(rows)
    expected = [
        (row.sort_key, b"" if request.no_value else row.value)
        for row in live_rows(partition)
        if row.hash_key == request.hash_key
        and inside(
            row.sort_key,
            request.start_sortkey,
            request.stop_sortkey or b"\xff" * 9,
            start_in=request.start_inclusive,
            stop_in=request.stop_inclusive,
        )
        and passes(
            FilterType(request.sort_key_filter_type),
            request.sort_key_filter_pattern,
            row.sort_key,
        )
    ]
    page = multi_get_rows(partition.engine, request, partition.now, partition.budget())
    got = list(zip(page.sort_keys, page.values, strict=True))
    count, size = len(got), sum(len(key) + len(value) for key, value in got)
    assert got == (expected[len(expected) - count :] if request.reverse else expected[:count])
    if page.status == Status.OK:
        assert got == expected
    else:
        assert page.status == Status.INCOMPLETE
        assert count == request.max_kv_count or 0 < request.max_kv_size <= size
    if request.max_kv_count > 0:
        assert count <= request.max_kv_count


@given(
    rows=ROWS,
    request=st.builds(
        GetScannerRequest,
        start_key=st.builds(encode_key, HASH_KEYS, SORT_KEYS) | st.just(b"\0\0"),
        stop_key=st.builds(encode_key, HASH_KEYS, SORT_KEYS) | st.just(b"\xff\xff"),
        start_inclusive=st.booleans(),
        stop_inclusive=st.booleans(),
        batch_size=st.integers(-1, 6),
        no_value=st.booleans(),
        hash_key_filter_type=FILTERS,
        hash_key_filter_pattern=PATTERNS | st.sampled_from([b"h", b"hh"]),
        sort_key_filter_type=FILTERS,
        sort_key_filter_pattern=PATTERNS,
        only_return_count=st.booleans(),
    ),
)
def test_scans(rows: list[tuple[bytes, bytes, bytes, int]], request: GetScannerRequest) -> None:
    partition = partition_of(rows)
    expected = [
        (row.key, b"" if request.no_value else row.value)
        for row in live_rows(partition)
        if inside(
            row.key,
            request.start_key,
            request.stop_key,
            start_in=request.start_inclusive,
            stop_in=request.stop_inclusive,
        )
        and passes(
            FilterType(request.hash_key_filter_type), request.hash_key_filter_pattern, row.hash_key
        )
        and passes(
            FilterType(request.sort_key_filter_type), request.sort_key_filter_pattern, row.sort_key
        )
    ]
    pages = walk(partition, request)
    assert all(page.status == Status.OK for page in pages)
    if request.only_return_count:
        assert sum(page.kv_count or 0 for page in pages) == len(expected)
    else:
        got = [row for page in pages for row in zip(page.keys, page.values, strict=True)]
        assert got == expected
    if request.batch_size > 0:
        assert all(len(page.keys) <= request.batch_size for page in pages)


def walk(partition: Partition, request: GetScannerRequest) -> list[ScanPage]:
    scans, engine, now = ScanContexts(5), partition.engine, partition.now
    pages = [scans.get_scanner(engine, request, now, partition.budget())]
    while pages[-1].context_id >= 0:
        pages.append(scans.scan(engine, pages[-1].context_id, now, partition.budget()))
    assert len(scans) == 0
    return pages
