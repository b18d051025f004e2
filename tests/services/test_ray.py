"""A table as a Ray dataset, read by more than one worker process."""

import os
from pathlib import Path

import pyarrow.compute as pc
import pytest

import pegasus_tab
from tests.integration.node import Node

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]


@pytest.mark.filterwarnings("default")
def test_partitions_are_read_in_several_workers(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    pytest.importorskip("ray.data")
    from pegasus_tab.analytics.ray import read_table

    with Node(tmp_path / "node") as node, pegasus_tab.connect(node.dsn) as db:
        db.execute("CREATE TABLE t (id INT PRIMARY KEY, x DOUBLE) WITH (partitions = 4)")
        db.executemany("UPSERT INTO t VALUES (?, ?)", ((n, n / 2) for n in range(1000)))
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        try:
            found = read_table(node.dsn, "t", columns=["id", "x"], filters=pc.field("id") < 500)
            assert found.schema().names == ["id", "x"]
            assert found.sum("x") == sum(n / 2 for n in range(500))
            assert found.limit(7).count() == 7
            readers = found.map_batches(lambda _: {"process": [os.getpid()]}).unique("process")
            assert len(set(readers) - {os.getpid()}) > 1
            with pytest.raises(pegasus_tab.ProgrammingError, match="nope"):
                read_table(node.dsn, "t", columns=["nope"])
        finally:
            ray.shutdown()
