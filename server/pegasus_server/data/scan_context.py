"""One scan under way: its range, its filters and flags, and how it takes the next step (protocol reference 8.1)."""

from dataclasses import dataclass, replace
from typing import NamedTuple

from pegasus_server.data.identity import ReplicaIdentity
from pegasus_server.data.key_filter import KeyFilter, bounds, key_filter
from pegasus_server.data.time_budget import TimeBudget
from pegasus_server.data.value import expire_of, live_rows, user_data
from pegasus_server.storage.engine import Engine
from pegasus_tab.base.limits import SCAN_PAGE_BYTES_MAX, SCAN_ROWS_MAX
from pegasus_tab.wire.codes import FilterType, Status
from pegasus_tab.wire.keys import decode_key
from pegasus_tab.wire.messages_read import KeyValue
from pegasus_tab.wire.messages_scan import GetScannerRequest, ScanResponse
from pegasus_tab.wire.partition_hash import encoded_key_hash

SCAN_ENDED = -1
"""``context_id`` at the end of a scan, and for a range that holds nothing: the ancestor's 0 there sends
Java clients into an endless loop."""
_CHUNK_ROWS_MIN = 64
"""With filters, rows are read in stretches of at least this many."""


class PartitionPlace(NamedTuple):
    """Which partition rows must hash to, after a partition split (8.4)."""

    partition_index: int
    partition_count: int

    def holds(self, key: bytes) -> bool:
        """Tell whether the row with this encoded key belongs here."""
        return encoded_key_hash(key) % self.partition_count == self.partition_index


class ScanPage(NamedTuple):
    """One answer to GET_SCANNER or SCAN.

    Attributes:
        status: OK; INCOMPLETE when the time was over; or an error.
        keys: whole encoded keys, ascending; empty when only their count was asked for.
        values: user data, one per key; empty ones with no_value.
        context_id: where the scan goes on, SCAN_ENDED at its end.
        expiries: one per key, when they were asked for.
        kv_count: matching rows, when only their count was asked for.
    """

    status: Status
    keys: list[bytes]
    values: list[bytes]
    context_id: int
    expiries: list[int] | None = None
    kv_count: int | None = None

    def response(self, identity: ReplicaIdentity) -> ScanResponse:
        """Make the whole answer."""
        (app_id, partition_index), server = identity
        rows = [KeyValue(key, value) for key, value in zip(self.keys, self.values, strict=True)]
        if self.expiries is not None:
            rows = [
                KeyValue(row.key, row.value, _as_i32(expiry))
                for row, expiry in zip(rows, self.expiries, strict=True)
            ]
        return ScanResponse(
            self.status, rows, self.context_id, app_id, partition_index, server, self.kv_count
        )


@dataclass(frozen=True, slots=True)
class ScanContext:
    """What a scan remembers between two requests; it holds no engine resources.

    Attributes:
        lower: the next key to visit, inclusive.
        upper: end of the range, exclusive.
        rows_max: rows in one answer, 1..SCAN_ROWS_MAX.
        no_value: answer with empty values.
        with_expiry: answer with expiries.
        only_count: answer with the number of rows alone.
        hash_key_filter: None when every hash key passes.
        sort_key_filter: None when every sort key passes.
        place: None when rows need not be validated.
    """

    lower: bytes
    upper: bytes
    rows_max: int
    no_value: bool
    with_expiry: bool
    only_count: bool
    hash_key_filter: KeyFilter | None
    sort_key_filter: KeyFilter | None
    place: PartitionPlace | None

    @property
    def has_filters(self) -> bool:
        """Tell whether rows are chosen by more than their range and expiry."""
        filters = (self.hash_key_filter, self.sort_key_filter, self.place)
        return any(each is not None for each in filters)

    def step(
        self, engine: Engine, now: int, budget: TimeBudget
    ) -> "tuple[ScanPage, ScanContext | None]":
        """Visit rows until the answer is full.

        At most SCAN_ROWS_MAX rows are visited, expired and filtered ones included, so a page may
        be empty although the scan goes on; visiting on behind ``rows_max`` filtered rows makes
        that rare, for Java and Go begin anew after an empty page and a failover.

        Args:
            engine: the rows.
            now: seconds since 2016.
            budget: time to use.

        Returns:
            The page, without its context id, and the context of the rest, None at the end.
        """
        keys: list[bytes] = []
        stored: list[bytes] = []
        lower: bytes | None = self.lower
        visits, size, status = SCAN_ROWS_MAX, SCAN_PAGE_BYTES_MAX, Status.OK
        while lower is not None and len(keys) < self.rows_max and visits > 0 and size > 0:
            if budget.is_spent():
                status, lower = Status.INCOMPLETE, None
                break
            wanted = self.rows_max - len(keys)
            chunk = max(wanted, _CHUNK_ROWS_MIN) if self.has_filters else wanted
            seen, found, exhausted = engine.scan_chunk(lower, self.upper, min(chunk, visits), size)
            visits -= len(seen)
            chosen = self._choose(seen, found, now)
            lower = None if exhausted else seen[-1] + b"\0"
            if len(chosen) > wanted:
                lower = seen[chosen[wanted]]
                del chosen[wanted:]
            keys += [seen[index] for index in chosen]
            stored += [found[index] for index in chosen]
            size -= sum(map(len, found)) + sum(map(len, seen))
        rest = None if lower is None else replace(self, lower=lower)
        return self._page(status, keys, stored), rest

    def _choose(self, keys: list[bytes], stored: list[bytes], now: int) -> list[int]:
        """Return the indices of the rows to answer with."""
        live = live_rows(stored, now)
        return [index for index in live if self._matches(keys[index])] if self.has_filters else live

    def _matches(self, key: bytes) -> bool:
        if self.place is not None and not self.place.holds(key):
            return False
        hash_key, sort_key = decode_key(key)
        if self.hash_key_filter is not None and not self.hash_key_filter(hash_key):
            return False
        return self.sort_key_filter is None or self.sort_key_filter(sort_key)

    def _page(self, status: Status, keys: list[bytes], stored: list[bytes]) -> ScanPage:
        if self.only_count:
            return ScanPage(status, [], [], SCAN_ENDED, kv_count=len(keys))
        values = [b""] * len(keys) if self.no_value else [user_data(value) for value in stored]
        expiries = [expire_of(value) for value in stored] if self.with_expiry else None
        return ScanPage(status, keys, values, SCAN_ENDED, expiries)


def begin_scan(request: GetScannerRequest, place: PartitionPlace | None) -> ScanContext:
    """Read a GET_SCANNER request whose filter types are known.

    A prefix filter on the hash key raises the start: rows with longer hash keys sort later, and
    shorter ones cannot match. The stop is never narrowed (8.1).

    Args:
        request: what to scan.
        place: where rows must belong, None when this is not to be validated.

    Returns:
        The context; its range may hold nothing.
    """
    lower, upper = bounds(
        request.start_key,
        request.stop_key,
        start_inclusive=request.start_inclusive,
        stop_inclusive=request.stop_inclusive,
    )
    pattern = request.hash_key_filter_pattern
    if request.hash_key_filter_type == FilterType.MATCH_PREFIX and pattern:
        lower = max(lower, min(len(pattern), 0xFFFF).to_bytes(2, "big") + pattern)
    asked = request.batch_size
    validated = request.validate_partition_hash is not False
    return ScanContext(
        lower=lower,
        upper=upper,
        rows_max=asked if 0 < asked < SCAN_ROWS_MAX else SCAN_ROWS_MAX,
        no_value=request.no_value,
        with_expiry=bool(request.return_expire_ts),
        only_count=bool(request.only_return_count),
        hash_key_filter=key_filter(request.hash_key_filter_type, pattern),
        sort_key_filter=key_filter(request.sort_key_filter_type, request.sort_key_filter_pattern),
        place=place if validated else None,
    )


def _as_i32(expiry: int) -> int:
    """Fold a u32 expiry into the i32 the wire has for it, as the ancestor does."""
    return expiry - 2**32 if expiry >= 2**31 else expiry
