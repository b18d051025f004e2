"""Builds the calls to one table; sends none. Shared by the blocking and the Deferred face."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from pegasus_tab.base.errors import DataError
from pegasus_tab.base.limits import (
    BATCH_OPERATIONS_MAX,
    HASH_KEY_BYTES_MAX,
    SORT_KEY_BYTES_MAX,
    WRITE_REQUEST_BYTES_MAX,
)
from pegasus_tab.kv import methods
from pegasus_tab.kv.call import Call, Method
from pegasus_tab.kv.expiry import expiry
from pegasus_tab.kv.methods import RowsPage, ScanPage
from pegasus_tab.wire.codes import MutateOperation
from pegasus_tab.wire.fast import (
    check_and_mutate_arguments,
    multi_get_arguments,
    multi_put_arguments,
    put_arguments,
)
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.messages import (
    BatchGetRequest,
    BatchGetResponse,
    CheckAndMutateRequest,
    CheckAndResponse,
    CheckAndSetRequest,
    FullKey,
    GetScannerRequest,
    IncrRequest,
    MultiGetRequest,
    MultiRemoveRequest,
    Mutate,
    ScanRequest,
    TabPutRowsRequest,
    TabScanRequest,
    TabScanResponse,
    arguments,
    encode_blob_argument,
    encode_i64_argument,
)
from pegasus_tab.wire.partition_hash import encoded_key_hash, partition_hash

_ENVELOPE_BYTES: Final = 64
"""Room for the RPC's name and numbering: a request's body is its arguments and less than this."""
_ARGUMENT_BYTES_MAX: Final = WRITE_REQUEST_BYTES_MAX - _ENVELOPE_BYTES

T = TypeVar("T")


class TableCalls:
    """Calls to one table, named after the operations, with ``_call`` behind.

    ``key`` is an encoded key (``wire.keys.encode_key``). Calls in one ``run`` are concurrent: when two
    of them write the same row, either may be the last.

    Args:
        name: table name.
        clock: unix seconds, for times to live.
        app_id: the table's id when only that table will do, 0 for whichever has the name.
    """

    def __init__(self, name: str, clock: Callable[[], float], app_id: int = 0) -> None:
        self.name = name
        self._clock = clock
        self._app_id = app_id

    def expiry(self, ttl_seconds: int) -> int:
        """Turn a time to live into the absolute expiry that requests carry.

        Args:
            ttl_seconds: seconds from now, 0 for never.

        Returns:
            Seconds since 2016-01-01 UTC, 0 for never.

        Raises:
            DataError: the number is out of range.
        """
        return expiry(ttl_seconds, self._clock()) if ttl_seconds else 0

    # -- single rows -----------------------------------------------------------------------------

    def get_call(self, key: bytes) -> Call[bytes | None]:
        """Read one row; the result is its value, None when there is no such row."""
        return Call(
            self.name, methods.GET, encoded_key_hash(key), encode_blob_argument(key), self._app_id
        )

    def ttl_call(self, key: bytes) -> Call[int | None]:
        """Ask how long a row lives: seconds, -1 for ever, None when there is no such row."""
        return Call(
            self.name, methods.TTL, encoded_key_hash(key), encode_blob_argument(key), self._app_id
        )

    def set_call(
        self, hash_key: bytes, sort_key: bytes, value: bytes, ttl_seconds: int = 0
    ) -> Call[int]:
        """Write one row; the result is the write's decree.

        Args:
            hash_key: at most 1 KiB.
            sort_key: at most 4 KiB.
            value: at most 1 MiB, less the keys and some 100 bytes.
            ttl_seconds: seconds until the row expires, 0 for never.

        Raises:
            DataError: something is too large or the time to live is out of range.
        """
        if len(hash_key) > HASH_KEY_BYTES_MAX or len(sort_key) > SORT_KEY_BYTES_MAX:
            raise _key_too_large(hash_key, sort_key)
        return self._put_call(
            partition_hash(hash_key or sort_key), encode_key(hash_key, sort_key), value, ttl_seconds
        )

    def put_call(self, key: bytes, value: bytes, ttl_seconds: int = 0) -> Call[int]:
        """Write one row as ``set_call`` does, given its encoded key."""
        if len(key) > HASH_KEY_BYTES_MAX:  # one comparison lets all ordinary keys through
            hash_key_end = 2 + (key[0] << 8) + key[1]
            _check_key(key[2:hash_key_end], key[hash_key_end:])
        return self._put_call(encoded_key_hash(key), key, value, ttl_seconds)

    def _put_call(self, hashed: int, key: bytes, value: bytes, ttl_seconds: int) -> Call[int]:
        expires = expiry(ttl_seconds, self._clock()) if ttl_seconds else 0
        args = put_arguments(key, value, expires)
        if len(args) > _ARGUMENT_BYTES_MAX:
            raise _write_too_large(len(args))
        return Call(self.name, methods.PUT, hashed, args, self._app_id)

    def remove_call(self, key: bytes) -> Call[int]:
        """Remove one row, whether it is there or not; the result is the write's decree."""
        return Call(
            self.name,
            methods.REMOVE,
            encoded_key_hash(key),
            encode_blob_argument(key),
            self._app_id,
        )

    def incr_call(self, key: bytes, by: int, ttl_seconds: int = 0) -> Call[int]:
        """Add to a row that holds decimal text; the result is the sum.

        Args:
            key: encoded key; a missing row counts as 0.
            by: 64-bit integer.
            ttl_seconds: new time to live; 0 keeps the row's, a negative number removes it.

        Raises:
            DataError: ``by`` or the time to live is out of range.
        """
        expires = self.expiry(ttl_seconds) if ttl_seconds > 0 else max(ttl_seconds, -1)
        request = IncrRequest(key, by, expires)
        return self._keyed(methods.INCR, encoded_key_hash(key), request.encode())

    # -- rows of one hash key --------------------------------------------------------------------

    def multi_get_call(self, request: MultiGetRequest) -> Call[RowsPage]:
        """Read one page of rows of one hash key, by sort keys or by range."""
        hashed = _hash_of(request.hash_key)
        return Call(
            self.name, methods.MULTI_GET, hashed, multi_get_arguments(request), self._app_id
        )

    def multi_put_call(
        self,
        hash_key: bytes,
        sort_keys: Sequence[bytes],
        values: Sequence[bytes],
        ttl_seconds: int = 0,
    ) -> Call[int]:
        """Write rows of one hash key together; the result is the write's decree.

        Args:
            hash_key: 1 byte to 1 KiB.
            sort_keys: 1 to 1000, each at most 4 KiB.
            values: one per sort key; all together less than 1 MiB with the keys.
            ttl_seconds: seconds until all of them expire, 0 for never.

        Raises:
            DataError: a key is too large, the rows are too many, or none.
        """
        hashed = _hash_of(hash_key)
        _check_count(len(sort_keys))
        _check_key(hash_key, max(sort_keys, key=len))
        args = multi_put_arguments(hash_key, sort_keys, values, self.expiry(ttl_seconds))
        return Call(self.name, methods.MULTI_PUT, hashed, _sized(args), self._app_id)

    def put_rows_call(self, partition_index: int, rows: bytes, ttl_seconds: int = 0) -> Call[int]:
        """Write many rows of a partition as one; the result is the write's decree.

        A plain Pegasus server does not know this call: the result is a NotSupportedError then.

        Args:
            partition_index: the partition that all rows belong to.
            rows: as made by ``wire.put_rows.encode_rows``, at most 4096 of them; of equal keys the
                last one wins.
            ttl_seconds: seconds until the rows expire, 0 for never.

        Raises:
            DataError: it is too large or the time to live is out of range.
        """
        args = arguments(TabPutRowsRequest(rows, self.expiry(ttl_seconds)).encode())
        if len(args) > _ARGUMENT_BYTES_MAX:
            raise _write_too_large(len(args))
        return Call(self.name, methods.TAB_PUT_ROWS, partition_index, args, self._app_id)

    def multi_remove_call(self, hash_key: bytes, sort_keys: Sequence[bytes]) -> Call[int]:
        """Remove rows of one hash key together; the result is the number of sort keys given."""
        _check_count(len(sort_keys))
        request = MultiRemoveRequest(hash_key, sort_keys, 0)
        return self._keyed(methods.MULTI_REMOVE, _hash_of(hash_key), request.encode())

    def check_and_set_call(self, request: CheckAndSetRequest) -> Call[CheckAndResponse]:
        """Test one row and write another; status TRY_AGAIN in the result: the test failed."""
        _check_key(request.hash_key, request.set_sort_key)
        hashed = _hash_of(request.hash_key)
        return self._keyed(methods.CHECK_AND_SET, hashed, request.encode())

    def check_and_mutate_call(self, request: CheckAndMutateRequest) -> Call[CheckAndResponse]:
        """Test one row and change several; status TRY_AGAIN in the result: the test failed."""
        _check_count(len(request.mutate_list))
        for mutate in request.mutate_list:
            _check_key(request.hash_key, mutate.sort_key)
        args = _sized(check_and_mutate_arguments(request))
        hashed = _hash_of(request.hash_key)
        return Call(self.name, methods.CHECK_AND_MUTATE, hashed, args, self._app_id)

    def put_change(self, sort_key: bytes, value: bytes, ttl_seconds: int = 0) -> Mutate:
        """Describe the writing of a row in a check_and_mutate; arguments as for ``set_call``."""
        return Mutate(MutateOperation.PUT, sort_key, value, self.expiry(ttl_seconds))

    def delete_change(self, sort_key: bytes) -> Mutate:
        """Describe the removal of a row in a check_and_mutate."""
        return Mutate(MutateOperation.DELETE, sort_key)

    def sortkey_count_call(self, hash_key: bytes) -> Call[int]:
        """Count the rows of one hash key."""
        args = encode_blob_argument(hash_key)
        return Call(self.name, methods.SORTKEY_COUNT, _hash_of(hash_key), args, self._app_id)

    def _keyed(self, method: Method[T], hashed: int, struct: bytes) -> Call[T]:
        return Call(self.name, method, hashed, _sized(arguments(struct)), self._app_id)

    # -- whole partitions; their index stands in for the hash -----------------------------------

    def batch_get_call(
        self, partition_index: int, keys: Sequence[tuple[bytes, bytes]]
    ) -> Call[BatchGetResponse]:
        """Read rows of any hash keys that lie in one partition; missing rows are left out."""
        request = BatchGetRequest([FullKey(*key) for key in keys])
        args = arguments(request.encode())
        return Call(self.name, methods.BATCH_GET, partition_index, args, self._app_id)

    def get_scanner_call(self, partition_index: int, request: GetScannerRequest) -> Call[ScanPage]:
        """Begin a scan (``return_expire_ts`` and ``only_return_count`` are not supported here)."""
        args = arguments(request.encode())
        return Call(self.name, methods.GET_SCANNER, partition_index, args, self._app_id)

    def scan_call(self, partition_index: int, context_id: int) -> Call[ScanPage]:
        """Go on with a scan; a context id is good for one use."""
        args = arguments(ScanRequest(context_id).encode())
        return Call(self.name, methods.SCAN, partition_index, args, self._app_id)

    def clear_scanner_call(self, partition_index: int, context_id: int) -> Call[None]:
        """End a scan early; nobody answers, the result comes with the sending."""
        args = encode_i64_argument(context_id)
        return Call(self.name, methods.CLEAR_SCANNER, partition_index, args, self._app_id)

    def tab_scan_call(self, partition_index: int, request: TabScanRequest) -> Call[TabScanResponse]:
        """Read one page of a table with a schema; status ABORTED: its schema has changed."""
        args = arguments(request.encode())
        return Call(self.name, methods.TAB_SCAN, partition_index, args, self._app_id)


def _hash_of(hash_key: bytes) -> int:
    """Place a hash key as a whole.

    Rows without a hash key are spread by their sort keys over all partitions (protocol reference
    6.8), so there is no one partition to ask about them.
    """
    if not hash_key:
        raise DataError(
            "an operation on several rows needs a hash key that is not empty",
            sqlstate="22023",
            hint="rows with an empty hash key can be read and written one by one",
        )
    return partition_hash(hash_key)


def _check_key(hash_key: bytes, sort_key: bytes) -> None:
    if len(hash_key) > HASH_KEY_BYTES_MAX or len(sort_key) > SORT_KEY_BYTES_MAX:
        raise _key_too_large(hash_key, sort_key)


def _check_count(rows: int) -> None:
    if not 0 < rows <= BATCH_OPERATIONS_MAX:
        raise DataError(
            f"{rows} rows in one write, expected 1 to {BATCH_OPERATIONS_MAX}",
            sqlstate="54000",
            hint="split it; only the rows of one request are written together",
        )


def _sized(args: bytes) -> bytes:
    if len(args) > _ARGUMENT_BYTES_MAX:
        raise _write_too_large(len(args))
    return args


def _key_too_large(hash_key: bytes, sort_key: bytes) -> DataError:
    return DataError(
        f"a hash key of {len(hash_key)} and a sort key of {len(sort_key)} bytes do not fit",
        sqlstate="54000",
        hint=f"the limits are {HASH_KEY_BYTES_MAX} and {SORT_KEY_BYTES_MAX} bytes",
    )


def _write_too_large(size: int) -> DataError:
    return DataError(
        f"a write of {size} bytes is too large",
        sqlstate="54000",
        hint=f"one request takes {WRITE_REQUEST_BYTES_MAX} bytes of keys and values; split it",
    )
