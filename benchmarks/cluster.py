"""A cluster of one meta server and three replica servers, for the length of a benchmark."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.cpu import cpu_seconds
from pegasus_shell.onebox import Onebox, Shape
from pegasus_shell.onebox_commands import await_members
from pegasus_shell.onebox_server import OneboxError, Server
from pegasus_tab.base.errors import Error
from pegasus_tab.kv import Client
from pegasus_tab.wire.messages import PartitionConfiguration

REPLICAS = 3
READY_SECONDS_MAX = 60.0
LOOK_SECONDS = 0.02


@contextmanager
def running_cluster(folder: Path) -> Iterator[Onebox]:
    """Run a cluster in ``folder``; end it whatever happens."""
    onebox = Onebox.make(folder, Shape(metas=1, replicas=REPLICAS, has_zookeeper=False))
    try:
        onebox.start()
        await_members(onebox)
        yield onebox
    finally:
        try:
            onebox.stop()
        except OneboxError:
            for server in onebox.servers:
                server.signal(signal.SIGKILL)


def make_table(client: Client, name: str, partitions: int) -> None:
    """Make a table with three replicas of each partition, and wait until all are there."""
    client.create_table(name, partitions=partitions, replicas=REPLICAS)
    await_replicas(client, name)


def await_replicas(client: Client, name: str) -> None:
    """Wait until every partition has its primary and all its secondaries."""
    wait_until(f"all replicas of {name}", lambda: all(map(is_whole, client.partitions(name))))


def is_whole(partition: PartitionConfiguration) -> bool:
    """Tell whether a partition has all its replicas."""
    return len(partition.secondaries) == REPLICAS - 1


def wait_until(what: str, is_so: Callable[[], bool]) -> None:
    """Wait until something is so; fail with its name when time is up."""
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline:
        with suppress(Error):
            if is_so():
                return
        time.sleep(LOOK_SECONDS)
    raise TimeoutError(f"not so within {READY_SECONDS_MAX:.0f} s: {what}")


def cpu_by_server(servers: list[Server]) -> dict[str, float]:
    """Return the CPU time each running server used so far, seconds by name."""
    pids = {server.name: server.pid() for server in servers}
    return {name: cpu_seconds(pid) for name, pid in pids.items() if pid is not None}
