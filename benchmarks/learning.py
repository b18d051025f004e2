"""A server that lost its disk learns a replica of 1 GiB, while its primary goes on taking writes.

All in one partition: the worst case, since the primary that sends the files is the one that is written to.
"""

import os
import re
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from pathlib import Path

from benchmarks.cluster import make_table, running_cluster, wait_until
from benchmarks.figure import Figure, percentile, seconds
from pegasus_shell.onebox import Onebox
from pegasus_shell.onebox_server import Server, await_end
from pegasus_tab.base.limits import KIB, MIB
from pegasus_tab.kv import Client, TableHandle, connect
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.partition_hash import partition_index

REPLICA_BYTES = 1024 * MIB
VALUE_BYTES = 64 * KIB
VALUE = b"v" * 100
"""Of the writes meanwhile."""
POURED_BYTES = 4 * MIB
QUIET_SECONDS = 8.0
LEARN_SECONDS_MAX = 10.7
"""1 GiB at 100 MB/s."""
PAUSE_SECONDS = 0.001
"""Between two writes, as from a client with something else to do."""

_LEARNED = re.compile(r"replica ([0-9]+\.0) learned up to")
_LEARNER = "replica {} is learner"


def figures(folder: Path) -> list[Figure]:
    """Measure how long learning takes, and what it costs whoever writes meanwhile."""
    with running_cluster(folder / "box") as onebox, connect(onebox.dsn) as client:
        table = pour(client)
        victim = wipe(onebox, client)
        quiet = Writer(table)
        time.sleep(QUIET_SECONDS)
        quiet_ms = quiet.stop()
        writer = Writer(table)
        victim.start()
        wait_until("the server learned", lambda: _LEARNED.search(log(victim)) is not None)
        busy_ms = writer.stop()
        learned_seconds = learning_seconds(log(victim))
        (replica,) = (data(victim) / "replicas").glob("[0-9]*.0")
        copied_seconds = seconds(lambda: copy(replica / "db", folder / "copy"))
    p99_quiet, p99_busy = percentile(quiet_ms, 99), percentile(busy_ms, 99)
    print("\n".join(each for each in log(victim).splitlines() if "copied" in each))
    print(
        f"write latency ms: p50 {percentile(quiet_ms, 50):.2f} -> {percentile(busy_ms, 50):.2f}, "
        f"worst {max(quiet_ms):.1f} -> {max(busy_ms):.1f}; {len(busy_ms)} writes while learning"
    )
    return [
        Figure(
            "learn a replica of 1 GiB",
            learned_seconds,
            "s",
            LEARN_SECONDS_MAX,
            "copy the same files, synced",
            copied_seconds,
        ),
        Figure(
            "p99 of a write meanwhile",
            p99_busy,
            "ms",
            2 * p99_quiet,
            "before learning began",
            p99_quiet,
        ),
    ]


class Writer:
    """Writes one row after another and notes how long each took."""

    def __init__(self, table: TableHandle) -> None:
        self._table = table
        self._latencies_ms: list[float] = []
        self._is_over = False
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def _write(self) -> None:
        keys = in_first_partition(b"meanwhile")
        while not self._is_over:
            key = next(keys)
            started = time.perf_counter()
            self._table.set(key, b"", VALUE)
            self._latencies_ms.append(1000 * (time.perf_counter() - started))
            time.sleep(PAUSE_SECONDS)

    def stop(self) -> list[float]:
        """End; return the latencies in milliseconds."""
        self._is_over = True
        self._thread.join()
        return self._latencies_ms


def pour(client: Client) -> TableHandle:
    """Make the table and fill it with what does not compress."""
    make_table(client, "big", 2)
    table = client.table("big")
    keys = in_first_partition(b"row")
    for _ in range(0, REPLICA_BYTES, POURED_BYTES):
        calls = [
            table.put_call(encode_key(next(keys), b""), os.urandom(VALUE_BYTES))
            for _ in range(0, POURED_BYTES, VALUE_BYTES)
        ]
        refused = [each for each in client.run(calls) if isinstance(each, Exception)]
        if refused:
            raise refused[0]
    return table


def in_first_partition(label: bytes) -> Iterator[bytes]:
    """Make hash keys without end that the first of two partitions holds."""
    for number in count():
        key = b"%s %d" % (label, number)
        if partition_index(key, b"", 2) == 0:
            yield key


def wipe(onebox: Onebox, client: Client) -> Server:
    """Kill a secondary, remove its disk, wait until meta goes on without it."""
    partition = client.partitions("big")[0]
    victim = next(each for each in onebox.replicas if each.address == str(partition.secondaries[0]))
    victim.signal(signal.SIGKILL)
    await_end(victim)
    shutil.rmtree(data(victim))
    wait_until(
        "the killed server was missed",
        lambda: all(len(each.secondaries) == 1 for each in client.partitions("big")),
    )
    return victim


def data(server: Server) -> Path:
    """Return a server's data folder."""
    return server.folder / server.name


def log(server: Server) -> str:
    """Return what a server had to say."""
    file = data(server) / "node.log"
    return file.read_text() if file.exists() else ""


def learning_seconds(text: str) -> float:
    """Tell from a server's log how long it learned, from the invitation to the installed files."""
    found = _LEARNED.search(text)
    assert found is not None, "it learned"
    begun = text.index(_LEARNER.format(found[1]))
    return (_stamp(text, found.start()) - _stamp(text, begun)).total_seconds()


def _stamp(text: str, place: int) -> datetime:
    line = text[text.rfind("\n", 0, place) + 1 :]
    return datetime.strptime(line[:23], "%Y-%m-%d %H:%M:%S,%f")  # noqa: DTZ007 -- a difference


def copy(source: Path, target: Path) -> None:
    """Copy files and put them on disk."""
    shutil.copytree(source, target)
    for path in target.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
