"""The lock of a data folder."""

import fcntl
import json
import os
from pathlib import Path

import pytest

from pegasus_server.runtime import node_lock
from pegasus_server.runtime.node_lock import NodeLock
from pegasus_server.runtime.startup_fault import EXIT_LOCKED, StartupFault


def test_the_lock_says_who_holds_it_and_where(tmp_path: Path) -> None:
    path = tmp_path / "node.lock"
    lock = NodeLock.take(path, started=5.0)
    assert json.loads(path.read_text())["port"] == 0
    lock.publish("127.0.0.1", 34601)
    content = json.loads(path.read_text())
    assert content["pid"] == os.getpid()
    assert (content["host"], content["port"], content["started"]) == ("127.0.0.1", 34601, 5.0)
    lock.release()
    assert path.read_text() == ""


def test_a_second_node_is_told_who_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_lock, "TRY_SECONDS", 0.0)
    path = tmp_path / "node.lock"
    first = NodeLock.take(path, started=0.0)
    first.publish("127.0.0.1", 4711)
    with pytest.raises(StartupFault, match="4711") as caught:
        NodeLock.take(path, started=0.0)
    assert caught.value.exit_code == EXIT_LOCKED
    first.release()
    NodeLock.take(path, started=0.0).release()


def test_a_client_that_looks_for_a_moment_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "node.lock"
    path.touch()
    with path.open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        monkeypatch.setattr("time.sleep", lambda _: fcntl.flock(looking, fcntl.LOCK_UN))
        NodeLock.take(path, started=0.0).release()


def test_the_address_of_a_killed_node_does_not_outlive_it(tmp_path: Path) -> None:
    path = tmp_path / "node.lock"
    path.write_text('{"pid": 1, "host": "127.0.0.1", "port": 34601, "and": "much more"}' * 9)
    lock = NodeLock.take(path, started=0.0)
    assert json.loads(path.read_text())["port"] == 0
    lock.release()
