"""A onebox of three meta servers with a ZooKeeper of its own, by commands alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.box import Box, pegasus_tab, wait_until

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    box = Box(tmp_path / "box")
    started = box.run("start", "--metas", "3", "--zookeeper")
    assert started.returncode == 0, started.stderr
    yield box
    box.kill_all()


def leader_of(box: Box) -> str:
    """Find who leads, by what the meta servers printed."""
    elections = [
        (line, name)
        for name in ("meta1", "meta2", "meta3")
        for line in (box.folder / f"{name}.output").read_text().splitlines()
        if "elected to lead" in line
    ]
    return max(elections)[1]


def test_metas_and_zookeeper_are_servers_like_the_others(box: Box) -> None:
    assert list(box.status()) == [
        "dsn",
        "zookeeper",
        *["meta1", "meta2", "meta3"],
        *["replica1", "replica2", "replica3"],
    ]
    assert all("running" in state for name, state in box.status().items() if name != "dsn")
    box.sql("CREATE TABLE t (id INT PRIMARY KEY, name TEXT) WITH (replicas = 3)")
    box.sql("INSERT INTO t VALUES (1, 'one')")

    leader = leader_of(box)
    assert box.run("kill", leader).returncode == 0
    assert box.status()[leader][1] == "stopped"
    wait_until(lambda: leader_of(box) != leader, "another leads")
    # One meta server of the address is dead and one only forwards; both are passed over.
    assert "one" in box.sql("SELECT name FROM t WHERE id = 1")
    assert "alive" in box.admin("nodes").stdout
    assert box.run("restart", leader).returncode == 0
    # Any one of them is address enough, also for what asks for no table: it knows who leads.
    for meta in box.dsn.removeprefix("pegasus://").strip("/").split(","):
        asked = pegasus_tab("admin", "nodes", "--dsn", f"pegasus://{meta}/")
        assert "alive" in asked.stdout, f"{meta}: {asked.stderr}"

    assert box.run("kill", "zookeeper").returncode == 0
    assert box.status()["zookeeper"][1] == "stopped"
    assert box.run("restart", "zookeeper").returncode == 0
    assert box.run("restart", "zookeeper").returncode == 0, "also when it runs"
    box.sql("INSERT INTO t VALUES (2, 'two')")
    assert box.run("stop").stdout == "7 servers stopped\n"
    assert box.run("start").returncode == 0
    assert box.sql("SELECT name FROM t ORDER BY id") == "name\none\ntwo\n"


def test_several_meta_servers_need_zookeeper(tmp_path: Path) -> None:
    box = Box(tmp_path / "box")
    refused = box.run("start", "--metas", "3")
    assert refused.returncode == 1
    assert "--zookeeper" in refused.stderr
    assert not box.folder.exists()
