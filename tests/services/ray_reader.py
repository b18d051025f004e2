"""Reads table t of a node through Ray Data, in a process that has no other threads yet.

Ray starts its servers with a hook between fork and exec, and a process that forks while its other
threads hold locks may hang there; a test process has such threads.
"""

import os
import sys

import pyarrow.compute as pc
import pytest
import ray

import pegasus_tab
from pegasus_tab.analytics.ray import read_table


def main(dsn: str) -> None:
    """Check what comes out of a table of 1,000 rows (n, n / 2); say so."""
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        found = read_table(dsn, "t", columns=["id", "x"], filters=pc.field("id") < 500)
        assert found.schema().names == ["id", "x"]
        assert found.sum("x") == sum(n / 2 for n in range(500))
        assert found.limit(7).count() == 7
        readers = found.map_batches(lambda _: {"process": [os.getpid()]}).unique("process")
        assert len(set(readers) - {os.getpid()}) > 1
        with pytest.raises(pegasus_tab.ProgrammingError, match="nope"):
            read_table(dsn, "t", columns=["nope"])
    finally:
        ray.shutdown()
    sys.stdout.write("all is well\n")


if __name__ == "__main__":
    main(sys.argv[1])
