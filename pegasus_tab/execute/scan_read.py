"""One partition of a table scan, as a machine over pages: RPC_TAB_SCAN, else GET_SCANNER.

A server that does not know RPC_TAB_SCAN answers ERR_HANDLER_NOT_FOUND to the first page; the
partition is then read with GET_SCANNER, and the note saves the next scans the question. Deciding it
a partition at a time also suits a cluster whose servers are being upgraded one by one.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from pegasus_tab.base.errors import NotSupportedError
from pegasus_tab.execute.context import Codec, ServerAbilities
from pegasus_tab.execute.errors import StaleSchema
from pegasus_tab.kv.call import Call
from pegasus_tab.kv.pages import ScanPages, TabScanPages
from pegasus_tab.wire.codes import Status
from pegasus_tab.wire.keys import decode_key
from pegasus_tab.wire.messages import TabScanResponse


class PairPage(NamedTuple):
    """Key-value pairs of whole rows, by encoded key ascending."""

    keys: list[bytes]
    values: list[bytes]


ScanPage: TypeAlias = TabScanResponse | PairPage
_NOTHING = PairPage([], [])


class WholeRowScan:
    """A ScanPages that never parts a row: the last row of a page waits for the next page.

    Args:
        scan: the scan over pairs.
        codec: of the table's rows.
    """

    def __init__(self, scan: ScanPages, codec: Codec) -> None:
        self._scan = scan
        self._codec = codec
        self._keys: list[bytes] = []
        self._values: list[bytes] = []
        self.next_call = scan.next_call
        self.closing_call = scan.closing_call

    def accept(self, result: object) -> PairPage:
        """See ``Pages``."""
        keys, values = self._scan.accept(result)
        if self._codec.plain:
            return PairPage(keys, values)
        keys, values = self._keys + keys, self._values + values
        ended = self._scan.next_call() is None
        cut = len(keys) if ended else self._last_row_start(keys)
        self._keys, self._values = keys[cut:], values[cut:]
        return PairPage(keys[:cut], values[:cut])

    def _last_row_start(self, keys: list[bytes]) -> int:
        if not keys:
            return 0
        hash_key, sort_key = decode_key(keys[-1])
        row = keys[-1][: 2 + len(hash_key) + len(self._codec.row_key(sort_key))]
        start = len(keys)
        while start and keys[start - 1].startswith(row):
            start -= 1
        return start


class PartitionScan:
    """Reads one partition; satisfies ``kv.pages.Pages``.

    Args:
        tab_scan: the Arrow scan to begin with, None to begin with the other.
        make_pair_scan: makes the scan over pairs.
        abilities: takes the note that a server does not know RPC_TAB_SCAN.
    """

    def __init__(
        self,
        tab_scan: TabScanPages | None,
        make_pair_scan: Callable[[], WholeRowScan],
        abilities: ServerAbilities,
    ) -> None:
        self._read: TabScanPages | WholeRowScan = tab_scan or make_pair_scan()
        self._make_pair_scan = make_pair_scan
        self._abilities = abilities
        self._begun = False

    def next_call(self) -> Call[Any] | None:
        """See ``Pages``."""
        return self._read.next_call()

    def accept(self, result: object) -> ScanPage:
        """See ``Pages``.

        Raises:
            StaleSchema: the table's schema is another by now.
        """
        first, self._begun = not self._begun, True
        if first and isinstance(result, NotSupportedError) and isinstance(self._read, TabScanPages):
            self._abilities.tab_scan = False
            self._read = self._make_pair_scan()
            return _NOTHING
        page = self._read.accept(result)
        if isinstance(page, TabScanResponse) and page.error == Status.ABORTED:
            raise StaleSchema("the table's schema has changed since the statement was planned")
        return page

    def closing_call(self) -> Call[Any] | None:
        """See ``Pages``."""
        return self._read.closing_call()
