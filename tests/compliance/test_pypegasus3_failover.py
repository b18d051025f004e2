"""The Pegasus client of PyPI, unmodified, on a cluster whose primary dies."""

import subprocess
from pathlib import Path

import pytest

from pegasus_tab.kv import connect
from tests.compliance.test_pypegasus3 import PYTHON
from tests.faults.cluster import FaultCluster
from tests.faults.trial import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.services, pytest.mark.timeout(180)]

ROWS = 400
BEFORE = 100
"""Rows written before the fault."""


def test_it_writes_on_through_a_failover(tmp_path: Path) -> None:
    assert PYTHON.exists(), "run tools/pypegasus3-environment first (make test does)"
    script = Path(__file__).with_name("pypegasus3_failover.py")
    with FaultCluster(tmp_path) as cluster:
        wait_for("the servers report to meta", cluster.has_table, cluster)
        wait_for("the table has all its replicas", cluster.is_whole, cluster)
        with subprocess.Popen(
            [PYTHON, "-W", "ignore", script, cluster.meta.name, "t", str(ROWS)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,  # the client writes its log where it stands
        ) as client:
            assert client.stdout is not None
            assert client.stderr is not None
            try:
                for number in range(BEFORE):
                    assert client.stdout.readline() == f"{number}\n"
                victim = cluster.primary()
                victim.kill()
                accepted = client.stdout.read().split()
                assert client.wait() == 0, client.stderr.read()
            finally:
                client.kill()
        assert cluster.serves_nothing(victim)
        assert accepted == [str(number) for number in range(BEFORE, ROWS)]
        with connect(cluster.dsn) as reader:
            table = reader.table("t")
            for number in range(ROWS):
                assert table.get(b"row %d" % number, b"s") == b"value %d" % number
