"""A real node whose files were damaged: what is whole is served, what is not is named and kept."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pegasus_server.runtime.startup_fault import EXIT_DISK_FAILED
from pegasus_tab.wire import codes
from tests.integration.node import Node
from tests.integration.wire_client import FrameworkError, WireClient, WireTable

pytestmark = pytest.mark.slow

KEYS = [b"key%d" % number for number in range(40)]


def zero_side_file(replica: Path) -> None:
    file = replica / "side.json"
    file.write_bytes(b"\0" * file.stat().st_size)


def remove_side_file(replica: Path) -> None:
    (replica / "side.json").unlink()


def remove_engine(replica: Path) -> None:
    shutil.rmtree(replica / "db")


def remove_replica(replica: Path) -> None:
    shutil.rmtree(replica)


def newer_side_file(replica: Path) -> None:
    file = replica / "side.json"
    file.write_text(file.read_text().replace('"format":1', '"format":2'))


@pytest.mark.parametrize(
    "damage", [zero_side_file, remove_side_file, remove_engine, remove_replica, newer_side_file]
)
def test_one_damaged_replica_is_not_served_and_the_others_are(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    node = Node(tmp_path / "data")
    with node:
        with WireClient(node.port) as client:
            table = client.create("t")
            for key in KEYS:
                table.put(key, b"v")
        node.stop()
        damage(node.folder / "replicas" / "1.2")
        node.start()
        with WireClient(node.port) as client:
            table = client.table("t")
            check_all_but(table, 2)
        assert "replica 1.2 is not served" in node.printed()
        assert node.stop() == 0


def check_all_but(table: WireTable, damaged: int) -> None:
    for key in KEYS:
        if table.gpid(key).partition_index != damaged:
            assert table.get(key) == b"v"
            assert table.put(key, b"v").error == codes.Status.OK
            continue
        with pytest.raises(FrameworkError, match=codes.ERR_CORRUPTION):
            table.get(key)
        with pytest.raises(FrameworkError, match=codes.ERR_CORRUPTION):
            table.put(key, b"w")


def test_a_flipped_bit_in_the_log_is_reported_and_costs_no_other_replica(tmp_path: Path) -> None:
    node = Node(tmp_path / "data")
    with node:
        with WireClient(node.port) as client:
            table = client.create("t")
            for key in KEYS:
                table.put(key, b"v" * 200)
        node.kill()
        (segment,) = (node.folder / "log").glob("segment.0*")
        content = bytearray(segment.read_bytes())
        place = content.index(b"v" * 200)
        content[place + 7] ^= 1
        segment.write_bytes(content)
        node.start()
        with WireClient(node.port) as client:
            table = client.table("t")
            refused = {table.gpid(key).partition_index for key in KEYS if is_refused(table, key)}
        assert len(refused) == 1
        assert f"replica 1.{refused.pop()} is not served" in node.printed()


def test_a_missing_newest_segment_is_reported_and_its_loss_can_be_accepted(
    tmp_path: Path,
) -> None:
    node = Node(tmp_path / "data")
    with node:
        with WireClient(node.port) as client:
            table = client.create("t")
            for key in KEYS:
                table.put(key, b"old")
        assert node.stop() == 0
        node.start()
        with WireClient(node.port) as client:
            table = client.table("t")
            for key in KEYS:
                table.put(key, b"new")
        node.kill()
        newest = max((node.folder / "log").glob("segment.0*"))
        newest.unlink()
        gpids = {table.gpid(key) for key in KEYS}
        for _ in range(2):  # and starting again does not make it good
            node.start()
            with WireClient(node.port) as client:
                for key in KEYS:
                    with pytest.raises(FrameworkError, match=codes.ERR_CORRUPTION):
                        client.table("t").get(key)
            node.kill()
        assert "segment 2 of the log is missing" in node.printed()
        for options in ([f"--accept-loss={gpid}" for gpid in gpids], []):
            node.options = options
            node.start()
            with WireClient(node.port) as client:
                table = client.table("t")
                assert {table.get(key) for key in KEYS} == {b"old"}
            node.kill()
        node.start()
        with WireClient(node.port) as client:
            table = client.table("t")
            for key in KEYS:
                assert table.put(key, b"again").error == codes.Status.OK
        node.kill()
        node.start()
        with WireClient(node.port) as client:
            table = client.table("t")
            assert {table.get(key) for key in KEYS} == {b"again"}


def test_what_a_damaged_block_cost_can_be_accepted(tmp_path: Path) -> None:
    node = Node(tmp_path / "data")
    with node:
        with WireClient(node.port) as client:
            table = client.create("t")
            key, (app_id, index) = b"key", table.gpid(b"key")
            for number in range(5):
                table.put(key, b"value %d" % number * 20)
        node.kill()
        (segment,) = (node.folder / "log").glob("segment.0*")
        content = bytearray(segment.read_bytes())
        content[content.index(b"value 2") + 3] ^= 1
        segment.write_bytes(content)
        node.start()
        with WireClient(node.port) as client, pytest.raises(FrameworkError):
            client.table("t").get(key)
        assert f"start once with --accept-loss {app_id}.{index} to serve" in node.printed()
        node.kill()
        node.options = ["--accept-loss", f"{app_id}.{index}", "--accept-loss", "9.9"]
        node.start()
        with WireClient(node.port) as client:
            assert client.table("t").get(key) == b"value 1" * 20
        printed = node.printed()
        assert f"replica {app_id}.{index}: accepted the loss of everything after" in printed
        assert "--accept-loss 9.9: there is no such replica here" in printed
        assert node.stop() == 0


def test_a_creation_that_a_crash_interrupted_is_finished_at_the_next_start(
    tmp_path: Path,
) -> None:
    node = Node(tmp_path / "data")
    with node:
        with WireClient(node.port) as client:
            client.create("t")
        node.kill()
        state = node.folder / "meta" / "state.json"
        state.write_text(state.read_text().replace('"status": 1', '"status": 2'))
        for index in (2, 3):
            shutil.rmtree(node.folder / "replicas" / f"1.{index}")
        (node.folder / "replicas" / "1.3.tmp").mkdir()
        node.start()
        with WireClient(node.port) as client:
            while client.config("t").err == codes.ERR_BUSY_CREATING:
                os.sched_yield()
            table = client.table("t")
            for key in KEYS:
                assert table.put(key, b"v").error == codes.Status.OK


FAILING_SYNC = """
import errno, os, sys
real = os.fdatasync
def fdatasync(descriptor):
    if os.path.exists(sys.argv[-1]):
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    real(descriptor)
os.fdatasync = fdatasync
from pegasus_server.runtime.main import main
sys.exit(main(sys.argv[1:-1]))
"""


def test_a_failed_sync_ends_the_process_and_nothing_is_acknowledged_after_it(
    tmp_path: Path,
) -> None:
    port_file, fault = tmp_path / "port", tmp_path / "fault"
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", FAILING_SYNC, "standalone", "--data", str(tmp_path / "data")),
            *("--port", "0", "--port-file", str(port_file), str(fault)),
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        while not port_file.exists():
            assert process.poll() is None
            os.sched_yield()
        with WireClient(int(port_file.read_text())) as client:
            table = client.create("t")
            assert table.put(b"k", b"v").error == codes.Status.OK
            fault.touch()
            with pytest.raises(ConnectionResetError):
                table.put(b"k", b"w")
        assert process.wait(30) == EXIT_DISK_FAILED
    finally:
        process.kill()
        process.wait()
    fault.unlink()
    node = Node(tmp_path / "data")
    with node, WireClient(node.port) as client:
        assert client.table("t").get(b"k") in (b"v", b"w")


def is_refused(table: WireTable, key: bytes) -> bool:
    try:
        value = table.get(key)
    except FrameworkError:
        return True
    assert value == b"v" * 200
    return False
