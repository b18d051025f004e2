"""Statements that run while servers die: whoever runs them need not know."""

import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from pegasus_tab.base.errors import UnknownOutcome
from tests.faults.cluster import TABLE, FaultCluster
from tests.faults.statements import ROWS, Scanning, Writing, prepare, stored
from tests.faults.trial import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

FURTHER = 500
"""So many rows show that work goes on."""


def begin(cluster: FaultCluster) -> tuple[Writing, Scanning]:
    """Make the table and start both statements."""
    wait_for("the servers report to meta", cluster.has_servers, cluster)
    prepare(cluster.dsn, TABLE)
    wait_for("the table has all its replicas", cluster.is_whole, cluster)
    return Writing(cluster.dsn, TABLE), Scanning(cluster.dsn, TABLE)


def progress(writing: Writing, scanning: Scanning) -> Callable[[], bool]:
    """Return what tells whether both got further, or never will."""
    taken, scans = writing.taken, scanning.done
    return lambda: (
        bool(writing.fault or scanning.fault)
        or (writing.taken > taken + FURTHER and scanning.done > scans + 1)
    )


@pytest.mark.services
def test_statements_survive_the_death_of_any_one_server(tmp_path: Path) -> None:
    with FaultCluster(tmp_path) as cluster:
        writing, scanning = begin(cluster)
        try:
            for victim in cluster.replicas:
                wait_for("both work", progress(writing, scanning), cluster)
                victim.kill()
                wait_for("others serve", partial(cluster.serves_nothing, victim), cluster)
                wait_for("both work", progress(writing, scanning), cluster)
                victim.start()
                wait_for("the table has all its replicas", cluster.is_whole, cluster)
        finally:
            writing.stop()
            scanning.stop()
        assert writing.fault is None, writing.fault
        assert scanning.fault is None, scanning.fault
        assert writing.written == [range(ROWS, ROWS + writing.taken)]
        assert stored(cluster.dsn, TABLE) == set(range(ROWS + writing.taken))


def test_a_stopped_server_leaves_only_its_writes_open(tmp_path: Path) -> None:
    with FaultCluster(tmp_path) as cluster:
        writing, scanning = begin(cluster)
        try:
            wait_for("both work", progress(writing, scanning), cluster)
            victim = cluster.primary()
            assert victim.process is not None
            victim.process.send_signal(signal.SIGSTOP)
            wait_for("others serve", lambda: cluster.serves_nothing(victim), cluster)
            taken, scans = writing.taken, scanning.done
            wait_for("scans go on", lambda: scanning.done > scans + 1, cluster)
            # Rows are sent by the thousand: none need have been on its way to that server.
            is_further = lambda: bool(writing.fault) or writing.taken > taken + FURTHER  # noqa: E731
            wait_for("the statement that writes is over, or goes on", is_further, cluster)
        finally:
            cluster.resume()
            writing.stop()
            scanning.stop()
        assert scanning.fault is None, scanning.fault
        assert writing.fault is None or isinstance(writing.fault, UnknownOutcome), writing.fault
        for written in writing.written:
            assert set(written) <= stored(cluster.dsn, TABLE)
