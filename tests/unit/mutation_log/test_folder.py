"""The real folder and the fake one do the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pegasus_server.mutation_log.folder import DiskFolder, LogFolder
from tests.fakes.log_folder import FakeFolder


@pytest.fixture(params=["real", "fake"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> LogFolder:
    return DiskFolder(tmp_path / "log") if request.param == "real" else FakeFolder()


def test_created_file_is_zeros(folder: LogFolder) -> None:
    folder.create("a", 5000).close()
    assert folder.read("a") == bytes(5000)


def test_create_replaces(folder: LogFolder) -> None:
    folder.create("a", 5000).write([b"old"], 0)
    folder.create("a", 10).close()
    assert folder.read("a") == bytes(10)


def test_write_in_parts(folder: LogFolder) -> None:
    file = folder.create("a", 10)
    file.write([b"bc", b"", b"def"], 1)
    file.sync()
    file.close()
    assert folder.read("a") == b"\0bcdef\0\0\0\0"
    assert folder.read("a", 3) == b"\0bc"
    assert folder.read("a", 3, 4) == b"ef\0"
    assert folder.read("a", -1, 5) == b"f\0\0\0\0"
    assert folder.read("a", 3, 9) == b"\0"
    assert folder.read("a", 3, 10) == b""


def test_write_beyond_the_end_grows(folder: LogFolder) -> None:
    file = folder.create("a", 2)
    file.write([b"xyz"], 4)
    file.close()
    assert folder.read("a") == b"\0\0\0\0xyz"


def test_cut_and_trim(folder: LogFolder) -> None:
    file = folder.create("a", 10)
    file.write([b"0123456789"], 0)
    file.cut(6)
    assert folder.read("a") == b"012345"
    folder.trim("a", 20)
    assert folder.read("a") == b"012345"
    folder.trim("a", 2)
    assert folder.read("a") == b"01"
    file.close()


def test_rename_and_delete(folder: LogFolder) -> None:
    for name in ("b", "a", "c"):
        folder.create(name, 1).close()
    folder.rename("b", "d")
    assert folder.names() == ["a", "c", "d"]
    folder.delete(["d", "a"])
    assert folder.names() == ["c"]


def test_open_file_follows_its_rename(folder: LogFolder) -> None:
    file = folder.create("a", 3)
    folder.rename("a", "b")
    file.write([b"hi"], 0)
    file.close()
    assert folder.read("b") == b"hi\0"


def test_failed_creation_leaves_nothing(tmp_path: Path) -> None:
    """A file size limit is the one full disk that every machine has."""
    program = f"""
import errno, resource, signal
from pathlib import Path
from pegasus_server.mutation_log.folder import DiskFolder
resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder = DiskFolder(Path({str(tmp_path)!r}))
try:
    folder.create("a", 100_000)
except OSError as error:
    assert error.errno == errno.EFBIG, error
    assert folder.names() == []
file = folder.create("b", 60_000)
try:
    file.write([b"x" * 3000, b"y" * 7000], 60_000)
except OSError as error:
    assert error.errno == errno.EFBIG, error
print(len(folder.read("b")))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("65536\n", "")
