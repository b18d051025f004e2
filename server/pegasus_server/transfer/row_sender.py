"""Stored rows to a partition, as many a request as sensible.

They take the way of every write, through the primary and the replicated log, so all replicas are
equal afterwards.
"""

import time
from typing import Final

import pyarrow as pa

from pegasus_server.transfer.server_connection import ServerConnection
from pegasus_tab.base.errors import DataError, OperationalError
from pegasus_tab.base.ids import Gpid
from pegasus_tab.tabular.arrow_requests import cut_into_requests
from pegasus_tab.wire import codes
from pegasus_tab.wire.codes import Status
from pegasus_tab.wire.fast import decode_put_result
from pegasus_tab.wire.messages import TabPutRowsRequest, arguments
from pegasus_tab.wire.put_rows import join_columns

BUSY_SECONDS_MAX: Final = 60.0
"""So long a server may say that it is busy with nothing written in between."""
BUSY_PAUSE_SECONDS: Final = 0.1
WINDOW: Final = 4
"""Requests under way at once."""

_BUSY = frozenset({codes.ERR_CAPACITY_EXCEEDED, codes.ERR_BUSY, codes.ERR_TRY_AGAIN})


class RowSender:
    """Writes stored rows to a partition, many at a time.

    Invariant: at most WINDOW requests are under way.

    Args:
        connection: to the partition's primary.
        gpid: the partition.
    """

    def __init__(self, connection: ServerConnection, gpid: Gpid) -> None:
        self._connection = connection
        self._gpid = gpid
        self._under_way: dict[int, bytes] = {}
        self._busy_since: float | None = None

    def send(self, keys: pa.Array, stored: pa.Array) -> None:
        """Write rows; some may be under way when this returns.

        Args:
            keys: encoded, binary, without NULL.
            stored: stored values, one per key.

        Raises:
            OperationalError: the partition's primary is not there any more, or is too busy.
            DataError: it refuses the rows.
        """
        for columns in cut_into_requests(keys, stored):
            request = TabPutRowsRequest(join_columns(*columns), is_stored=True)
            args = arguments(request.encode())
            while len(self._under_way) >= WINDOW:
                self._settle_one()
            self._send(args)

    def finish(self) -> None:
        """Return once every row is written; raises as ``send``."""
        while self._under_way:
            self._settle_one()

    def _send(self, args: bytes) -> None:
        seqid = self._connection.send(codes.TAB_PUT_ROWS, self._gpid, args)
        self._under_way[seqid] = args

    def _settle_one(self) -> None:
        frame = self._connection.receive()
        args = self._under_way.pop(frame.seqid)
        if frame.error in _BUSY:
            self._wait_a_little(frame.error)
            self._send(args)
            return
        if frame.error != codes.ERR_OK:
            raise OperationalError(f"{self._connection.address} answered {frame.error} to rows")
        self._busy_since = None
        status, _ = decode_put_result(frame)
        if status != Status.OK:
            raise DataError(f"{self._connection.address} refused rows with status {status}")

    def _wait_a_little(self, error: str) -> None:
        now = time.monotonic()
        self._busy_since = self._busy_since or now
        if now - self._busy_since > BUSY_SECONDS_MAX:
            raise OperationalError(
                f"{self._connection.address} answered {error} for {BUSY_SECONDS_MAX:.0f} s"
            )
        time.sleep(BUSY_PAUSE_SECONDS)
