"""A dropped table can be recalled until its hold time is over; then its data goes everywhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pegasus_tab.kv import connect
from tests.integration.cluster import Cluster
from tests.integration.cluster_table import ClusterTable
from tests.integration.wire_client import WireClient

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path) as cluster:
        yield cluster


def replicas(cluster: Cluster) -> list[str]:
    """Name every replica folder of every server."""
    folders = [each.folder / "replicas" for each in cluster.replicas]
    return [path.name for folder in folders for path in folder.iterdir()]


def test_a_purged_tables_data_is_deleted_on_every_server(cluster: Cluster) -> None:
    with connect(cluster.dsn) as client:
        table = ClusterTable(cluster, client, partitions=2)
        table.pour("row", 100)
        assert len(replicas(cluster)) == 6
        away = cluster.replicas[0]
        assert away.stop() == 0
        with WireClient(cluster.meta.port) as wire:
            wire.drop("t", reserve_seconds=2)
        here = cluster.replicas[1:]
        table.await_that(
            "the servers that are there deleted it",
            lambda: not any(list((each.folder / "replicas").iterdir()) for each in here),
        )
        assert len(replicas(cluster)) == 2
        away.start()
        table.await_that("so did the one that was away", lambda: not replicas(cluster))
        assert not any((each.folder / "quarantine").exists() for each in cluster.replicas)
