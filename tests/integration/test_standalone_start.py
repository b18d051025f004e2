"""A real node that cannot start says why, in one line, with the exit code that tells the kind."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pegasus_server.runtime.startup_fault import (
    EXIT_BAD_FOLDER,
    EXIT_LOCKED,
    EXIT_PORT_IN_USE,
    EXIT_USAGE,
)
from tests.integration.node import Node
from tests.integration.wire_client import WireClient

pytestmark = pytest.mark.slow


def start(folder: Path, *options: str, python: tuple[str, ...] = ()) -> tuple[int, str]:
    """Start a node that is expected to fail; return its exit code and the last line of stderr."""
    done = subprocess.run(
        [
            *(sys.executable, *python, "-m", "pegasus_server", "standalone"),
            *("--data", str(folder), "--port", "0", *options),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr.strip().splitlines()[-1]


def last_logged(folder: Path) -> str:
    return (folder / "node.log").read_text().strip().splitlines()[-1]


def test_a_locked_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with Node(folder) as node:
        code, said = start(folder)
        assert code == EXIT_LOCKED
        assert str(node.port) in said
        assert last_logged(folder) == said
        with WireClient(node.port) as client:
            client.create("t")


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = start(tmp_path / "data", "--port", str(port))
    assert code == EXIT_PORT_IN_USE
    assert f"127.0.0.1:{port}" in said
    assert last_logged(tmp_path / "data") == said


@pytest.fixture
def used_folder(tmp_path: Path) -> Path:
    """A folder with one table in it, nobody running."""
    node = Node(tmp_path / "data")
    with node:
        with WireClient(node.port) as client:
            client.create("t").put(b"k", b"v")
        node.stop()
    return node.folder


def test_a_folder_of_a_newer_version(used_folder: Path) -> None:
    file = used_folder / "node.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": 2}))
    code, said = start(used_folder)
    assert code == EXIT_BAD_FOLDER
    assert "format 2" in said


def test_a_damaged_table_state(used_folder: Path) -> None:
    (used_folder / "meta" / "state.json").write_text("{")
    code, said = start(used_folder)
    assert code == EXIT_BAD_FOLDER
    assert "state.json" in said


def test_a_missing_table_state_beside_data(used_folder: Path) -> None:
    (used_folder / "meta" / "state.json").unlink()
    code, said = start(used_folder)
    assert code == EXIT_BAD_FOLDER
    assert "1.0" in said
    assert (used_folder / "replicas" / "1.0").is_dir()


def test_a_table_state_that_is_older_than_the_data(used_folder: Path) -> None:
    state = used_folder / "meta" / "state.json"
    state.write_text('{"format": 1, "next_app_id": 1, "tables": []}')
    code, said = start(used_folder)
    assert code == EXIT_BAD_FOLDER
    assert "1.0" in said
    assert (used_folder / "replicas" / "1.0" / "db").is_dir()


def test_a_log_of_another_node(used_folder: Path) -> None:
    file = used_folder / "node.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"node": "0" * 16}))
    code, said = start(used_folder)
    assert code == EXIT_BAD_FOLDER
    assert "node" in said


def test_a_folder_with_other_things_in_it(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    code, said = start(tmp_path)
    assert code == EXIT_BAD_FOLDER
    assert "thesis.tex" in said


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, said = start(tmp_path / "file" / "data")
    assert code == EXIT_BAD_FOLDER
    assert "cannot be written" in said


def test_python_without_assertions(tmp_path: Path) -> None:
    code, said = start(tmp_path / "data", python=("-O",))
    assert code == EXIT_USAGE
    assert "-O" in said
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--durability", "never"), "durability"),
        (("--host", "no.such.host.invalid"), "IPv4"),
        (("--port", "70000"), "70000"),
        (("--host", "192.0.2.1"), "--insecure"),
    ],
)
def test_wrong_options(tmp_path: Path, options: tuple[str, str], named: str) -> None:
    code, said = start(tmp_path / "data", *options)
    assert code == 2
    assert named in said


def test_an_embedded_node_ends_after_its_last_client(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    node = Node(folder, "--embedded", "--linger-seconds", "0.2")
    with node:
        lock = json.loads((folder / "node.lock").read_text())
        assert node.process is not None
        with WireClient(node.port) as client:
            client.create("t")
            lock = json.loads((folder / "node.lock").read_text())
            assert (lock["pid"], lock["port"]) == (node.process.pid, node.port)
        assert node.process.wait(30) == 0
    assert node.printed() == ""
    assert last_logged(folder).endswith("stopped cleanly")


def test_the_port_file_tells_the_free_port_it_took(tmp_path: Path) -> None:
    file = tmp_path / "port"
    process = subprocess.Popen(
        [
            *(
                sys.executable,
                "-m",
                "pegasus_server",
                "standalone",
                "--data",
                str(tmp_path / "data"),
            ),
            *("--port", "0", "--port-file", str(file)),
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        while not file.exists():
            assert process.poll() is None
            os.sched_yield()
        with WireClient(int(file.read_text())) as client:
            client.create("t")
    finally:
        process.terminate()
        assert process.wait(30) == 0
