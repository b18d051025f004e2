"""Exports to a real HDFS: verified, through dead and silent servers of both sides, run again."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import pegasus_tab
from pegasus_tab.base.errors import Error, InternalError, OperationalError
from pegasus_tab.export.filesystem import open_target
from pegasus_tab.kv.jobs import OVER, find_job
from pegasus_tab.wire.messages_job import JobInfo
from tests.integration.cluster import Cluster
from tests.integration.node import Node
from tests.services.hdfs import Hdfs

pytestmark = [pytest.mark.services, pytest.mark.timeout(400)]

ROWS = 4000
WAIT_SECONDS_MAX = 200.0
SLOW = "(BYTES_PER_SECOND 6000, WAIT FALSE)"
CREATE = "CREATE TABLE t (id BIGINT, name TEXT, PRIMARY KEY (id)) WITH (partitions = 4"


@pytest.fixture(scope="module")
def hdfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hdfs]:
    with Hdfs(tmp_path_factory.mktemp("hdfs")) as hdfs:
        yield hdfs


@pytest.fixture(scope="module")
def dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Node(tmp_path_factory.mktemp("node") / "data") as node:
        with pegasus_tab.connect(node.dsn) as connection:
            connection.execute(f"{CREATE})")
            fill(connection)
        yield node.dsn


def fill(connection: pegasus_tab.Connection) -> None:
    rows = ((i, f"name {i}") for i in range(ROWS))
    connection.cursor().executemany("UPSERT INTO t VALUES (?, ?)", rows)


def ids_at(url: str) -> list[int]:
    """Read what lies there as an analyst would."""
    target = open_target(url)
    ids: list[int] = []
    for file in target.files("t"):
        if file.name.endswith(".parquet"):
            with target.open(file.name) as stream:
                ids += pq.read_table(pa.PythonFile(stream), columns=["id"])["id"].to_pylist()
    return sorted(ids)


def begin(connection: pegasus_tab.Connection, url: str) -> int:
    """Begin a slow export; return its job once it writes."""
    ((job,),) = connection.execute(f"COPY t TO '{url}' {SLOW}").fetchall()
    await_job(connection, job, lambda info: any(task.bytes or task.rows for task in info.tasks))
    return int(job)


def await_job(
    connection: pegasus_tab.Connection, job: int, is_so: Callable[[JobInfo], bool]
) -> JobInfo:
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        try:
            info = find_job(connection.session.client, job)
        except Error:
            assert time.monotonic() < deadline
            continue
        if is_so(info):
            return info
        assert time.monotonic() < deadline, info
        time.sleep(0.1)


def await_end(connection: pegasus_tab.Connection, job: int) -> JobInfo:
    return await_job(connection, job, lambda info: info.state in OVER)


def test_export_verify_and_a_flipped_byte(hdfs: Hdfs, dsn: str) -> None:
    url = f"{hdfs.url}/calm"
    with pegasus_tab.connect(dsn) as connection:
        assert connection.execute(f"COPY t TO '{url}'").rowcount == ROWS
        assert ids_at(url) == list(range(ROWS))
        connection.execute(f"VERIFY EXPORT '{url}'")
        with pytest.raises(OperationalError, match="complete export"):
            connection.execute(f"COPY t TO '{url}'")
        target = open_target(url)
        name = next(file.name for file in target.files() if file.name.endswith(".parquet"))
        content = bytearray(target.read(name))
        content[len(content) // 3] ^= 0x10
        target.remove(name)
        target.write("temporary", name, bytes(content))
        with pytest.raises(InternalError, match="checksum"):
            connection.execute(f"VERIFY EXPORT '{url}'")


def test_a_dead_datanode_is_waited_for(hdfs: Hdfs, dsn: str) -> None:
    url = f"{hdfs.url}/datanode"
    with pegasus_tab.connect(dsn) as connection:
        job = begin(connection, url)
        hdfs.kill("data")
        await_job(connection, job, lambda info: bool(info.fault) or info.state in OVER)
        hdfs.start("data")
        hdfs.await_ready()
        if await_end(connection, job).state == "failed":
            assert connection.execute(f"COPY t TO '{url}'").rowcount == ROWS, "it goes on"
        connection.execute(f"VERIFY EXPORT '{url}'")
        assert ids_at(url) == list(range(ROWS))


def test_a_silent_namenode_fails_soon_and_the_next_run_goes_on(hdfs: Hdfs, dsn: str) -> None:
    url = f"{hdfs.url}/namenode"
    with pegasus_tab.connect(dsn) as connection:
        job = begin(connection, url)
        hdfs.pause("names")
        try:
            started = time.monotonic()
            with pytest.raises(OperationalError, match="no answer within 5 s"):
                connection.execute(f"VERIFY EXPORT '{url}'")
            assert time.monotonic() - started < 30
            info = await_job(connection, job, lambda info: bool(info.fault))
            assert "no answer within" in info.fault
        finally:
            hdfs.resume("names")
        if await_end(connection, job).state == "failed":
            assert connection.execute(f"COPY t TO '{url}'").rowcount == ROWS, "it goes on"
        connection.execute(f"VERIFY EXPORT '{url}'")
        assert ids_at(url) == list(range(ROWS))


def test_a_killed_primary(hdfs: Hdfs, tmp_path: Path) -> None:
    url = f"{hdfs.url}/primary"
    with Cluster(tmp_path) as cluster, pegasus_tab.connect(cluster.dsn) as connection:
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while len(connection.session.client.list_nodes()) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        connection.execute(f"{CREATE}, replicas = 3)")
        fill(connection)
        job = begin(connection, url)
        info = find_job(connection.session.client, job)
        victim = next(task.server for task in info.tasks if task.state == "running")
        cluster.server(victim).kill()
        assert await_end(connection, job).state == "done"
        connection.execute(f"VERIFY EXPORT '{url}'")
        assert ids_at(url) == list(range(ROWS))
