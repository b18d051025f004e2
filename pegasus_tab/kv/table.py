"""One table of the key-value store: every operation as a method that waits for its result."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple, TypeVar

from pegasus_tab.base.errors import Error
from pegasus_tab.base.limits import BATCH_OPERATIONS_MAX, SCAN_ROWS_MAX
from pegasus_tab.kv.blocking import BlockingClient
from pegasus_tab.kv.call import Call
from pegasus_tab.kv.multi_get import KeysRead, RangeRead, Rows, scan_request
from pegasus_tab.kv.pages import ScanPages
from pegasus_tab.kv.table_calls import TableCalls
from pegasus_tab.wire.codes import CasCheckType, FilterType, Status
from pegasus_tab.wire.keys import KEYS_END, decode_key, encode_key
from pegasus_tab.wire.messages import (
    BatchGetResponse,
    CheckAndMutateRequest,
    CheckAndResponse,
    CheckAndSetRequest,
    GetScannerRequest,
    MultiGetRequest,
    Mutate,
)
from pegasus_tab.wire.partition_hash import partition_hash, partition_index

PARALLEL_DEFAULT: Final = 4
"""Partitions a full scan reads side by side."""

T = TypeVar("T")


class KeyFilter(NamedTuple):
    """Which keys to keep; an empty pattern keeps all (protocol reference 6.2)."""

    type: FilterType = FilterType.NO_FILTER
    pattern: bytes = b""


NO_FILTER: Final = KeyFilter()


class Check(NamedTuple):
    """What to test before a write (protocol reference 6.7).

    Attributes:
        sort_key: of the row to test, under the hash key of the write.
        type: the test.
        operand: what the row's value is compared with.
    """

    sort_key: bytes
    type: CasCheckType
    operand: bytes = b""


class Checked(NamedTuple):
    """How a write with a check ended.

    Attributes:
        passed: the check passed and everything was written; else nothing was.
        value: the tested row's value before the write, None when there was no such row (or when it
            was not asked for).
    """

    passed: bool
    value: bytes | None


class TableHandle(TableCalls):
    """A table; the methods with ``_call`` behind build calls for ``Client.run`` instead.

    Every method raises ``Error``: ProgrammingError when there is no such table, DataError when an
    argument does not fit, OperationalError when the store cannot do it now, and UnknownOutcome when
    a write may or may not have happened.

    Args:
        name: table name; looked up when it is first needed.
        client: carries the calls out.
    """

    def __init__(self, name: str, client: BlockingClient) -> None:
        super().__init__(name, client.wall_clock)
        self._client = client

    @property
    def app_id(self) -> int:
        """The table's id; asks meta when it is not known."""
        return self._client.locate(self.name).app_id

    @property
    def partition_count(self) -> int:
        """The table's number of partitions; asks meta when it is not known."""
        return self._client.locate(self.name).partition_count

    # -- single rows -----------------------------------------------------------------------------

    def get(self, hash_key: bytes, sort_key: bytes = b"") -> bytes | None:
        """Return a row's value, None when there is no such row."""
        return self._do(self.get_call(encode_key(hash_key, sort_key)))

    def set(self, hash_key: bytes, sort_key: bytes, value: bytes, ttl_seconds: int = 0) -> None:
        """Write a row; limits as for ``set_call``."""
        self._do(self.set_call(hash_key, sort_key, value, ttl_seconds))

    def delete(self, hash_key: bytes, sort_key: bytes = b"") -> None:
        """Remove a row, whether it is there or not."""
        self._do(self.remove_call(encode_key(hash_key, sort_key)))

    def exist(self, hash_key: bytes, sort_key: bytes = b"") -> bool:
        """Tell whether there is such a row."""
        return self._do(self.ttl_call(encode_key(hash_key, sort_key))) is not None

    def ttl(self, hash_key: bytes, sort_key: bytes = b"") -> int | None:
        """Return the seconds a row has left, -1 for ever, None when there is no such row."""
        return self._do(self.ttl_call(encode_key(hash_key, sort_key)))

    def incr(self, hash_key: bytes, sort_key: bytes, by: int = 1, ttl_seconds: int = 0) -> int:
        """Add to a row that holds decimal text and return the sum; see ``incr_call``."""
        return self._do(self.incr_call(encode_key(hash_key, sort_key), by, ttl_seconds))

    # -- rows of one hash key --------------------------------------------------------------------

    def multi_get(  # noqa: PLR0913 -- one argument for each field of the protocol's request
        self,
        hash_key: bytes,
        sort_keys: Sequence[bytes] | None = None,
        *,
        start: bytes = b"",
        stop: bytes = b"",
        start_inclusive: bool = True,
        stop_inclusive: bool = False,
        sort_key_filter: KeyFilter = NO_FILTER,
        reverse: bool = False,
        max_rows: int | None = None,
        no_value: bool = False,
    ) -> tuple[Rows, bool]:
        """Read rows of one hash key, over as many requests as it takes.

        Args:
            hash_key: not empty.
            sort_keys: which rows; then the arguments up to ``max_rows`` mean nothing. None for a range.
            start: first sort key of the range.
            stop: last sort key of the range, empty for the end.
            start_inclusive: whether ``start`` itself belongs to the range.
            stop_inclusive: whether ``stop`` itself does.
            sort_key_filter: which sort keys of the range to keep.
            reverse: take rows from the end of the range.
            max_rows: stop after so many rows, >= 1; None for all.
            no_value: leave the values empty.

        Returns:
            (rows, complete): (sort key, value) pairs, in the order of ``sort_keys`` or ascending
            (also with ``reverse``); complete is False when ``max_rows`` ended the reading and there
            may be more.
        """
        if sort_keys is not None:
            keys_read = KeysRead(self, hash_key, sort_keys, no_value=no_value)
            return [row for page in self._client.follow((keys_read,), 1) for row in page], True
        request = MultiGetRequest(
            hash_key,
            no_value=no_value,
            start_sortkey=start,
            stop_sortkey=stop,
            start_inclusive=start_inclusive,
            stop_inclusive=stop_inclusive,
            sort_key_filter_type=sort_key_filter.type,
            sort_key_filter_pattern=sort_key_filter.pattern,
            reverse=reverse,
        )
        range_read = RangeRead(self, request, max_rows)
        for _ in self._client.follow((range_read,), 1):
            pass  # the rows gather in the read
        return list(range_read.rows), range_read.complete

    def multi_set(self, hash_key: bytes, rows: Mapping[bytes, bytes], ttl_seconds: int = 0) -> None:
        """Write rows of one hash key together, all or none; limits as for ``multi_put_call``."""
        self._do(self.multi_put_call(hash_key, list(rows), list(rows.values()), ttl_seconds))

    def multi_delete(self, hash_key: bytes, sort_keys: Sequence[bytes]) -> int:
        """Remove rows of one hash key together; return how many were named."""
        return self._do(self.multi_remove_call(hash_key, sort_keys))

    def check_and_set(
        self,
        hash_key: bytes,
        check: Check,
        sort_key: bytes,
        value: bytes,
        ttl_seconds: int = 0,
        *,
        return_value: bool = False,
    ) -> Checked:
        """Test one row and, if the test passes, write one of the same hash key, in one step.

        Args:
            hash_key: of both rows, not empty.
            check: the test.
            sort_key: of the row to write.
            value: to write.
            ttl_seconds: seconds until the written row expires, 0 for never.
            return_value: report the tested row's value before the write.
        """
        request = CheckAndSetRequest(
            hash_key=hash_key,
            check_sort_key=check.sort_key,
            check_type=check.type,
            check_operand=check.operand,
            set_diff_sort_key=sort_key != check.sort_key,
            set_sort_key=sort_key,
            set_value=value,
            set_expire_ts_seconds=self.expiry(ttl_seconds),
            return_check_value=return_value,
        )
        return _checked(self._do(self.check_and_set_call(request)))

    def check_and_mutate(
        self,
        hash_key: bytes,
        check: Check,
        changes: Sequence[Mutate],
        *,
        return_value: bool = False,
    ) -> Checked:
        """Test one row and, if the test passes, change several of the same hash key, in one step.

        Args:
            hash_key: of all rows, not empty.
            check: the test.
            changes: at least one, from ``put_change`` and ``delete_change``, applied in order.
            return_value: report the tested row's value before the changes.
        """
        request = CheckAndMutateRequest(
            hash_key=hash_key,
            check_sort_key=check.sort_key,
            check_type=check.type,
            check_operand=check.operand,
            mutate_list=changes,
            return_check_value=return_value,
        )
        return _checked(self._do(self.check_and_mutate_call(request)))

    def sortkey_count(self, hash_key: bytes) -> int:
        """Count the rows of one hash key."""
        return self._do(self.sortkey_count_call(hash_key))

    def scan_hash(
        self,
        hash_key: bytes,
        *,
        start: bytes = b"",
        stop: bytes = b"",
        start_inclusive: bool = True,
        stop_inclusive: bool = False,
        sort_key_filter: KeyFilter = NO_FILTER,
        no_value: bool = False,
        batch_rows: int = SCAN_ROWS_MAX,
    ) -> Iterator[tuple[bytes, bytes]]:
        """Walk through rows of one hash key, fetching them in batches.

        Arguments as for ``multi_get``.

        Yields:
            (sort key, value), ascending; each row as of some moment in the scan.
        """
        request = replace(
            scan_request(
                hash_key,
                start=start,
                stop=stop,
                start_inclusive=start_inclusive,
                stop_inclusive=stop_inclusive,
            ),
            batch_size=batch_rows,
            no_value=no_value,
            sort_key_filter_type=sort_key_filter.type,
            sort_key_filter_pattern=sort_key_filter.pattern,
        )
        pages = ScanPages(self, partition_hash(hash_key), request)
        for keys, values in self._client.follow((pages,), 1):
            for key, value in zip(keys, values, strict=True):
                yield decode_key(key)[1], value

    # -- any rows --------------------------------------------------------------------------------

    def batch_get(self, keys: Sequence[tuple[bytes, bytes]]) -> list[bytes | None]:
        """Read rows of any hash keys, one request for each partition they lie in.

        Args:
            keys: (hash key, sort key) pairs, any number.

        Returns:
            For each key its value, None when there is no such row.
        """
        count = self.partition_count
        by_partition: dict[int, list[tuple[bytes, bytes]]] = defaultdict(list)
        for key in dict.fromkeys(keys):
            by_partition[partition_index(*key, count)].append(key)
        calls = (
            self.batch_get_call(index, wanted[at : at + BATCH_OPERATIONS_MAX])
            for index, wanted in sorted(by_partition.items())
            for at in range(0, len(wanted), BATCH_OPERATIONS_MAX)
        )
        found: dict[tuple[bytes, bytes], bytes] = {}
        for result in self._client.run(calls, PARALLEL_DEFAULT):
            if isinstance(result, Error):
                raise result
            assert isinstance(result, BatchGetResponse)
            found.update(((row.hash_key, row.sort_key), row.value) for row in result.data)
        return [found.get(key) for key in keys]

    def scan_all(
        self,
        *,
        hash_key_filter: KeyFilter = NO_FILTER,
        sort_key_filter: KeyFilter = NO_FILTER,
        no_value: bool = False,
        batch_rows: int = SCAN_ROWS_MAX,
        parallel: int = PARALLEL_DEFAULT,
    ) -> Iterator[tuple[bytes, bytes, bytes]]:
        """Walk through all rows of all partitions, several partitions side by side.

        Args:
            hash_key_filter: which hash keys to keep.
            sort_key_filter: which sort keys to keep.
            no_value: leave the values empty.
            batch_rows: rows of one request, 1 to 1000.
            parallel: partitions read at once, >= 1.

        Yields:
            (hash key, sort key, value), batches of the partitions in turn; each row as of some
            moment in the scan.
        """
        request = GetScannerRequest(
            start_key=encode_key(b"", b""),
            stop_key=KEYS_END,
            start_inclusive=True,
            batch_size=batch_rows,
            no_value=no_value,
            hash_key_filter_type=hash_key_filter.type,
            hash_key_filter_pattern=hash_key_filter.pattern,
            sort_key_filter_type=sort_key_filter.type,
            sort_key_filter_pattern=sort_key_filter.pattern,
            full_scan=True,
        )
        reads = (ScanPages(self, index, request) for index in range(self.partition_count))
        for keys, values in self._client.follow(reads, parallel):
            for key, value in zip(keys, values, strict=True):
                hash_key, sort_key = decode_key(key)
                yield hash_key, sort_key, value

    def _do(self, call: Call[T]) -> T:
        result = self._client.call(call)
        if isinstance(result, Error):
            raise result
        return result


def _checked(response: CheckAndResponse) -> Checked:
    exists = response.check_value_returned and response.check_value_exist
    return Checked(response.error == Status.OK, response.check_value if exists else None)
