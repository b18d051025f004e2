"""A session over a cluster in memory, the stage of most executor tests."""

from collections.abc import Iterator

import pytest

from pegasus_tab.execute.session import Session
from tests.fakes.memory_cluster import MemoryCluster
from tests.fakes.sql_runner import SqlRunner


@pytest.fixture
def cluster() -> MemoryCluster:
    return MemoryCluster()


@pytest.fixture
def session(cluster: MemoryCluster) -> Iterator[Session]:
    session = Session(cluster.client(), clock=lambda: cluster.now, monotonic=lambda: cluster.now)
    yield session
    session.close()


@pytest.fixture
def sql(session: Session) -> SqlRunner:
    return SqlRunner(session)
