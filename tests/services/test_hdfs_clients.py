"""What clients of a real HDFS meet: a name service whose first NameNode is dead, writers that died."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fsspec.config import conf

import pegasus_tab
from pegasus_tab.base.errors import OperationalError
from pegasus_tab.export.errors import TargetError, Unwritable
from pegasus_tab.export.filesystem import open_target
from pegasus_tab.kv.jobs import OVER, find_job
from tests.integration.node import Node
from tests.integration.server_process import free_port
from tests.services.hdfs import Hdfs

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

ROWS = 4000
WAIT_SECONDS_MAX = 120.0
WRITER = """
import sys, time
from pegasus_tab.export.filesystem import open_target
stream = open_target(sys.argv[1]).create("file")
stream.write(bytes(9_000_000))
stream.flush()
print("open", flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def hdfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hdfs]:
    with Hdfs(tmp_path_factory.mktemp("hdfs")) as hdfs:
        yield hdfs


def name_service(hdfs: Hdfs, name: str) -> dict[str, str]:
    """Return the settings of a name service of two NameNodes, whose first one is dead."""
    return {
        "dfs.nameservices": name,
        f"dfs.ha.namenodes.{name}": "dead,alive",
        f"dfs.namenode.rpc-address.{name}.dead": f"127.0.0.1:{free_port()}",
        f"dfs.namenode.rpc-address.{name}.alive": f"127.0.0.1:{hdfs.port}",
    }


def fill(db: pegasus_tab.Connection) -> None:
    db.execute("CREATE TABLE t (id INT PRIMARY KEY, name TEXT) WITH (partitions = 4)")
    db.executemany("UPSERT INTO t VALUES (?, ?)", [(id_, f"name {id_}") for id_ in range(ROWS)])


def test_a_name_service_whose_first_namenode_is_dead(
    hdfs: Hdfs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "hadoop"
    folder.mkdir()
    hdfs.write_settings(folder / "core-site.xml", {})
    hdfs.write_settings(folder / "hdfs-site.xml", name_service(hdfs, "NameService1"))
    monkeypatch.setenv("HADOOP_CONF_DIR", str(folder))
    url = "hdfs://NameService1/dir"
    with Node(tmp_path / "data") as node, pegasus_tab.connect(node.dsn) as db:
        fill(db)
        assert db.execute(f"COPY t TO '{url}'").rowcount == ROWS
        assert db.execute(f"VERIFY EXPORT '{url}'").rowcount == 1
        assert db.execute(f"BACKUP TABLE t TO '{url}/safe'").rowcount == ROWS
        assert db.execute(f"RESTORE TABLE t FROM '{url}/safe' AS t2").rowcount == ROWS
    assert len(open_target(f"{hdfs.url}/dir/t").folder_names()) == 1, "it is the same HDFS"


def test_a_name_service_in_the_configuration_of_fsspec(
    hdfs: Hdfs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(conf, "hdfs", name_service(hdfs, "nameservice2"))
    target = open_target("hdfs://nameservice2/configured")
    target.write("temporary", "file", b"content")
    assert target.read("file") == b"content"
    assert open_target(f"{hdfs.url}/configured").read("file") == b"content"


def test_a_name_service_all_of_whose_namenodes_are_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {
        "dfs.nameservices": "nameservice3",
        "dfs.ha.namenodes.nameservice3": "one,two",
        "dfs.namenode.rpc-address.nameservice3.one": f"127.0.0.1:{free_port()}",
        "dfs.namenode.rpc-address.nameservice3.two": f"127.0.0.1:{free_port()}",
    }
    monkeypatch.setitem(conf, "hdfs", settings)
    begun = time.monotonic()
    with pytest.raises(TargetError, match="hdfs://nameservice3/dir failed"):
        open_target("hdfs://nameservice3/dir").exists()
    # The promise is 5 s; a machine busy with other tests may take a little of its own.
    assert time.monotonic() - begun < 20


def test_a_target_that_may_not_be_written_fails_at_once(hdfs: Hdfs, tmp_path: Path) -> None:
    target = open_target(f"{hdfs.url}/mine")
    target.write("temporary", "file", b"no folder")
    stranger = {"HADOOP_USER_NAME": "stranger"}
    with (
        Node(tmp_path / "data", environment=stranger) as node,
        pegasus_tab.connect(node.dsn) as db,
    ):
        fill(db)
        with pytest.raises(OperationalError) as caught:
            db.execute(f"COPY t TO '{target.url}'")
        assert caught.value.sqlstate == "58030"
        assert f"{target.url}/t/" in caught.value.message
        assert "Permission denied: user=stranger, access=WRITE" in caught.value.message
        assert ".java" not in caught.value.message
    with pytest.raises(Unwritable, match="file/below failed: Path is not a directory: /mine/file"):
        open_target(f"{target.url}/file").create("below")
    assert [file.name for file in target.files()] == ["file"]


def test_a_file_whose_writer_died_is_removed_and_written_anew(hdfs: Hdfs) -> None:
    """The NameNode has it open for an hour yet; neither a new writer nor a removal waits for that."""
    target = open_target(f"{hdfs.url}/dead")
    for again in ("overwritten", "removed"):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, target.url], stdout=subprocess.PIPE, text=True
        )
        with writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "open\n"
            writer.kill()
        assert target.exists("file")
        if again == "removed":
            target.remove("file")
            assert not target.exists("file")
        with target.create("file") as stream:
            stream.write(again.encode())
        target.publish("file", again)
        assert target.read(again) == again.encode()


def workers(node: Node) -> list[int]:
    """Return the process numbers of a node's workers."""
    assert node.process is not None
    tasks = Path(f"/proc/{node.process.pid}/task").glob("*/children")
    children = [int(pid) for task in tasks for pid in task.read_text().split()]
    return [
        pid
        for pid in children
        if b"pegasus_server.transfer" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def test_a_worker_killed_with_its_file_open(hdfs: Hdfs, tmp_path: Path) -> None:
    url = f"{hdfs.url}/worker"
    with Node(tmp_path / "data") as node, pegasus_tab.connect(node.dsn) as db:
        fill(db)
        slow = f"COPY t TO '{url}' (BYTES_PER_SECOND 6000, WAIT FALSE)"
        ((job,),) = db.execute(slow).fetchall()
        target = open_target(url)
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while not (opened := [f.name for f in target.files("t") if f.name.endswith(".parquet")]):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert "/_wc/tmp/" in opened[0], "it is not published yet"
        for pid in workers(node):
            os.kill(pid, signal.SIGKILL)
        while (info := find_job(db.session.client, job)).state not in OVER:
            assert time.monotonic() < deadline, info
            time.sleep(0.1)
        assert info.state == "done"
        assert max(task.attempt for task in info.tasks) > 1, "one was begun anew"
        assert db.execute(f"VERIFY EXPORT '{url}'").rowcount == 1
        names = [file.name for file in target.files("t")]
        assert not [name for name in names if "/tmp/" in name]
        assert sum(name.endswith(".parquet") for name in names) == 4
