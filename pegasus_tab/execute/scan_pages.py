"""Pages of a table's partitions: what is asked of the servers, and how many at once.

Each partition under way has one page requested ahead, so memory holds at most ``PARALLEL`` pages of
``TAB_SCAN_PAGE_BYTES_MAX``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pegasus_tab.base.limits import (
    SCAN_ROWS_MAX,
    TAB_SCAN_PAGE_BYTES_MAX,
    TAB_SCAN_PAGE_ROWS_MAX,
)
from pegasus_tab.execute.context import Context, codec_of
from pegasus_tab.execute.scan_read import PartitionScan, ScanPage, WholeRowScan
from pegasus_tab.kv.pages import ScanPages, TabScanPages
from pegasus_tab.sql.catalog import Table
from pegasus_tab.tabular.filter import Filter
from pegasus_tab.tabular.filter_json import filter_to_json
from pegasus_tab.wire.keys import KEYS_END
from pegasus_tab.wire.messages import GetScannerRequest, TabScanRequest

PARALLEL = 4
FEW_ROWS = 1000
"""A scan that stops after so few rows reads one partition after the other."""


@dataclass(frozen=True, slots=True)
class ScanWish:
    """What to read of every partition.

    Attributes:
        columns: column ids in order; ``-1 - f`` for the expiry of family f.
        filter: which rows, None for all.
        rows_max: stop a partition after so many rows, None for all.
        count_only: the pages say only how many rows there are.
    """

    columns: tuple[int, ...]
    filter: Filter | None = None
    rows_max: int | None = None
    count_only: bool = False


def scan_pages(
    context: Context, table: Table, wish: ScanWish, partitions: Iterable[int], *, arrow: bool
) -> Iterator[ScanPage]:
    """Yield pages of partitions, several partitions in turn.

    Args:
        context: of the statement.
        table: whose partitions.
        wish: what to read; pages of pairs come unfiltered and whole.
        partitions: indexes of the partitions.
        arrow: whether pages of Arrow are wanted; where servers do not know them, and for a table
            they are not made for, pages of pairs come.
    """
    calls = context.calls(table)
    codec = codec_of(table)
    request = _tab_scan_request(table, wish)
    use_tab_scan = arrow and context.abilities.tab_scan

    def pair_scan(index: int) -> WholeRowScan:
        return WholeRowScan(ScanPages(calls, index, _pair_request()), codec)

    reads = (
        PartitionScan(
            TabScanPages(calls, index, request) if use_tab_scan else None,
            lambda index=index: pair_scan(index),  # type: ignore[misc]  # the default binds the loop's value
            context.abilities,
        )
        for index in partitions
    )
    few = wish.rows_max is not None and wish.rows_max <= FEW_ROWS
    return context.follow(reads, 1 if few else PARALLEL)


def _tab_scan_request(table: Table, wish: ScanWish) -> TabScanRequest:
    schema = table.schema
    limit = 0 if wish.rows_max is None else wish.rows_max
    return TabScanRequest(
        stop_key=KEYS_END,
        rows_max=min(limit or TAB_SCAN_PAGE_ROWS_MAX, TAB_SCAN_PAGE_ROWS_MAX),
        bytes_max=TAB_SCAN_PAGE_BYTES_MAX,
        schema_version=schema.version,
        columns=wish.columns,
        filter="" if wish.filter is None else filter_to_json(wish.filter, schema),
        count_only=wish.count_only,
        row_limit=limit if limit < 2**31 else 0,
    )


def _pair_request() -> GetScannerRequest:
    return GetScannerRequest(
        start_key=b"\x00\x00",
        stop_key=KEYS_END,
        start_inclusive=True,
        batch_size=SCAN_ROWS_MAX,
        full_scan=True,
    )
