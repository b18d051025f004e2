"""A PEP 249 connection over a cluster in memory."""

from collections.abc import Iterator

import pytest

from pegasus_tab.dbapi.connection import Connection
from pegasus_tab.execute.session import Session
from tests.fakes.memory_cluster import MemoryCluster


@pytest.fixture
def cluster() -> MemoryCluster:
    return MemoryCluster()


@pytest.fixture
def connection(cluster: MemoryCluster) -> Iterator[Connection]:
    session = Session(cluster.client(), clock=lambda: cluster.now, monotonic=lambda: cluster.now)
    with Connection(session) as connection:
        connection.execute("CREATE TABLE t (k INT, a TEXT, d DECIMAL(10,2), PRIMARY KEY (k))")
        yield connection
