"""A server that was away gets what it missed the cheapest way: from memory, then from a log.

That a checkpoint is copied when neither reaches back far enough is what test_learner_killed shows.
"""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pegasus_server.runtime.failpoint import VARIABLE
from pegasus_tab.kv import connect
from tests.integration.cluster import Cluster
from tests.integration.cluster_table import ClusterTable

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

DIED_SECONDS_MAX = 60


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path) as cluster:
        yield cluster


def test_what_was_missed_comes_from_memory_or_from_a_log(cluster: Cluster) -> None:
    with connect(cluster.dsn) as client:
        table = ClusterTable(cluster, client, partitions=2)
        victim = cluster.replicas[0]

        def learn_after(label: str, rows: int, value_bytes: int, *, dies: bool = False) -> str:
            """Have rows written while the victim is away; return what it says on its return."""
            printed = len(victim.printed())
            assert victim.stop() == 0
            table.pour(label, rows, value_bytes)
            if dies:
                victim.environment[VARIABLE] = "learn.extended"
                victim.launch()
                assert victim.process is not None
                assert victim.process.wait(DIED_SECONDS_MAX) == -signal.SIGKILL
                del victim.environment[VARIABLE]
            victim.start()
            table.await_learned(victim, printed)
            return victim.printed()[printed:]

        table.pour("before", 300, 8000)
        assert "copied" not in learn_after("little", 100, 100)
        assert " (log)" in (said := learn_after("much", 1300, 8000))
        assert " (checkpoint)" not in said
        assert " (checkpoint)" not in learn_after("more", 1300, 8000, dies=True)
        table.check()
        table.check_copies()
