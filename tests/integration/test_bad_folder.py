"""A real node on a folder whose files are wrong, each in turn: named, kept, and never a wrong row.

Beside test_standalone_damage.py (side files, lost folders, a flipped bit in the log) and
test_standalone_start.py (locked, foreign and newer folders).
"""

import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pegasus_server.runtime.startup_fault import EXIT_BAD_FOLDER
from pegasus_tab.base.errors import Error, InternalError
from pegasus_tab.kv import Client, connect
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.partition_hash import partition_index
from tests.integration.node import Node

pytestmark = pytest.mark.slow

KEYS = [b"key%d" % number for number in range(100)]
OLD, NEW = b"old" * 100, b"new" * 100
DAMAGED = 0


@pytest.fixture(scope="module")
def used_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder after kill -9: OLD is in the engines' files, NEW in the log alone."""
    node = Node(tmp_path_factory.mktemp("used") / "data")
    for value in (OLD, NEW):
        with node:
            with connect(node.dsn) as client:
                client.create_table("t", partitions=2, if_not_exists=True)
                for key in KEYS:
                    client.table("t").set(key, b"", value)
            if value == OLD:
                node.stop()
    return node.folder


@pytest.fixture
def folder(used_folder: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    copy = tmp_path / "data"
    shutil.copytree(used_folder, copy)
    return copy


def engine(folder: Path) -> Path:
    return folder / "replicas" / f"1.{DAMAGED}" / "db"


def garble(file: Path, start: int = 0) -> None:
    content = bytearray(file.read_bytes())
    for place in range(start, len(content), 97):
        content[place] ^= 0x5A
    file.write_bytes(content)


def each(pattern: str, change: Callable[[Path], object]) -> Callable[[Path], None]:
    """Return a damage: a change of every file of the engine that fits a pattern."""

    def damage(folder: Path) -> None:
        files = list(engine(folder).glob(pattern))
        assert files, "there is something to damage"
        for file in files:
            change(file)

    return damage


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def swap_replicas(folder: Path) -> None:
    one, other = (folder / "replicas" / name for name in ("1.0", "1.1"))
    one.rename(folder / "aside")
    other.rename(one)
    (folder / "aside").rename(other)


def copy_other_side_file(folder: Path) -> None:
    other = folder / "replicas" / f"1.{1 - DAMAGED}" / "side.json"
    shutil.copy(other, engine(folder).parent / "side.json")


def side_file_is_a_folder(folder: Path) -> None:
    side = engine(folder).parent / "side.json"
    side.unlink()
    side.mkdir()


def engine_is_a_file(folder: Path) -> None:
    shutil.rmtree(engine(folder))
    engine(folder).write_text("not a database")


@pytest.mark.parametrize(
    "damage",
    [
        each("*.sst", garble),
        each("*.sst", cut),
        each("*.sst", Path.unlink),
        each("CURRENT", Path.unlink),
        each("CURRENT", lambda file: file.write_text("MANIFEST-999999\n")),
        each("MANIFEST-*", garble),
        each("MANIFEST-*", cut),
        each("MANIFEST-*", Path.unlink),
        engine_is_a_file,
        copy_other_side_file,
        side_file_is_a_folder,
    ],
    ids=[
        *("sst garbled", "sst cut", "sst gone"),
        *("CURRENT gone", "CURRENT wrong"),
        *("MANIFEST garbled", "MANIFEST cut", "MANIFEST gone"),
        *("db is a file", "side.json of another replica", "side.json is a folder"),
    ],
)
def test_a_damaged_replica_is_named_and_kept_and_the_other_served(
    folder: Path, damage: Callable[[Path], None]
) -> None:
    damage(folder)
    before = contents(engine(folder))
    with Node(folder) as node, connect(node.dsn) as client:
        check(client, served={1 - DAMAGED})
        assert f"replica 1.{DAMAGED} is not served" in node.printed()
        assert node.stop() == 0
    assert contents(engine(folder)) == before, "what could be repaired is still there"


def contents(path: Path) -> dict[str, bytes]:
    """Return the data files below a path."""
    files = path.glob("*.sst") if path.is_dir() else [path]
    return {file.name: file.read_bytes() for file in files}


def check(client: Client, served: set[int]) -> None:
    """Every row is right or refused by name; the node takes reads and writes for what it serves."""
    table = client.table("t")
    for key in KEYS:
        if partition_index(key, b"", 2) in served:
            assert table.get(key, b"") == NEW
            table.set(key, b"", NEW)
            continue
        with pytest.raises(InternalError, match="ERR_CORRUPTION") as caught:
            table.get(key, b"")
        assert caught.value.sqlstate == "XX001"
        with pytest.raises(InternalError, match="ERR_CORRUPTION") as refused:
            table.set(key, b"", NEW)
        assert not refused.value.ambiguous


def test_damage_inside_a_data_file_is_found_when_it_is_read(folder: Path) -> None:
    each("*.sst", lambda file: overwrite(file, 200, bytes(300)))(folder)
    with Node(folder) as node, connect(node.dsn) as client:
        table, refused = client.table("t"), 0
        for key in KEYS:
            try:
                assert table.get(key, b"") == NEW
            except InternalError:
                refused += 1
        with pytest.raises(InternalError):
            list(table.scan_all())
        assert refused < len(KEYS)
        assert f"replica 1.{DAMAGED} stopped serving" in node.printed()
        assert node.stop() == 0


def overwrite(file: Path, place: int, data: bytes) -> None:
    content = bytearray(file.read_bytes())
    content[place : place + len(data)] = data
    file.write_bytes(content)


def test_replicas_in_each_other_s_place_are_not_served(folder: Path) -> None:
    swap_replicas(folder)
    with Node(folder) as node, connect(node.dsn) as client:
        check(client, served=set())
        assert "belongs to replica 1.1" in node.printed()
        assert node.stop() == 0


@pytest.mark.parametrize("content", [b"", b"\xff" * 5000], ids=["empty", "rubbish"])
def test_a_log_that_cannot_be_read_is_reported_and_nothing_old_is_served(
    folder: Path, content: bytes
) -> None:
    for segment in (folder / "log").glob("segment.*"):
        segment.write_bytes(content)
    for _ in range(2):  # and starting again does not make it good
        with Node(folder) as node:
            with connect(node.dsn) as client:
                check(client, served=set())
            assert "header is unreadable" in node.printed()
            assert node.stop() == 0


def refused_start(folder: Path, *before: str) -> tuple[int, str]:
    """Start a node that is expected to fail; return its exit code and its last line."""
    done = subprocess.run(
        [
            *(*before, sys.executable, "-m", "pegasus_server", "standalone"),
            *("--data", str(folder), "--port", "0"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr.strip().splitlines()[-1]


def log_gone(folder: Path) -> None:
    shutil.rmtree(folder / "log")


def log_is_a_file(folder: Path) -> None:
    log_gone(folder)
    (folder / "log").write_text("x")


def node_json(text: str) -> Callable[[Path], None]:
    return lambda folder: write(folder / "node.json", text)


def state_json(text: str) -> Callable[[Path], None]:
    return lambda folder: write(folder / "meta" / "state.json", text)


def write(file: Path, text: str) -> None:
    file.write_text(text)


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (log_gone, "holds no log"),
        (log_is_a_file, "cannot be written"),
        (node_json(""), "node.json is damaged"),
        (node_json("[]"), "node.json is damaged"),
        (node_json('{"format": 1, "cluster": "x", "node": 5}'), "segment.000001 belongs to node"),
        (lambda folder: (folder / "node.json").unlink(), "no node.json"),
        (state_json(""), "state.json cannot be used"),
        (state_json("[]"), "state.json cannot be used"),
        (state_json('{"format": 9}'), "format 9"),
    ],
    ids=[
        *("no log", "log is a file", "empty node.json", "list in node.json", "other node.json"),
        *("no node.json", "empty state.json", "list in state.json", "newer state.json"),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused_and_left_as_it_is(
    folder: Path, damage: Callable[[Path], None], named: str
) -> None:
    damage(folder)
    before = contents(engine(folder))
    code, said = refused_start(folder)
    assert code == EXIT_BAD_FOLDER
    assert named in said
    assert contents(engine(folder)) == before
    assert refused_start(folder)[0] == EXIT_BAD_FOLDER, "also the second time"


def test_a_lock_file_of_rubbish_is_no_obstacle(folder: Path) -> None:
    (folder / "node.lock").write_bytes(b"\xff\0" * 300)
    with Node(folder) as node, connect(node.dsn) as client:
        check(client, served={0, 1})


def needs(*command: str) -> None:
    """Skip where the kernel does not let this user do what the test needs."""
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip(f"not allowed here: {' '.join(command)}")


def test_a_folder_on_a_read_only_disk(folder: Path) -> None:
    needs("unshare", "-m", "true")
    script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    code, said = refused_start(folder, "unshare", "-m", "sh", "-c", script, str(folder))
    assert code == EXIT_BAD_FOLDER
    assert "Read-only file system" in said


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own with room for the node and some writes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    needs("mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", str(disk))
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def filler(key: bytes) -> bytes:
    """Return a value that does not compress, the same for the same key."""
    return random.Random(key).randbytes(5000)


@pytest.mark.timeout(300)
def test_a_disk_that_fills_up_stops_writes_and_loses_nothing(small_disk: Path) -> None:
    node = Node(small_disk / "data", "--free-bytes-min", str(24 << 20))
    node.output = small_disk.parent / "output"
    answered: list[bytes] = []
    with node, connect(node.dsn) as client, connect(node.dsn, timeout_ms=60_000) as patient:
        client.create_table("t", partitions=2)
        table = client.table("t")
        failure = None
        # A busy machine may take longer for an answer than this client waits; that is no refusal.
        while failure is None or "ERR_CAPACITY_EXCEEDED" not in str(failure):
            assert len(answered) < 20_000, "the disk did not fill up"
            keys = [b"%d" % (len(answered) + number) for number in range(100)]
            results = list(client.run(table.set_call(key, b"", filler(key)) for key in keys))
            failure = next((result for result in results if isinstance(result, Error)), None)
            done = zip(keys, results, strict=True)
            answered += [key for key, result in done if not isinstance(result, Error)]
        assert "bytes free" in node.printed()
        assert list(patient.run(table.get_call(encode_key(key, b"")) for key in answered[:50])) == [
            filler(key) for key in answered[:50]
        ], "reads go on"
        node.kill()
        node.options = ()
        subprocess.run(["mount", "-o", "remount,size=500m", str(small_disk)], check=True)
        node.start()
        for key, found in zip(
            answered,
            patient.run(table.get_call(encode_key(key, b"")) for key in answered),
            strict=True,
        ):
            assert found == filler(key)
        patient.table("t").set(b"after", b"", b"room again")
