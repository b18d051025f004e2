"""MULTI_GET over as many pages as it takes (protocol reference 6.5)."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from pegasus_tab.base.errors import Error
from pegasus_tab.base.limits import BATCH_OPERATIONS_MAX, SCAN_ROWS_MAX
from pegasus_tab.kv.call import Call
from pegasus_tab.kv.methods import RowsPage
from pegasus_tab.kv.pages import ScanPages
from pegasus_tab.kv.table_calls import TableCalls
from pegasus_tab.wire.keys import decode_key, encode_key, next_key
from pegasus_tab.wire.messages import GetScannerRequest, MultiGetRequest
from pegasus_tab.wire.partition_hash import partition_hash

Rows: TypeAlias = list[tuple[bytes, bytes]]
"""(sort key, value) pairs."""

KEY_BYTES_MAX: Final = 1 << 20
"""Sort keys of one request, so that it stays far below the largest frame."""


class KeysRead:
    """Reads rows of one hash key by their sort keys.

    Args:
        calls: of the table.
        hash_key: not empty.
        sort_keys: any number, in the order wanted; one that comes twice is read once.
        no_value: leave the values empty.
    """

    def __init__(
        self, calls: TableCalls, hash_key: bytes, sort_keys: Sequence[bytes], *, no_value: bool
    ) -> None:
        self._calls = calls
        self._left = deque(dict.fromkeys(sort_keys))
        self._asked: list[bytes] = []
        self._template = MultiGetRequest(hash_key, no_value=no_value)

    def next_call(self) -> Call[RowsPage] | None:
        """See ``pages.Pages``."""
        size = 0
        self._asked = []
        while self._left and len(self._asked) < BATCH_OPERATIONS_MAX and size < KEY_BYTES_MAX:
            size += len(self._left[0])
            self._asked.append(self._left.popleft())
        if not self._asked:
            return None
        return self._calls.multi_get_call(replace(self._template, sort_keys=self._asked))

    def accept(self, result: object) -> Rows:
        """See ``pages.Pages``; the page is rows that exist."""
        if isinstance(result, Error):
            raise result
        assert isinstance(result, RowsPage)
        if not result.complete and result.sort_keys:
            # The server stopped behind the last row it gave; it looks rows up in our order.
            read = self._asked.index(result.sort_keys[-1]) + 1
            self._left.extendleft(reversed(self._asked[read:]))
        return list(zip(result.sort_keys, result.values, strict=True))

    def closing_call(self) -> None:
        """See ``pages.Pages``: there is nothing to free."""


class RangeRead:
    """Reads a range of rows of one hash key, from the front or (``reverse``) from the back.

    The server stops after 3000 rows looked at, matching or not. When none of them matched it does
    not say how far it came; the rest is then read through a scan, which remembers.

    Invariants: ``rows`` is ascending without repeats and never longer than ``rows_max``.

    Args:
        calls: of the table.
        request: range, filter and direction; no sort keys; its ``max_kv_count`` is not looked at.
        rows_max: stop after so many rows, None for all.

    Attributes:
        rows: rows so far, ascending by sort key in both directions.
        complete: True when nothing is left in the range, False while there may be more.
    """

    def __init__(self, calls: TableCalls, request: MultiGetRequest, rows_max: int | None) -> None:
        assert not request.sort_keys
        self.rows: deque[tuple[bytes, bytes]] = deque()
        self.complete = False
        self._calls = calls
        self._request = request
        self._rows_max = rows_max
        self._scan: ScanPages | None = None
        self._behind: deque[tuple[bytes, bytes]] = deque()
        self._skipped = 0

    def next_call(self) -> Call[object] | None:
        """See ``pages.Pages``."""
        room = self._room()
        if self.complete or room == 0:
            return None
        if self._scan is not None:
            return self._scan.next_call()
        return self._calls.multi_get_call(replace(self._request, max_kv_count=room or 0))

    def accept(self, result: object) -> None:
        """See ``pages.Pages``; the rows gather in ``rows``."""
        if self._scan is not None:
            self._accept_scanned(*self._scan.accept(result))
            return
        if isinstance(result, Error):
            raise result
        assert isinstance(result, RowsPage)
        page = list(zip(result.sort_keys, result.values, strict=True))
        self.complete = result.complete
        if self._request.reverse:
            self.rows.extendleft(reversed(page))
        else:
            self.rows.extend(page)
        if page:
            self._go_on_from(page[0][0] if self._request.reverse else page[-1][0])
        elif not result.complete:
            self._scan = self._scan_of_rest()

    def closing_call(self) -> Call[object] | None:
        """See ``pages.Pages``."""
        return None if self._scan is None else self._scan.closing_call()

    def _room(self) -> int | None:
        return None if self._rows_max is None else self._rows_max - len(self.rows)

    def _go_on_from(self, sort_key: bytes) -> None:
        if not self._request.reverse:
            self._request = replace(self._request, start_sortkey=sort_key, start_inclusive=False)
        elif sort_key:
            self._request = replace(self._request, stop_sortkey=sort_key, stop_inclusive=False)
        else:
            self.complete = (
                True  # nothing lies before the empty sort key; as a stop it means "none"
            )

    def _scan_of_rest(self) -> ScanPages:
        hash_key = self._request.hash_key
        self._behind = deque(maxlen=self._room())
        request = scan_request(
            hash_key,
            start=self._request.start_sortkey,
            stop=self._request.stop_sortkey,
            start_inclusive=self._request.start_inclusive,
            stop_inclusive=self._request.stop_inclusive,
        )
        request = replace(
            request,
            no_value=self._request.no_value,
            sort_key_filter_type=self._request.sort_key_filter_type,
            sort_key_filter_pattern=self._request.sort_key_filter_pattern,
        )
        return ScanPages(self._calls, partition_hash(hash_key), request)

    def _accept_scanned(self, keys: list[bytes], values: list[bytes]) -> None:
        assert self._scan is not None
        rows = [(decode_key(key)[1], value) for key, value in zip(keys, values, strict=True)]
        ended = self._scan.next_call() is None
        if not self._request.reverse:
            room = self._room()
            self.rows.extend(rows[:room])
            self.complete = ended and (room is None or len(rows) <= room)
            return
        # A scan only goes forward: keep the last rows of it, which a reverse read wants first.
        self._skipped += len(rows)
        self._behind.extend(rows)
        if ended:
            self.rows.extendleft(reversed(self._behind))
            self.complete = self._skipped == len(self._behind)
            self._rows_max = len(self.rows)


def scan_request(
    hash_key: bytes,
    *,
    start: bytes = b"",
    stop: bytes = b"",
    start_inclusive: bool = True,
    stop_inclusive: bool = False,
) -> GetScannerRequest:
    """Describe a scan over rows of one hash key.

    Args:
        hash_key: not empty.
        start: first sort key.
        stop: last sort key, empty for the end of the hash key.
        start_inclusive: whether a row at ``start`` belongs to the range.
        stop_inclusive: whether a row at ``stop`` does.
    """
    return GetScannerRequest(
        start_key=encode_key(hash_key, start),
        start_inclusive=start_inclusive,
        stop_key=encode_key(hash_key, stop) if stop else next_key(encode_key(hash_key, b"")),
        stop_inclusive=stop_inclusive and bool(stop),
        batch_size=SCAN_ROWS_MAX,
    )
