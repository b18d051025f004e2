"""MULTI_GET: rows of one hash key, by sort keys or by range (protocol reference 6.5)."""

from collections.abc import Iterator
from typing import NamedTuple

from pegasus_server.data.key_filter import FILTER_TYPES, bounds, key_filter
from pegasus_server.data.time_budget import TimeBudget
from pegasus_server.data.value import is_expired, user_data
from pegasus_server.storage.engine import Engine
from pegasus_tab.base.limits import MULTI_GET_BYTES_MAX, MULTI_GET_ROWS_MAX
from pegasus_tab.wire.codes import FilterType, Status
from pegasus_tab.wire.keys import encode_key, hash_key_range, next_key
from pegasus_tab.wire.messages_read import MultiGetRequest

VISITS_BETWEEN_CLOCK_LOOKS = MULTI_GET_ROWS_MAX // 10


class RowPage(NamedTuple):
    """Rows of one hash key.

    Attributes:
        status: OK when nothing is left, INCOMPLETE when a limit stopped the read.
        sort_keys: of the rows: ascending for a range, in the order asked for otherwise.
        values: user data, one per row; empty ones with no_value.
    """

    status: Status
    sort_keys: list[bytes]
    values: list[bytes]


def multi_get_rows(
    engine: Engine, request: MultiGetRequest, now: int, budget: TimeBudget
) -> RowPage:
    """Read rows of one hash key.

    Args:
        engine: the rows.
        request: which rows; its limits are capped by ours.
        now: seconds since 2016.
        budget: time to use.

    Returns:
        The rows and whether there are more. An unknown filter type is INVALID_ARGUMENT.

    Raises:
        DataError: the hash key is longer than a key can hold.
        EngineDamaged: the engine failed.
    """
    if request.sort_key_filter_type not in FILTER_TYPES:
        return RowPage(Status.INVALID_ARGUMENT, [], [])
    if request.sort_keys:
        return _named_rows(engine, request, now)
    return _range_rows(engine, request, now, budget)


class _Collector:
    """Rows so far, and whether they have reached the request's limits."""

    def __init__(self, request: MultiGetRequest) -> None:
        asked = request.max_kv_count
        self._rows_max = asked if 0 < asked < MULTI_GET_ROWS_MAX else MULTI_GET_ROWS_MAX
        asked = request.max_kv_size
        self._bytes_max = min(asked, MULTI_GET_BYTES_MAX) if asked > 0 else MULTI_GET_BYTES_MAX
        self._no_value = request.no_value
        self._bytes = 0
        self.sort_keys: list[bytes] = []
        self.values: list[bytes] = []

    def is_full(self) -> bool:
        return len(self.sort_keys) >= self._rows_max or self._bytes >= self._bytes_max

    def add(self, sort_key: bytes, stored: bytes) -> None:
        value = b"" if self._no_value else user_data(stored)
        self._bytes += len(sort_key) + len(value)
        self.sort_keys.append(sort_key)
        self.values.append(value)

    def page(self, status: Status) -> RowPage:
        return RowPage(status, self.sort_keys, self.values)


def _named_rows(engine: Engine, request: MultiGetRequest, now: int) -> RowPage:
    """Read rows by name; the limits are looked at only when one more row is found."""
    rows = _Collector(request)
    prefix = encode_key(request.hash_key, b"")
    for sort_key in request.sort_keys:
        stored = engine.get(prefix + sort_key)
        if stored is None or is_expired(stored, now):
            continue
        if rows.is_full():
            return rows.page(Status.INCOMPLETE)
        rows.add(sort_key, stored)
    return rows.page(Status.OK)


def _range_rows(engine: Engine, request: MultiGetRequest, now: int, budget: TimeBudget) -> RowPage:
    """Read a range; a row that does not fit any more is what tells INCOMPLETE from OK."""
    rows = _Collector(request)
    lower, upper = _range_of(request)
    found = engine.scan(lower, upper, reverse=request.reverse)
    status = _collect(found, request, rows, now, budget)
    if request.reverse:
        rows.sort_keys.reverse()
        rows.values.reverse()
    return rows.page(status)


def _collect(
    found: Iterator[tuple[bytes, bytes]],
    request: MultiGetRequest,
    rows: _Collector,
    now: int,
    budget: TimeBudget,
) -> Status:
    matches = key_filter(request.sort_key_filter_type, request.sort_key_filter_pattern)
    sort_key_at = 2 + len(request.hash_key)
    for visited, (key, stored) in enumerate(found):
        if rows.is_full() or visited >= MULTI_GET_ROWS_MAX:
            return Status.INCOMPLETE
        if visited and visited % VISITS_BETWEEN_CLOCK_LOOKS == 0 and budget.is_spent():
            return Status.INCOMPLETE
        if is_expired(stored, now):
            continue
        sort_key = key[sort_key_at:]
        if matches is None or matches(sort_key):
            rows.add(sort_key, stored)
    return Status.OK


def _range_of(request: MultiGetRequest) -> tuple[bytes, bytes]:
    hash_key, stop = request.hash_key, request.stop_sortkey
    lower, upper = bounds(
        encode_key(hash_key, request.start_sortkey),
        encode_key(hash_key, stop),
        start_inclusive=request.start_inclusive,
        stop_inclusive=request.stop_inclusive,
    )
    if not stop:
        upper = hash_key_range(hash_key)[1]
    pattern = request.sort_key_filter_pattern
    if request.sort_key_filter_type == FilterType.MATCH_PREFIX and pattern:
        prefix = encode_key(hash_key, pattern)
        lower, upper = max(lower, prefix), min(upper, next_key(prefix))
    return lower, upper
