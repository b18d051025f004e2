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
    "learn.installed",
)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    # Too little to teach from alone, so that a checkpoint is copied.
    with Cluster(tmp_path, lines="private_log_bytes_max = 0\n") as cluster:
        yield cluster


def test_learner_killed_at_one_step_after_another_learns_in_the_end(cluster: Cluster) -> None:
    with connect(cluster.dsn) as client:
        table = ClusterTable(cluster, client, partitions=2)
        for label in ("first", "second"):
            table.pour(label, 1300, value_bytes=8000)
        victim = cluster.replicas[0]
        assert victim.process is not None
        victim.kill()
        shutil.rmtree(victim.folder)
        for step in STEPS:
            # Each life begins with what the one before left behind.
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
