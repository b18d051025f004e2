"""MULTI_GET by the sentences of protocol reference 6.5."""

from dataclasses import replace

import pytest

from pegasus_server.data.multi_get import RowPage, multi_get_rows
from pegasus_server.data.reads import multi_get
from pegasus_server.data.value import encode_value
from pegasus_tab.base.limits import MULTI_GET_ROWS_MAX, VALUE_BYTES_MAX
from pegasus_tab.wire.codes import FilterType, Status
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.messages_read import KeyValue, MultiGetRequest, MultiGetResponse
from tests.fakes.partition import Partition

ALL = MultiGetRequest(b"h", start_inclusive=True)
OK, INCOMPLETE = Status.OK, Status.INCOMPLETE


@pytest.fixture
def letters(partition: Partition) -> Partition:
    """Rows a to e of hash key h, c expired, among rows of other hash keys."""
    for sort_key in (b"a", b"b", b"c", b"d", b"e"):
        partition.put(b"h", sort_key, sort_key * 3, 999 if sort_key == b"c" else 0)
    for other in (b"g", b"hh", b"i", b""):
        partition.put(other, b"b", b"other")
    return partition


def read(partition: Partition, request: MultiGetRequest) -> RowPage:
    return multi_get_rows(partition.engine, request, partition.now, partition.budget())


def keys(partition: Partition, request: MultiGetRequest) -> tuple[Status, bytes]:
    """Return the status and the sort keys run together; they are single letters here."""
    page = read(partition, request)
    return page.status, b"".join(page.sort_keys)


def test_the_answer_as_a_message(letters: Partition) -> None:
    response = multi_get(
        letters.engine,
        replace(ALL, max_kv_count=1),
        letters.now,
        letters.budget(),
        letters.identity,
    )
    assert response == MultiGetResponse(
        INCOMPLETE, [KeyValue(b"a", b"aaa")], 2, 3, "127.0.0.1:34801"
    )


@pytest.mark.parametrize(
    ("start", "stop", "start_in", "stop_in", "found"),
    [
        (b"", b"", True, False, b"abde"),
        (b"", b"", False, False, b"abde"),
        (b"", b"", False, True, b"abde"),  # an empty stop means the end, whatever the flag says
        (b"a", b"d", True, False, b"ab"),
        (b"a", b"d", False, False, b"b"),
        (b"a", b"d", True, True, b"abd"),
        (b"c", b"c", True, True, b""),
        (b"b", b"b", True, True, b"b"),
        (b"b", b"b", True, False, b""),
        (b"b", b"b", False, True, b""),
        (b"d", b"a", True, True, b""),
        (b"aa", b"dd", True, True, b"bd"),
        (b"x", b"", True, True, b""),
    ],
)
@pytest.mark.parametrize("reverse", [False, True])
def test_ranges(
    letters: Partition,
    start: bytes,
    stop: bytes,
    start_in: bool,
    stop_in: bool,
    found: bytes,
    reverse: bool,
) -> None:
    request = MultiGetRequest(
        b"h",
        start_sortkey=start,
        stop_sortkey=stop,
        start_inclusive=start_in,
        stop_inclusive=stop_in,
        reverse=reverse,
    )
    assert keys(letters, request) == (OK, found)


def test_an_exclusive_empty_start_skips_the_empty_sort_key(letters: Partition) -> None:
    letters.put(b"h", b"", b"empty")
    assert read(letters, ALL).sort_keys[0] == b""
    assert keys(letters, replace(ALL, start_inclusive=False)) == (OK, b"abde")


@pytest.mark.parametrize(
    ("filter_type", "pattern", "found"),
    [
        (FilterType.NO_FILTER, b"z", [b"ab", b"ba", b"bab"]),
        (FilterType.MATCH_ANYWHERE, b"ab", [b"ab", b"bab"]),
        (FilterType.MATCH_PREFIX, b"ba", [b"ba", b"bab"]),
        (FilterType.MATCH_POSTFIX, b"a", [b"ba"]),
        (FilterType.MATCH_ANYWHERE, b"", [b"ab", b"ba", b"bab"]),
        (FilterType.MATCH_PREFIX, b"", [b"ab", b"ba", b"bab"]),
        (FilterType.MATCH_PREFIX, b"\xff", []),
    ],
)
def test_filters(
    partition: Partition, filter_type: FilterType, pattern: bytes, found: list[bytes]
) -> None:
    for sort_key in (b"ab", b"ba", b"bab"):
        partition.put(b"h", sort_key, b"")
    request = replace(ALL, sort_key_filter_type=filter_type, sort_key_filter_pattern=pattern)
    assert read(partition, request) == RowPage(OK, found, [b""] * len(found))


def test_a_prefix_filter_narrows_the_range_so_that_other_rows_are_not_visited(
    partition: Partition,
) -> None:
    before = [(encode_key(b"h", b"a%05d" % n), encode_value(b"", 0, 0)) for n in range(4000)]
    partition.apply(list(before))
    partition.put(b"h", b"b1", b"found")
    request = replace(
        ALL, sort_key_filter_type=FilterType.MATCH_PREFIX, sort_key_filter_pattern=b"b"
    )
    assert read(partition, request) == RowPage(OK, [b"b1"], [b"found"])


@pytest.mark.parametrize(
    ("start", "start_inclusive", "stop", "found"),
    [
        (b"b", True, b"", [b"b", b"ba", b"bb"]),
        (b"b", False, b"", [b"ba", b"bb"]),
        (b"ba", False, b"", [b"bb"]),
        (b"a", True, b"bb", [b"b", b"ba"]),
        (b"a", True, b"x", [b"b", b"ba", b"bb"]),
    ],
)
def test_a_prefix_filter_and_a_range_narrow_each_other(
    partition: Partition, start: bytes, start_inclusive: bool, stop: bytes, found: list[bytes]
) -> None:
    for sort_key in (b"a", b"b", b"ba", b"bb", b"c"):
        partition.put(b"h", sort_key, b"")
    request = MultiGetRequest(
        b"h",
        start_sortkey=start,
        start_inclusive=start_inclusive,
        stop_sortkey=stop,
        sort_key_filter_type=FilterType.MATCH_PREFIX,
        sort_key_filter_pattern=b"b",
    )
    assert read(partition, request).sort_keys == found


def test_unknown_filter_types_are_bad_arguments(letters: Partition) -> None:
    for unknown in (4, -1):
        request = replace(ALL, sort_key_filter_type=unknown)
        assert read(letters, request) == RowPage(Status.INVALID_ARGUMENT, [], [])


def test_no_value_leaves_values_empty(letters: Partition) -> None:
    assert read(letters, replace(ALL, no_value=True)).values == [b""] * 4
    named = replace(ALL, no_value=True, sort_keys=[b"b"])
    assert read(letters, named) == RowPage(OK, [b"b"], [b""])


@pytest.mark.parametrize(
    ("count", "reverse", "answer"),
    [
        (1, False, (INCOMPLETE, b"a")),
        (3, False, (INCOMPLETE, b"abd")),
        (4, False, (OK, b"abde")),  # nothing is left in the range
        (0, False, (OK, b"abde")),
        (-5, False, (OK, b"abde")),
        (1, True, (INCOMPLETE, b"e")),
        (2, True, (INCOMPLETE, b"de")),  # picked from the end, then ascending
        (4, True, (OK, b"abde")),
    ],
)
def test_the_row_limit(
    letters: Partition, count: int, reverse: bool, answer: tuple[Status, bytes]
) -> None:
    assert keys(letters, replace(ALL, max_kv_count=count, reverse=reverse)) == answer


@pytest.mark.parametrize(
    ("size", "no_value", "answer"),
    [
        (1, False, (INCOMPLETE, b"a")),  # each row is 1 + 3 bytes
        (4, False, (INCOMPLETE, b"a")),
        (5, False, (INCOMPLETE, b"ab")),
        (12, False, (INCOMPLETE, b"abd")),
        (13, False, (OK, b"abde")),
        (2, True, (INCOMPLETE, b"ab")),  # values do not count when they are not sent
        (0, False, (OK, b"abde")),
    ],
)
def test_the_size_limit(
    letters: Partition, size: int, no_value: bool, answer: tuple[Status, bytes]
) -> None:
    assert keys(letters, replace(ALL, max_kv_size=size, no_value=no_value)) == answer


def test_the_size_limit_is_capped_by_ours(partition: Partition) -> None:
    for number in range(32):
        partition.put(b"h", b"%02d" % number, b"v" * VALUE_BYTES_MAX)
    page = read(partition, replace(ALL, max_kv_size=2**31 - 1))
    assert (page.status, len(page.sort_keys)) == (INCOMPLETE, 30)
    names = [b"%02d" % number for number in range(32)]
    page = read(partition, replace(ALL, sort_keys=names))
    assert (page.status, len(page.sort_keys)) == (INCOMPLETE, 30)


@pytest.mark.parametrize("reverse", [False, True])
def test_visited_rows_count_although_they_do_not_match(partition: Partition, reverse: bool) -> None:
    rows = [
        (encode_key(b"h", b"%05d" % n), encode_value(b"", 999, 0))
        for n in range(MULTI_GET_ROWS_MAX + 1)
    ]
    partition.apply(list(rows))
    assert read(partition, replace(ALL, reverse=reverse)) == RowPage(INCOMPLETE, [], [])
    partition.apply([(rows[-1][0], None)])
    assert read(partition, replace(ALL, reverse=reverse)) == RowPage(OK, [], [])


def test_more_rows_than_ours_cannot_be_asked_for(partition: Partition) -> None:
    rows = [
        (encode_key(b"h", b"%05d" % n), encode_value(b"", 0, 0))
        for n in range(MULTI_GET_ROWS_MAX + 1)
    ]
    partition.apply(list(rows))
    page = read(partition, replace(ALL, max_kv_count=10_000))
    assert (page.status, len(page.sort_keys)) == (INCOMPLETE, MULTI_GET_ROWS_MAX)


def test_the_clock_is_looked_at_every_tenth_of_the_limit(partition: Partition) -> None:
    rows = [(encode_key(b"h", b"%05d" % n), encode_value(b"", 0, 0)) for n in range(1000)]
    partition.apply(list(rows))
    page = multi_get_rows(partition.engine, ALL, partition.now, partition.budget_of_looks(2))
    assert (page.status, len(page.sort_keys)) == (INCOMPLETE, 600)


def test_named_rows_come_in_the_order_asked_and_ignore_range_and_filter(
    letters: Partition,
) -> None:
    request = replace(
        ALL,
        sort_keys=[b"e", b"none", b"a", b"c", b"e"],
        start_sortkey=b"b",
        stop_sortkey=b"c",
        sort_key_filter_type=FilterType.MATCH_PREFIX,
        sort_key_filter_pattern=b"z",
        reverse=True,
    )
    assert keys(letters, request) == (OK, b"eae")


@pytest.mark.parametrize(
    ("names", "count", "size", "answer"),
    [
        ([b"a", b"b"], 1, 0, (INCOMPLETE, b"a")),
        ([b"a", b"none"], 1, 0, (OK, b"a")),  # only one more found row tells that rows are missing
        ([b"a", b"b"], 2, 0, (OK, b"ab")),
        ([b"a", b"b", b"d"], 0, 5, (INCOMPLETE, b"ab")),
        ([b"a", b"b"], 0, 4, (INCOMPLETE, b"a")),
    ],
)
def test_limits_of_named_rows(
    letters: Partition, names: list[bytes], count: int, size: int, answer: tuple[Status, bytes]
) -> None:
    request = replace(ALL, sort_keys=names, max_kv_count=count, max_kv_size=size)
    assert keys(letters, request) == answer
