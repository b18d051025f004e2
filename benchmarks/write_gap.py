"""How long a partition takes no writes while its primary dies or restarts."""

import signal
import statistics
import threading
import time
from contextlib import suppress
from itertools import pairwise

from benchmarks.cluster import await_replicas
from pegasus_shell.onebox import Onebox
from pegasus_shell.onebox_server import Server, await_end, await_start
from pegasus_tab.base.errors import Error
from pegasus_tab.kv import Client, connect
from pegasus_tab.wire.partition_hash import partition_index

CALM_SECONDS = 2.0
HASH_KEY = b"gap"
TIMEOUT_MS = 30_000


class OneWriter:
    """Writes one row over and over, in a thread, and notes when each write was answered."""

    def __init__(self, dsn: str, table: str) -> None:
        self.answered_at: list[float] = []
        self._dsn = dsn
        self._table = table
        self._is_over = False
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def _write(self) -> None:
        with connect(self._dsn, timeout_ms=TIMEOUT_MS) as client:
            table = client.table(self._table)
            while not self._is_over:
                with suppress(Error):  # the outcome of one that was under way may be unknown
                    table.set(HASH_KEY, b"", b"%d" % len(self.answered_at))
                    self.answered_at.append(time.perf_counter())

    def stop(self) -> list[float]:
        """End; return the gaps between answers, seconds."""
        self._is_over = True
        self._thread.join()
        times = self.answered_at
        return [later - earlier for earlier, later in pairwise(times)]


def gap_seconds(
    onebox: Onebox, client: Client, table: str, *, is_crash: bool
) -> tuple[float, float]:
    """Have the primary of a partition killed, or stopped and started, under writes.

    Returns:
        The longest and the median time between two answers, seconds.
    """
    partitions = client.partitions(table)
    index = partition_index(HASH_KEY, b"", len(partitions))
    address = str(partitions[index].primary)
    server = next(each for each in onebox.replicas if each.address == address)
    writer = OneWriter(onebox.dsn, table)
    time.sleep(CALM_SECONDS)
    _end(server, is_crash=is_crash)
    count = len(writer.answered_at)
    deadline = time.monotonic() + TIMEOUT_MS / 1000
    while len(writer.answered_at) <= count + 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    server.start()
    await_start(server)
    await_replicas(client, table)
    gaps = writer.stop()
    return max(gaps), statistics.median(gaps)


def _end(server: Server, *, is_crash: bool) -> None:
    server.signal(signal.SIGKILL if is_crash else signal.SIGTERM)
    await_end(server)
