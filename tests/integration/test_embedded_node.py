"""Clients that open a folder: they start, share, restart and leave the embedded node."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pegasus_tab.base.errors import InterfaceError, OperationalError
from pegasus_tab.kv import connect
from pegasus_tab.kv.client import Client

pytestmark = pytest.mark.slow

WAIT_SECONDS_MAX = 30.0

COUNT_UP = """
import sys
from pegasus_tab.kv import connect

with connect(sys.argv[1]) as client:
    client.create_table("t", if_not_exists=True)
    print(client.table("t").incr(b"clients", b"", 1))
"""


def pid_of(folder: Path) -> int:
    """Return the process that serves a folder."""
    pid: int = json.loads((folder / "node.lock").read_text())["pid"]
    return pid


def wait_for_end(pid: int) -> None:
    """Wait until a process is gone."""
    give_up = time.monotonic() + WAIT_SECONDS_MAX
    while time.monotonic() < give_up:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    raise AssertionError(f"process {pid} is still there")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder; whatever serves it in the end is ended."""
    folder = tmp_path / "data"
    yield folder
    try:
        os.kill(pid_of(folder), signal.SIGKILL)
    except (FileNotFoundError, ValueError, ProcessLookupError):
        return


def open_table(client: Client) -> None:
    client.create_table("t", partitions=2, if_not_exists=True)


def test_a_folder_is_opened_shared_and_left(folder: Path) -> None:
    with connect(f"file:{folder}") as first:
        open_table(first)
        first.table("t").set(b"a", b"", b"v")
        with connect(f"file:{folder}") as second:
            assert second.table("t").get(b"a") == b"v"
        pid = pid_of(folder)
        assert first.table("t").get(b"a") == b"v"
    wait_for_end(pid)
    with connect(f"file:{folder}") as again:
        assert again.table("t").get(b"a") == b"v"
        assert pid_of(folder) != pid


def test_processes_that_start_at_once_share_one_node(folder: Path) -> None:
    command = [sys.executable, "-c", COUNT_UP, f"file:{folder}"]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(4)]
    counts = sorted(int(process.communicate(timeout=60)[0]) for process in processes)
    assert counts == [1, 2, 3, 4]


def test_a_lock_left_by_a_killed_node_is_no_obstacle(folder: Path) -> None:
    with connect(f"file:{folder}") as client:
        open_table(client)
        client.table("t").set(b"a", b"", b"v")
        os.kill(pid_of(folder), signal.SIGKILL)
        assert client.table("t").get(b"a") == b"v", "the same client starts the node again"
    with connect(f"file:{folder}") as client:
        assert client.table("t").get(b"a") == b"v"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(InterfaceError, match="cannot be used"):
        connect(f"file:{tmp_path / 'file' / 'data'}")


def test_the_node_s_own_words_say_why_it_does_not_start(folder: Path) -> None:
    folder.mkdir()
    (folder / "node.json").write_text('{"format": 99999}')
    with pytest.raises(OperationalError) as caught:
        connect(f"file:{folder}")
    assert "does not start" in caught.value.message
    assert "node.json" in caught.value.message
