"""``pegasus-tab onebox``: a cluster made, used, hurt and stopped by commands alone."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

COMMAND_SECONDS_MAX = 60.0
WAIT_SECONDS_MAX = 60.0


class Box:
    """Runs commands on one onebox."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return pegasus_tab("onebox", command, *arguments, "--folder", str(self.folder))

    def status(self) -> dict[str, list[str]]:
        lines = self.run("status").stdout.splitlines()
        return {name: rest for name, *rest in (line.split("\t") for line in lines)}

    @property
    def dsn(self) -> str:
        return self.status()["dsn"][0]

    def sql(self, text: str) -> str:
        ended = pegasus_tab("shell", self.dsn, "--format", "tsv", "-q", "-c", text)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout


def pegasus_tab(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from pegasus_shell.main import main; main()", *arguments],
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS_MAX,
        check=False,
    )


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    box = Box(tmp_path / "box")
    started = box.run("start")
    assert started.returncode == 0, started.stderr
    yield box
    for name, state in box.status().items():
        if "running" in state:
            box.run("kill", name)


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
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    killed = box.status()["replica2"][0]
    while f"\t{killed}\t" in pegasus_tab("admin", "partitions", "t", "--dsn", box.dsn).stdout:
        assert time.monotonic() < deadline, "no other primary in time"
        time.sleep(0.2)
    assert "two" in box.sql("SELECT name FROM t WHERE id = 2")
    assert f"{killed}\tunalive" in pegasus_tab("admin", "nodes", "--dsn", box.dsn).stdout
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
