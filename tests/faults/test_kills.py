"""Servers that die (fault matrix F01 to F05)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.cluster import FaultCluster
from tests.faults.trial import Trial, trial

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def kill_primary(run: Trial) -> None:
    """F01: another takes over."""
    victim = run.cluster.primary()
    victim.kill()
    run.wait_for("others serve", lambda: run.cluster.serves_nothing(victim))
    run.wait_for_answers()


def kill_secondary(run: Trial) -> None:
    """F02: the group goes on without it."""
    victim = run.cluster.secondary()
    victim.kill()
    run.wait_for("the others go on", lambda: run.cluster.follows_nothing(victim))
    run.wait_for_answers()


def kill_all_replica_servers(run: Trial) -> None:
    """F04: everything comes back without an operator."""
    for server in run.cluster.replicas:
        server.kill()


def kill_everything(run: Trial) -> None:
    """F05: so it does if the meta server died as well."""
    for server in (run.cluster.meta, *run.cluster.replicas):
        server.kill()


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(kill_primary, id="F01"),
        pytest.param(kill_secondary, id="F02"),
        pytest.param(kill_all_replica_servers, id="F04", marks=pytest.mark.services),
        pytest.param(kill_everything, id="F05", marks=pytest.mark.services),
    ],
)
def test_fault(fault: Callable[[Trial], None], tmp_path: Path, seed: int) -> None:
    with trial(FaultCluster(tmp_path), seed) as run:
        fault(run)
