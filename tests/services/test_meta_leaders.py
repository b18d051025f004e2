"""Three meta servers and ZooKeeper under load: leaders die, sleep, and are cut off (F10, F20 to F24)."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pegasus_tab.base.errors import Error
from pegasus_tab.kv import connect
from tests.faults.trial import Trial, trial
from tests.services.cluster import MetaCluster

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(240)]


def cluster_of(run: Trial) -> MetaCluster:
    assert isinstance(run.cluster, MetaCluster)
    return run.cluster


def leader_is_killed(run: Trial) -> None:
    """Another leads with a higher epoch; it is the client's business to find it."""
    cluster = cluster_of(run)
    old = cluster.leader()
    old.kill()
    new = cluster.leader(other_than=old)
    assert max(cluster.epochs(new)) > max(cluster.epochs(old))
    run.wait_for_answers()


@pytest.mark.parametrize("fault", [pytest.param(leader_is_killed, id="F05-leader")])
def test_fault(fault: Callable[[Trial], None], tmp_path: Path, seed: int) -> None:
    with trial(MetaCluster(tmp_path), seed) as run:
        fault(run)
