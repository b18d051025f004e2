"""GET_SCANNER, SCAN and CLEAR_SCANNER by the sentences of protocol reference 8."""

from dataclasses import replace
from itertools import chain

import pytest

from pegasus_server.data import scan
from pegasus_server.data.scan import ScanContexts
from pegasus_server.data.scan_context import PartitionPlace, ScanPage
from pegasus_server.data.value import encode_value
from pegasus_tab.base.limits import SCAN_ROWS_MAX, VALUE_BYTES_MAX
from pegasus_tab.wire.codes import FilterType, Status
from pegasus_tab.wire.keys import encode_key, hash_key_range
from pegasus_tab.wire.messages_read import KeyValue
from pegasus_tab.wire.messages_scan import GetScannerRequest, ScanResponse
from pegasus_tab.wire.partition_hash import partition_index
from tests.fakes.partition import Partition

FIRST_ID = 7 << 32
FULL = GetScannerRequest(b"\0\0", b"\xff\xff", start_inclusive=True)
OK, INCOMPLETE = Status.OK, Status.INCOMPLETE


class Scans:
    """The scans of a partition, with its clock."""

    def __init__(self, partition: Partition) -> None:
        self.partition = partition
        self.contexts = ScanContexts(FIRST_ID)

    def begin(self, request: GetScannerRequest, place: PartitionPlace | None = None) -> ScanPage:
        one = self.partition
        return self.contexts.get_scanner(one.engine, request, one.now, one.budget(), place)

    def next(self, context_id: int) -> ScanPage:
        one = self.partition
        return self.contexts.scan(one.engine, context_id, one.now, one.budget())

    def walk(self, request: GetScannerRequest) -> list[list[bytes]]:
        """Return the sort keys of every page."""
        page = self.begin(request)
        pages = [page]
        while page.context_id >= 0:
            page = self.next(page.context_id)
            pages.append(page)
        assert all(page.status == OK for page in pages)
        return [[key[3:] for key in page.keys] for page in pages]


@pytest.fixture
def scans(partition: Partition) -> Scans:
    """Rows a to e of hash key h, c expired."""
    for sort_key in (b"a", b"b", b"c", b"d", b"e"):
        partition.put(b"h", sort_key, sort_key * 3, 999 if sort_key == b"c" else 0)
    return Scans(partition)


def many(partition: Partition, count: int, expire: int = 0, value: bytes = b"") -> None:
    rows = [(encode_key(b"m", b"%06d" % n), encode_value(value, expire, 0)) for n in range(count)]
    partition.apply(list(rows))


def test_a_scan_that_fits_in_one_page_ends_there(scans: Scans) -> None:
    page = scans.begin(FULL)
    assert page.response(scans.partition.identity) == ScanResponse(
        OK,
        [KeyValue(encode_key(b"h", key), key * 3) for key in (b"a", b"b", b"d", b"e")],
        -1,
        2,
        3,
        "127.0.0.1:34801",
        None,
    )
    assert len(scans.contexts) == 0


def test_pages_hold_batch_size_rows(scans: Scans) -> None:
    assert scans.walk(replace(FULL, batch_size=3)) == [[b"a", b"b", b"d"], [b"e"]]
    assert scans.walk(replace(FULL, batch_size=1)) == [[b"a"], [b"b"], [b"d"], [b"e"]]
    for everything in (0, -1, 5000):
        assert scans.walk(replace(FULL, batch_size=everything)) == [[b"a", b"b", b"d", b"e"]]


def test_ids_begin_where_told_and_are_good_for_one_use(scans: Scans) -> None:
    first = scans.begin(replace(FULL, batch_size=1)).context_id
    assert first == FIRST_ID
    second = scans.next(first).context_id
    assert second == FIRST_ID + 1
    assert scans.next(first) == ScanPage(Status.NOT_FOUND, [], [], 0)
    assert scans.next(second).keys == [encode_key(b"h", b"d")]


def test_an_unknown_id_is_not_found(scans: Scans) -> None:
    for unknown in (0, -1, 2**62):
        assert scans.next(unknown) == ScanPage(Status.NOT_FOUND, [], [], 0)


def test_a_cleared_scan_is_gone_and_clearing_an_unknown_one_is_nothing(scans: Scans) -> None:
    context_id = scans.begin(replace(FULL, batch_size=1)).context_id
    scans.contexts.clear(context_id)
    scans.contexts.clear(context_id)
    assert scans.next(context_id).status == Status.NOT_FOUND


def test_a_context_lives_five_minutes_after_its_last_use(scans: Scans) -> None:
    context_id = scans.begin(replace(FULL, batch_size=1)).context_id
    scans.partition.seconds = 299.0
    context_id = scans.next(context_id).context_id
    scans.partition.seconds = 299.0 + 299.0
    context_id = scans.next(context_id).context_id
    scans.partition.seconds += 300.0
    assert scans.next(context_id).status == Status.NOT_FOUND
    assert len(scans.contexts) == 0


def test_when_there_are_too_many_the_longest_unused_is_dropped(
    scans: Scans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "SCAN_CONTEXTS_MAX", 3)
    ids = [scans.begin(replace(FULL, batch_size=1)).context_id for _ in range(4)]
    assert len(scans.contexts) == 3
    assert scans.next(ids[0]).status == Status.NOT_FOUND
    assert scans.next(ids[1]).status == OK


@pytest.mark.parametrize(
    ("start", "stop", "start_in", "stop_in"),
    [
        (b"b", b"a", True, True),
        (b"b", b"b", True, False),
        (b"b", b"b", False, True),
        (b"", b"", True, False),
        (b"\xff\xff", b"\xff\xff\xff", True, True),
    ],
)
@pytest.mark.parametrize("only_count", [False, True])
def test_a_range_that_holds_nothing_ends_at_once(
    scans: Scans, start: bytes, stop: bytes, start_in: bool, stop_in: bool, only_count: bool
) -> None:
    request = GetScannerRequest(start, stop, start_in, stop_in, only_return_count=only_count)
    kv_count = 0 if only_count else None
    assert scans.begin(request) == ScanPage(OK, [], [], -1, kv_count=kv_count)


@pytest.mark.parametrize(
    ("start_in", "stop_in", "found"),
    [
        (True, True, [b"a", b"b", b"d"]),
        (True, False, [b"a", b"b"]),
        (False, True, [b"b", b"d"]),
        (False, False, [b"b"]),
    ],
)
@pytest.mark.parametrize("batch_size", [1, 1000])
def test_ends_of_the_range(
    scans: Scans, start_in: bool, stop_in: bool, found: list[bytes], batch_size: int
) -> None:
    start, stop = encode_key(b"h", b"a"), encode_key(b"h", b"d")
    pages = scans.walk(GetScannerRequest(start, stop, start_in, stop_in, batch_size))
    assert list(chain(*pages)) == found


def test_a_range_beyond_the_hash_key_is_not_mended(scans: Scans) -> None:
    # Python 2.6.0 sends next(hash_key) without its length, which is above longer hash keys (8.5).
    scans.partition.put(b"hh", b"x", b"other")
    page = scans.begin(GetScannerRequest(encode_key(b"h", b""), b"i", start_inclusive=True))
    assert len(page.keys) == 5


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"hash_key_filter_type": FilterType.MATCH_ANYWHERE, "hash_key_filter_pattern": b"ana"}, 2),
        ({"hash_key_filter_type": FilterType.MATCH_PREFIX, "hash_key_filter_pattern": b"ban"}, 1),
        ({"hash_key_filter_type": FilterType.MATCH_POSTFIX, "hash_key_filter_pattern": b"s"}, 1),
        ({"sort_key_filter_type": FilterType.MATCH_ANYWHERE, "sort_key_filter_pattern": b"1"}, 3),
        ({"sort_key_filter_type": FilterType.MATCH_PREFIX, "sort_key_filter_pattern": b"s"}, 3),
        ({"sort_key_filter_type": FilterType.MATCH_POSTFIX, "sort_key_filter_pattern": b"2"}, 1),
        ({"sort_key_filter_type": FilterType.MATCH_POSTFIX, "sort_key_filter_pattern": b""}, 4),
    ],
)
def test_filters(partition: Partition, fields: dict[str, object], found: int) -> None:
    for hash_key in (b"banana", b"ananas"):
        for sort_key in (b"s1", b"s2" if hash_key == b"banana" else b"t1"):
            partition.put(hash_key, sort_key, b"")
    if "hash_key_filter_type" in fields:
        partition.apply(
            [(encode_key(b"banana", b"s2"), None), (encode_key(b"ananas", b"t1"), None)]
        )
    request = replace(FULL, **fields)  # type: ignore[arg-type]  # fields of the request by name
    assert len(Scans(partition).begin(request).keys) == found


def test_a_hash_key_prefix_raises_the_start_so_that_shorter_hash_keys_are_not_visited(
    partition: Partition,
) -> None:
    many(partition, 3 * SCAN_ROWS_MAX)
    partition.put(b"mm", b"found", b"")
    request = replace(
        FULL, hash_key_filter_type=FilterType.MATCH_PREFIX, hash_key_filter_pattern=b"mm"
    )
    page = Scans(partition).begin(request)
    assert (page.keys, page.context_id) == ([encode_key(b"mm", b"found")], -1)


@pytest.mark.parametrize("field", ["hash_key_filter_type", "sort_key_filter_type"])
def test_unknown_filter_types_are_bad_arguments(scans: Scans, field: str) -> None:
    page = scans.begin(replace(FULL, **{field: 4}))  # type: ignore[arg-type]  # by name
    assert page == ScanPage(Status.INVALID_ARGUMENT, [], [], -1)


def test_filters_and_flags_live_in_the_context(partition: Partition) -> None:
    for number in range(6):
        partition.put(b"h", b"%d" % number, b"value", 2000 + number)
    request = replace(
        FULL,
        batch_size=1,
        no_value=True,
        return_expire_ts=True,
        sort_key_filter_type=FilterType.MATCH_ANYWHERE,
        sort_key_filter_pattern=b"5",
    )
    scans = Scans(partition)
    assert scans.begin(replace(request, sort_key_filter_pattern=b"")).expiries == [2000]
    page = scans.begin(request)
    rows = page.response(partition.identity).kvs
    assert rows == [KeyValue(encode_key(b"h", b"5"), b"", 2005)]
    pages = scans.walk(replace(request, sort_key_filter_pattern=b""))
    assert pages == [[b"%d" % number] for number in range(6)]


@pytest.mark.parametrize(
    ("stored", "sent"), [(0, 0), (5000, 5000), (2**31, -(2**31)), (2**32 - 1, -1)]
)
def test_expiries_fit_their_wire_type(partition: Partition, stored: int, sent: int) -> None:
    partition.put(b"h", b"s", b"", stored)
    page = Scans(partition).begin(replace(FULL, return_expire_ts=True))
    response = page.response(partition.identity)
    assert ScanResponse.decode(response.encode()).kvs[0].expire_ts_seconds == sent


def test_counting_sends_no_rows(scans: Scans) -> None:
    request = replace(FULL, only_return_count=True, batch_size=3)
    page = scans.begin(request)
    assert (page.keys, page.kv_count, page.status) == ([], 3, OK)
    rest = scans.next(page.context_id)
    assert (rest.keys, rest.kv_count, rest.context_id) == ([], 1, -1)


def test_visited_rows_are_limited_and_an_empty_page_goes_on(partition: Partition) -> None:
    many(partition, SCAN_ROWS_MAX, expire=999)
    partition.put(b"z", b"last", b"")
    scans = Scans(partition)
    page = scans.begin(replace(FULL, batch_size=10))
    assert page.keys == []
    assert page.context_id >= 0
    assert scans.next(page.context_id).keys == [encode_key(b"z", b"last")]


def test_filtered_rows_do_not_make_small_pages(partition: Partition) -> None:
    many(partition, 500)
    request = replace(
        FULL,
        batch_size=10,
        sort_key_filter_type=FilterType.MATCH_POSTFIX,
        sort_key_filter_pattern=b"7",
    )
    pages = Scans(partition).walk(request)
    assert [len(page) for page in pages] == [10, 10, 10, 10, 10]
    assert list(chain(*pages)) == [b"%06d" % number for number in range(7, 500, 10)]


def test_pages_are_bounded_in_bytes(partition: Partition) -> None:
    for number in range(3):
        partition.put(b"h", b"%d" % number, b"v" * VALUE_BYTES_MAX)
    assert Scans(partition).walk(FULL) == [[b"0"], [b"1"], [b"2"]]


def test_out_of_time_is_incomplete_with_the_rows_so_far_and_no_context(
    partition: Partition,
) -> None:
    many(partition, 300)
    request = replace(
        FULL, sort_key_filter_type=FilterType.MATCH_POSTFIX, sort_key_filter_pattern=b"9"
    )
    contexts = ScanContexts(FIRST_ID)
    budget = partition.budget_of_looks(2)
    page = contexts.get_scanner(partition.engine, replace(request, batch_size=5), 1000, budget)
    assert (page.status, len(page.keys)) == (OK, 5)
    budget = partition.budget_of_looks(2)
    request = replace(request, batch_size=20)
    page = contexts.get_scanner(partition.engine, request, 1000, budget)
    assert page.status == INCOMPLETE
    assert 0 < len(page.keys) < 20
    assert page.context_id == -1
    assert len(contexts) == 1


def test_rows_of_another_partition_are_skipped_when_that_is_validated(
    partition: Partition,
) -> None:
    hash_keys = [b"user%d" % number for number in range(20)]
    for hash_key in hash_keys:
        partition.put(hash_key, b"s", b"")
    scans, place = Scans(partition), PartitionPlace(1, 2)
    mine = {encode_key(key, b"s") for key in hash_keys if partition_index(key, b"s", 2) == 1}
    assert 0 < len(mine) < 20
    for asked in (None, True):
        request = replace(FULL, validate_partition_hash=asked)
        assert set(scans.begin(request, place).keys) == mine
    assert len(scans.begin(replace(FULL, validate_partition_hash=False), place).keys) == 20
    assert len(scans.begin(FULL).keys) == 20


def test_a_hash_scan_is_a_range(scans: Scans) -> None:
    scans.partition.put(b"i", b"x", b"")
    lower, upper = hash_key_range(b"h")
    request = GetScannerRequest(lower, upper, start_inclusive=True, batch_size=2)
    assert scans.walk(request) == [[b"a", b"b"], [b"d", b"e"]]
