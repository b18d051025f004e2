"""Three replica servers under load: what was acknowledged survives the death of any one of them."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest

from pegasus_tab.base.errors import Error
from pegasus_tab.kv import Client, connect
from pegasus_tab.wire.messages import QueryConfigResponse
from tests.integration.cluster import Cluster
from tests.integration.wire_client import WireClient

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

PARTITIONS = 4
WAIT_SECONDS_MAX = 60.0
FAILOVER_SECONDS_MAX = 30.0
"""Nothing is measured here: a machine that is busy with other tests takes longer than the 10 s."""


def wait_for(what: str, is_so: Callable[[], bool], cluster: Cluster) -> None:
    """Wait until something is so, looking now and then."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not is_so():
        assert time.monotonic() < deadline, f"not so in time: {what}\n{cluster.printed()}"
        time.sleep(0.1)


class Load:
    """Writes rows nobody wrote before, one after another, and remembers which were acknowledged."""

    def __init__(self, dsn: str) -> None:
        self.acknowledged: dict[bytes, bytes] = {}
        self.gap_seconds = 0.0
        self.unknown = 0
        self._dsn = dsn
        self._is_over = False
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._thread.join()

    def _write(self) -> None:
        last = [time.monotonic()] * PARTITIONS
        number = 0
        with connect(self._dsn, timeout_ms=2000) as client:
            table = client.table("t")
            while not self._is_over:
                number += 1
                key, value = b"%d" % number, b"value %d" % number
                try:
                    table.set(key, b"", value)
                except Error:
                    self.unknown += 1
                    continue
                self.acknowledged[key] = value
                now = time.monotonic()
                place = number % PARTITIONS
                self.gap_seconds = max(self.gap_seconds, now - last[place])
                last[place] = now


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path) as cluster:
        yield cluster


def config(cluster: Cluster) -> QueryConfigResponse:
    with WireClient(cluster.meta.port) as wire:
        return wire.config("t")


def is_whole(cluster: Cluster, members: int = 3) -> bool:
    partitions = config(cluster).partitions
    return all(each.primary and len(each.secondaries) == members - 1 for each in partitions)


def make_table(cluster: Cluster, client: Client) -> None:
    def has_servers() -> bool:
        try:
            client.create_table("t", partitions=PARTITIONS, replicas=3, if_not_exists=True)
        except Error:
            return False
        return True

    wait_for("the servers report to meta", has_servers, cluster)
    wait_for("all partitions have three replicas", lambda: is_whole(cluster), cluster)


def test_killed_primary_loses_nothing_and_comes_back(cluster: Cluster) -> None:
    with connect(cluster.dsn) as client:
        make_table(cluster, client)
        with Load(cluster.dsn) as load:
            wait_for("a first write", lambda: len(load.acknowledged) > 200, cluster)
            victim = cluster.server(str(config(cluster).partitions[0].primary))
            victim.kill()
            wait_for(
                "all partitions have other primaries",
                lambda: all(
                    each.primary and str(each.primary) != victim.name
                    for each in config(cluster).partitions
                ),
                cluster,
            )
            written = len(load.acknowledged)
            wait_for("writes go on", lambda: len(load.acknowledged) > written + 200, cluster)
            victim.start()
            wait_for("the killed server learned", lambda: is_whole(cluster), cluster)
            written = len(load.acknowledged)
            wait_for("writes go on", lambda: len(load.acknowledged) > written + 200, cluster)
        table = client.table("t")
        rows = {key: table.get(key, b"") for key in load.acknowledged}
    assert rows == load.acknowledged
    assert load.gap_seconds < FAILOVER_SECONDS_MAX, cluster.printed()
