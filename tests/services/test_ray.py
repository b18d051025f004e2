"""A table as a Ray dataset, read by more than one worker process."""

import subprocess
import sys
from pathlib import Path

import pytest

import pegasus_tab
from tests.integration.node import Node

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

SECONDS_MAX = 240
READER = Path(__file__).with_name("ray_reader.py")


def test_partitions_are_read_in_several_workers(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    with Node(tmp_path / "node") as node, pegasus_tab.connect(node.dsn) as db:
        db.execute("CREATE TABLE t (id INT PRIMARY KEY, x DOUBLE) WITH (partitions = 4)")
        db.executemany("UPSERT INTO t VALUES (?, ?)", ((n, n / 2) for n in range(1000)))
        done = subprocess.run(
            [sys.executable, str(READER), node.dsn],
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS_MAX,
        )
    assert done.stdout.endswith("all is well\n"), done.stderr
