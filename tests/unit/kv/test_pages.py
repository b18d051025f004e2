"""Reads of several pages, fed by hand."""

from collections.abc import Sequence

import pytest

from pegasus_tab.base.errors import OperationalError
from pegasus_tab.kv.methods import ScanPage
from pegasus_tab.kv.pages import RESTARTS_MAX, ScanPages, TabScanPages
from pegasus_tab.kv.table_calls import TableCalls
from pegasus_tab.wire import codes
from pegasus_tab.wire.codes import Status
from pegasus_tab.wire.messages import (
    GetScannerRequest,
    ScanRequest,
    TabScanRequest,
    TabScanResponse,
    arguments,
)

CALLS = TableCalls("t", lambda: 1_500_000_000.0)
START = GetScannerRequest(start_key=b"a", start_inclusive=True, stop_key=b"z")


def page(keys: Sequence[bytes], context_id: int, status: Status = Status.OK) -> ScanPage:
    return ScanPage(status, list(keys), [b"v"] * len(keys), context_id)


def asked(read: ScanPages) -> GetScannerRequest | int | None:
    """Return what the next request asks: a new scan, a context, or None at the end."""
    call = read.next_call()
    if call is None:
        return None
    wire = b"\0" * 3 + call.arguments
    if call.method.name == codes.SCAN:
        return ScanRequest.decode(wire, 6).context_id
    return GetScannerRequest.decode(wire, 6)


def test_a_scan_follows_its_contexts_to_the_end() -> None:
    read = ScanPages(CALLS, 3, START)
    assert asked(read) == START
    assert read.accept(page([b"b", b"c"], 17)) == ([b"b", b"c"], [b"v", b"v"])
    assert asked(read) == 17
    assert read.accept(page([], 18)) == ([], [])
    assert asked(read) == 18
    read.accept(page([b"d"], -1))
    assert asked(read) is None
    assert read.closing_call() is None


def test_a_forgotten_scan_begins_again_behind_its_last_row() -> None:
    read = ScanPages(CALLS, 3, START)
    read.accept(page([b"b", b"c"], 17))
    read.accept(page([], 0, Status.NOT_FOUND))
    again = asked(read)
    assert isinstance(again, GetScannerRequest)
    assert (again.start_key, again.start_inclusive, again.stop_key) == (b"c", False, b"z")


def test_a_scan_forgotten_before_its_first_row_begins_at_the_start() -> None:
    read = ScanPages(CALLS, 3, START)
    read.accept(page([], 17))
    read.accept(page([], 0, Status.NOT_FOUND))
    assert asked(read) == START


def test_a_page_cut_by_the_time_limit_keeps_its_rows() -> None:
    read = ScanPages(CALLS, 3, START)
    assert read.accept(page([b"b"], 0, Status.INCOMPLETE))[0] == [b"b"]
    again = asked(read)
    assert isinstance(again, GetScannerRequest)
    assert again.start_key == b"b"


def test_a_scan_without_progress_ends() -> None:
    read = ScanPages(CALLS, 3, START)
    for _ in range(RESTARTS_MAX):
        read.accept(page([], 0, Status.INCOMPLETE))
    with pytest.raises(OperationalError, match="without any progress"):
        read.accept(page([], 0, Status.INCOMPLETE))
    assert read.next_call() is None


def test_progress_sets_the_restarts_back() -> None:
    read = ScanPages(CALLS, 3, START)
    for number in range(3 * RESTARTS_MAX):
        rows = [b"b%03d" % number] if number % 2 else []
        read.accept(page(rows, 0, Status.NOT_FOUND))
    assert read.next_call() is not None


def test_an_error_ends_a_scan() -> None:
    read = ScanPages(CALLS, 3, START)
    with pytest.raises(OperationalError, match="down"):
        read.accept(OperationalError("down"))
    assert read.next_call() is None


def test_an_unfinished_scan_is_cleared_once() -> None:
    read = ScanPages(CALLS, 3, START)
    read.accept(page([b"b"], 17))
    clear = read.closing_call()
    assert clear is not None
    assert clear.method.name == codes.CLEAR_SCANNER
    assert clear.partition_hash == 3
    assert read.closing_call() is None
    assert read.next_call() is None


TAB = TabScanRequest(b"a", b"z", rows_max=10, bytes_max=1000, schema_version=1, columns=(0,))


def tab_asked(read: TabScanPages) -> TabScanRequest:
    call = read.next_call()
    assert call is not None
    request = TabScanRequest.decode(call.arguments, 3)
    assert call.arguments == arguments(request.encode())
    return request


def test_a_table_scan_goes_on_at_the_resume_key() -> None:
    read = TabScanPages(CALLS, 0, TAB)
    read.accept(TabScanResponse(resume_key=b"m", count=10))
    assert tab_asked(read).start_key == b"m"
    read.accept(TabScanResponse(done=True, count=3))
    assert read.next_call() is None


def test_a_row_limit_counts_down_and_ends() -> None:
    from dataclasses import replace

    read = TabScanPages(CALLS, 0, replace(TAB, row_limit=12))
    read.accept(TabScanResponse(resume_key=b"m", count=10))
    assert tab_asked(read).row_limit == 2
    read.accept(TabScanResponse(resume_key=b"p", count=2))
    assert read.next_call() is None


def test_a_changed_schema_ends_a_table_scan() -> None:
    read = TabScanPages(CALLS, 0, TAB)
    assert read.accept(TabScanResponse(error=Status.ABORTED)).error == Status.ABORTED
    assert read.next_call() is None


def test_a_server_that_does_not_advance_is_not_followed() -> None:
    read = TabScanPages(CALLS, 0, TAB)
    with pytest.raises(OperationalError, match="advance"):
        read.accept(TabScanResponse(resume_key=b"a", count=1))
    assert read.next_call() is None
