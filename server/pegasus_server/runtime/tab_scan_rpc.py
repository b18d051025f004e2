"""RPC_TAB_SCAN: which table's rows to decode.

Importing pyarrow and our row encodings takes as long as the whole start of a node, so it happens
with the first scan.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

from pegasus_server.data.time_budget import TimeBudget
from pegasus_server.runtime.clock import boottime_seconds
from pegasus_server.runtime.replica import Replica
from pegasus_tab.tabular.schema import RAW_SCHEMA, SCHEMA_ENV
from pegasus_tab.wire.frame import RequestFrame, encode_response
from pegasus_tab.wire.messages import TabScanRequest, decode_arguments, result

if TYPE_CHECKING:
    from pegasus_server.data.tab_scan import TabScan

SCHEMAS_MAX = 256
"""Scans kept ready, by schema."""


def tab_scan(replica: Replica, frame: RequestFrame, now: int) -> bytes:
    """Serve one page; see ``data.tab_scan``."""
    from pegasus_server.data.tab_scan import PAGE_SECONDS_MAX

    request = decode_arguments(frame, TabScanRequest)
    scan = _scan_for(replica.envs.get(SCHEMA_ENV))
    budget = TimeBudget(boottime_seconds, PAGE_SECONDS_MAX)
    response = scan.page(replica.engine, request, now, budget, replica.identity)
    return encode_response(frame.name, frame.seqid, result(response.encode()))


@lru_cache(maxsize=SCHEMAS_MAX)
def _scan_for(schema: str | None) -> "TabScan":
    """Make the scan of tables with this ``tab.schema``, None for raw ones."""
    from pegasus_server.data.tab_scan import TabScan
    from pegasus_tab.tabular.schema_json import from_json

    return TabScan(RAW_SCHEMA if schema is None else from_json(schema))
