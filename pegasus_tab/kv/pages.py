"""Reads that take several requests, as machines: the next call out, its result in; no I/O.

A driver asks ``next_call``, carries the call out, hands the result to ``accept`` and gets a page,
until ``next_call`` says None. ``accept`` raises what went wrong; the read is over then.
"""

from dataclasses import replace
from typing import Final, Protocol, TypeVar

from pegasus_tab.base.errors import Error, OperationalError
from pegasus_tab.kv.call import Call
from pegasus_tab.kv.methods import ScanPage
from pegasus_tab.kv.table_calls import TableCalls
from pegasus_tab.wire.codes import Status
from pegasus_tab.wire.messages import GetScannerRequest, TabScanRequest, TabScanResponse

P_co = TypeVar("P_co", covariant=True)

SCAN_ENDED: Final = -1
"""Context id of a scan that is over (protocol reference 8.1)."""
RESTARTS_MAX: Final = 8
"""Restarts of a scan without a single row in between; then it fails."""


class Pages(Protocol[P_co]):
    """A read of several pages."""

    def next_call(self) -> Call[object] | None:
        """Return the next request, None at the end."""

    def accept(self, result: object) -> P_co:
        """Take in the result of the last call.

        Args:
            result: a value, or the error that came instead.

        Returns:
            The page.

        Raises:
            Error: the result was one, or the read cannot go on.
        """

    def closing_call(self) -> Call[object] | None:
        """Return the request that frees the server's memory of an unfinished read, None if none."""


class ScanPages:
    """One partition's rows in key order through GET_SCANNER and SCAN (protocol reference 8).

    A server forgets a scan after five minutes, a restart or a change of primary; the scan then begins
    again behind the last row it delivered, so no row comes twice and none is left out.

    Args:
        calls: of the table.
        partition_index: which partition; for rows of one hash key, any number that is equal to the
            key's hash modulo the partition count.
        request: range, filters and batch size.
    """

    def __init__(self, calls: TableCalls, partition_index: int, request: GetScannerRequest) -> None:
        self._calls = calls
        self._partition_index = partition_index
        self._request = request
        self._context_id: int | None = None
        self._restarts = 0

    def next_call(self) -> Call[ScanPage] | None:
        """See ``Pages``."""
        if self._context_id is None:
            return self._calls.get_scanner_call(self._partition_index, self._request)
        if self._context_id == SCAN_ENDED:
            return None
        return self._calls.scan_call(self._partition_index, self._context_id)

    def accept(self, result: object) -> tuple[list[bytes], list[bytes]]:
        """See ``Pages``; the page is (encoded keys, values), possibly empty before the end."""
        if isinstance(result, Error):
            self._context_id = SCAN_ENDED
            raise result
        assert isinstance(result, ScanPage)
        if result.keys:
            self._restarts = 0
            self._request = replace(self._request, start_key=result.keys[-1], start_inclusive=False)
        if result.status == Status.OK:
            self._context_id = result.context_id if result.context_id >= 0 else SCAN_ENDED
        else:
            self._restart(result.status)
        return result.keys, result.values

    def _restart(self, status: int) -> None:
        self._context_id = None
        self._restarts += 1
        if self._restarts > RESTARTS_MAX:
            self._context_id = SCAN_ENDED
            raise OperationalError(
                f"a scan was interrupted {self._restarts} times without any progress: "
                f"{Status(status).name}",
                hint="narrow the range or the filter, or try again when the server is less busy",
                retryable=True,
            )

    def closing_call(self) -> Call[None] | None:
        """See ``Pages``."""
        if self._context_id is None or self._context_id == SCAN_ENDED:
            return None
        context_id, self._context_id = self._context_id, SCAN_ENDED
        return self._calls.clear_scanner_call(self._partition_index, context_id)


class TabScanPages:
    """One partition's rows as Arrow batches through RPC_TAB_SCAN; the server remembers nothing.

    Args:
        calls: of the table.
        partition_index: which partition.
        request: range, columns, filter and limits of the first page.
    """

    def __init__(self, calls: TableCalls, partition_index: int, request: TabScanRequest) -> None:
        self._calls = calls
        self._partition_index = partition_index
        self._request: TabScanRequest | None = request

    def next_call(self) -> Call[TabScanResponse] | None:
        """See ``Pages``."""
        if self._request is None:
            return None
        return self._calls.tab_scan_call(self._partition_index, self._request)

    def accept(self, result: object) -> TabScanResponse:
        """See ``Pages``; a page with status ABORTED is the last, the table's schema has changed."""
        request, self._request = self._request, None
        if isinstance(result, Error):
            raise result
        assert isinstance(result, TabScanResponse)
        assert request is not None
        left = request.row_limit - result.count
        if result.error == Status.OK and not result.done and (left > 0 or not request.row_limit):
            if result.resume_key <= request.start_key:
                raise OperationalError("a table scan did not advance: the server repeats a key")
            limit = left if request.row_limit else 0
            self._request = replace(request, start_key=result.resume_key, row_limit=limit)
        return result

    def closing_call(self) -> None:
        """See ``Pages``: there is nothing to free."""
