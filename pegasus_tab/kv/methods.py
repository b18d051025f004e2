"""The data RPCs as a client calls them: how each reply becomes a result, and whether to repeat the call.

A status that belongs to an operation's normal course (a row that is not there, a page that is not
the last, a check that did not pass) is part of its result; every other status is an error.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar

from pegasus_tab.base.errors import DataError, Error, OperationalError
from pegasus_tab.kv.call import Effect, Method
from pegasus_tab.kv.failure import bad_status
from pegasus_tab.wire import codes
from pegasus_tab.wire.codes import Status
from pegasus_tab.wire.fast import (
    decode_check_result,
    decode_get_result,
    decode_multi_get_result,
    decode_put_result,
    decode_scan_result,
)
from pegasus_tab.wire.frame import ResponseFrame
from pegasus_tab.wire.messages import (
    BatchGetResponse,
    CheckAndResponse,
    CountResponse,
    IncrResponse,
    MultiRemoveResponse,
    TabScanResponse,
    TtlResponse,
    decode_result,
)

# Reading an enum's member costs as much as the rest of a check, so the hot ones are plain numbers.
_OK: Final = int(Status.OK)
_NOT_FOUND: Final = int(Status.NOT_FOUND)
_INCOMPLETE: Final = int(Status.INCOMPLETE)
_CHECKED: Final = frozenset({int(Status.OK), int(Status.TRY_AGAIN)})

NO_EXPIRY: Final = -1
"""Result of TTL for a row that never expires."""


class RowsPage(NamedTuple):
    """Result of MULTI_GET.

    Attributes:
        sort_keys: one per row, ascending or, when sort keys were asked for, in that order.
        values: one per row, empty with no_value.
        complete: False when the server stopped at a limit and there may be more.
    """

    sort_keys: list[bytes]
    values: list[bytes]
    complete: bool


class ScanPage(NamedTuple):
    """Result of GET_SCANNER and SCAN.

    Attributes:
        status: OK; INCOMPLETE when the server ran out of time and the context is gone; NOT_FOUND
            when it does not know the context (any more).
        keys: encoded keys, ascending.
        values: one per key, empty with no_value.
        context_id: where to go on; -1 at the end.
    """

    status: int
    keys: list[bytes]
    values: list[bytes]
    context_id: int


def _value(frame: ResponseFrame) -> bytes | Error | None:
    status, value = decode_get_result(frame)
    if status == _OK:
        return value
    return None if status == _NOT_FOUND else bad_status(codes.GET, status)


def _decree(name: bytes) -> Callable[[ResponseFrame], int | Error]:
    def decode(frame: ResponseFrame) -> int | Error:
        status, decree = decode_put_result(frame)
        return decree if status == _OK else bad_status(name, status, write=True)

    return decode


def _removed(frame: ResponseFrame) -> int | Error:
    response = decode_result(frame, MultiRemoveResponse)
    if response.error == _OK:
        return response.count
    return bad_status(codes.MULTI_REMOVE, response.error, write=True)


def _rows(frame: ResponseFrame) -> RowsPage | Error:
    status, sort_keys, values = decode_multi_get_result(frame)
    if status in {_OK, _INCOMPLETE}:
        return RowsPage(sort_keys, values, status == _OK)
    return bad_status(codes.MULTI_GET, status)


def _batch(frame: ResponseFrame) -> BatchGetResponse | Error:
    response = decode_result(frame, BatchGetResponse)
    return response if response.error == _OK else bad_status(codes.BATCH_GET, response.error)


def _count(frame: ResponseFrame) -> int | Error:
    response = decode_result(frame, CountResponse)
    if response.error != _OK:
        return bad_status(codes.SORTKEY_COUNT, response.error)
    if response.count < 0:  # the server's time ran out (protocol reference 6.5)
        return OperationalError(
            "the hash key has too many rows to count at once",
            sqlstate="57014",
            hint="scan the hash key and count its rows",
        )
    return response.count


def _ttl(frame: ResponseFrame) -> int | Error | None:
    response = decode_result(frame, TtlResponse)
    if response.error == _OK:
        return response.ttl_seconds
    return None if response.error == _NOT_FOUND else bad_status(codes.TTL, response.error)


def _sum(frame: ResponseFrame) -> int | Error:
    response = decode_result(frame, IncrResponse)
    if response.error == _OK:
        return response.new_value
    if response.error == Status.INVALID_ARGUMENT:
        return DataError(
            "the row cannot be incremented: it holds no integer, or the sum leaves 64 bits",
            sqlstate="22003",
        )
    return bad_status(codes.INCR, response.error, write=True)


def _check(name: bytes) -> Callable[[ResponseFrame], CheckAndResponse | Error]:
    def decode(frame: ResponseFrame) -> CheckAndResponse | Error:
        response = decode_check_result(frame)
        if response.error in _CHECKED:
            return response
        return bad_status(name, response.error, write=True)

    return decode


def _scan(name: bytes) -> Callable[[ResponseFrame], ScanPage | Error]:
    def decode(frame: ResponseFrame) -> ScanPage | Error:
        page = ScanPage._make(decode_scan_result(frame))
        if page.status in {_OK, _INCOMPLETE, _NOT_FOUND}:
            return page
        return bad_status(name, page.status)

    return decode


def _tab_scan(frame: ResponseFrame) -> TabScanResponse | Error:
    response = decode_result(frame, TabScanResponse)
    if response.error in {Status.OK, Status.ABORTED}:
        return response
    return bad_status(codes.TAB_SCAN, response.error)


T = TypeVar("T")


def _method(name: bytes, decode: Callable[[ResponseFrame], T | Error]) -> Method[T]:
    if name in codes.READS:
        return Method(name, decode, Effect.READ)
    repeatable = name in codes.IDEMPOTENT_WRITES
    return Method(name, decode, Effect.REPEATABLE_WRITE if repeatable else Effect.SINGLE_WRITE)


GET: Final = _method(codes.GET, _value)
PUT: Final = _method(codes.PUT, _decree(codes.PUT))
REMOVE: Final = _method(codes.REMOVE, _decree(codes.REMOVE))
MULTI_PUT: Final = _method(codes.MULTI_PUT, _decree(codes.MULTI_PUT))
TAB_PUT_ROWS: Final = _method(codes.TAB_PUT_ROWS, _decree(codes.TAB_PUT_ROWS))
MULTI_GET: Final = _method(codes.MULTI_GET, _rows)
MULTI_REMOVE: Final = _method(codes.MULTI_REMOVE, _removed)
BATCH_GET: Final = _method(codes.BATCH_GET, _batch)
SORTKEY_COUNT: Final = _method(codes.SORTKEY_COUNT, _count)
TTL: Final = _method(codes.TTL, _ttl)
INCR: Final = _method(codes.INCR, _sum)
CHECK_AND_SET: Final = _method(codes.CHECK_AND_SET, _check(codes.CHECK_AND_SET))
CHECK_AND_MUTATE: Final = _method(codes.CHECK_AND_MUTATE, _check(codes.CHECK_AND_MUTATE))
GET_SCANNER: Final = _method(codes.GET_SCANNER, _scan(codes.GET_SCANNER))
SCAN: Final = _method(codes.SCAN, _scan(codes.SCAN))
CLEAR_SCANNER: Final[Method[None]] = Method(codes.CLEAR_SCANNER, None, Effect.READ)
TAB_SCAN: Final = _method(codes.TAB_SCAN, _tab_scan)
