"""F03: a learner that dies at any step of learning learns again, and nothing is promoted half."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pegasus_server.runtime.failpoint import VARIABLE
from pegasus_tab.kv import connect
from tests.integration.cluster import Cluster
from tests.integration.cluster_table import ClusterTable

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

DIED_SECONDS_MAX = 60
STEPS = (
    "learn.copying",
    "learn.copied",
    "learn.closed",
    "learn.moved",
    "learn.in-place",
    "learn.installed",
)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path) as cluster:
        yield cluster


def test_learner_killed_at_every_step_learns_in_the_end(cluster: Cluster) -> None:
    with connect(cluster.dsn) as client:
        table = ClusterTable(cluster, client, partitions=2)
        # More than a primary keeps in memory, so that files are copied.
        table.pour("before", 4000, value_bytes=4000)
        victim = cluster.replicas[0]
        assert victim.process is not None
        for step in STEPS:
            victim.kill()
            shutil.rmtree(victim.folder)
            victim.environment[VARIABLE] = step
            victim.launch()
            assert victim.process.wait(DIED_SECONDS_MAX) == -signal.SIGKILL, step
            table.pour(f"after {step}", 100)
            del victim.environment[VARIABLE]
            printed = len(victim.printed())
            victim.start()
            table.await_learned(victim, printed)
            table.check()
        table.check_copies()
