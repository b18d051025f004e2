"""``pegasus-tab onebox``: a cluster made, used, hurt and stopped by commands alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.box import Box, pegasus_tab, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    box = Box(tmp_path / "box")
    box.start()
    yield box
    box.kill_all()


def test_a_cluster_in_one_command(box: Box) -> None:
    assert [name for name, state in box.status().items() if "running" in state] == [
        "meta1",
        "replica1",
        "replica2",
        "replica3",
    ]
    box.sql("CREATE TABLE t (id INT PRIMARY KEY, name TEXT) WITH (replicas = 3)")
    box.sql("INSERT INTO t VALUES (1, 'one'), (2, 'two')")
    assert box.run("kill", "replica2").returncode == 0
    assert box.status()["replica2"][1] == "stopped"
    killed = box.status()["replica2"][0]
    wait_until(
        lambda: killed not in {row["primary"] for row in box.rows("partitions", "t")},
        "another primary",
    )
    assert "two" in box.sql("SELECT name FROM t WHERE id = 2")
    assert {row["node"] for row in box.rows("nodes") if row["state"] == "dead"} == {killed}
    assert box.run("restart", "replica2").returncode == 0
    stopped = box.run("stop")
    assert stopped.stdout == "4 servers stopped\n"
    assert box.run("start").returncode == 0
    assert "one" in box.sql("SELECT name FROM t WHERE id = 1")


def test_what_cannot_be_done_is_said(box: Box, tmp_path: Path) -> None:
    unknown = box.run("kill", "replica9")
    assert unknown.returncode == 1
    assert "there are meta1, replica1" in unknown.stderr
    missing = pegasus_tab("onebox", "status", "--folder", str(tmp_path / "none"))
    assert missing.returncode == 1
    assert "onebox start" in missing.stderr
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    full = pegasus_tab("onebox", "start", "--folder", str(tmp_path / "full"))
    assert full.returncode == 1
    assert "not empty" in full.stderr
