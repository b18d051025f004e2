"""Damaged files of a replica: another copy serves, the bytes are kept, the server learns anew.

Fault matrix F31 to F34, and a log that is gone.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pegasus_server.storage.side_file import read_side_file
from pegasus_tab.kv import connect
from tests.integration.cluster import Cluster, Server
from tests.integration.cluster_table import ClusterTable

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

FLUSHED_SOON = "flush_ms = 300\n"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path, lines=FLUSHED_SOON) as cluster:
        yield cluster


def replica_folders(server: Server) -> list[Path]:
    """List the replicas of a server, by partition."""
    return sorted(each for each in (server.folder / "replicas").iterdir() if not each.suffix[2:])


def reasons(server: Server) -> list[str]:
    """Return why the quarantined replicas of a server are there."""
    kept = sorted((server.folder / "quarantine").glob("*"))
    return [(each / "reason").read_text() for each in kept]


def is_flushed(folder: Path) -> bool:
    return read_side_file(folder / "side.json").durable_decree > 2


def flip(path: Path) -> None:
    """Turn a bit in every 2000 bytes of a file over."""
    content = bytearray(path.read_bytes())
    for place in range(100, len(content), 2000):
        content[place] ^= 0x10
    with path.open("r+b") as file:
        file.write(content)


def test_what_is_damaged_at_a_start_is_kept_and_learned_anew(cluster: Cluster) -> None:
    with connect(cluster.dsn) as client:
        table = ClusterTable(cluster, client)
        table.pour("before", 4000)
        victim = cluster.replicas[0]
        table.await_that(
            "engines are flushed", lambda: all(map(is_flushed, replica_folders(victim)))
        )
        victim.kill()
        zeroed, unlinked, current, manifest = replica_folders(victim)
        (zeroed / "side.json").write_bytes(bytes(200))
        (unlinked / "side.json").unlink()
        (current / "db" / "CURRENT").write_bytes(b"MANIFEST-999999\n")
        (found,) = (manifest / "db").glob("MANIFEST-*")
        found.write_bytes(found.read_bytes()[:60])
        half_made = victim.folder / "replicas" / "99.0.tmp"
        half_made.mkdir()
        table.pour("meanwhile", 400)
        printed = len(victim.printed())
        victim.start()
        assert not half_made.exists()
        table.await_that("four are in quarantine", lambda: len(reasons(victim)) == 4)
        table.await_learned(victim, printed)
        table.check_copies()
    assert all("damaged" in each or "missing" in each for each in reasons(victim))


def test_bit_flip_in_a_table_file_never_shows(cluster: Cluster) -> None:
    """A primary that reads a damaged block steps back; no client sees a wrong or missing row."""
    with connect(cluster.dsn) as client:
        table = ClusterTable(cluster, client)
        table.pour("row", 4000)
        leader = cluster.server(str(table.config().partitions[0].primary))
        folder = replica_folders(leader)[0]
        table.await_that("it is flushed", lambda: is_flushed(folder))
        printed = len(leader.printed())
        for path in (folder / "db").glob("*.sst"):
            flip(path)
        table.check()
        table.await_that("the damage was met", lambda: bool(reasons(leader)))
        table.await_learned(leader, printed, [0])
        table.check_copies()


def test_server_without_its_log_learns_again(cluster: Cluster) -> None:
    """What it acknowledged last was in the log alone, so nothing it says counts until then."""
    with connect(cluster.dsn) as client:
        table = ClusterTable(cluster, client)
        table.pour("before", 2000)
        victim = cluster.replicas[0]
        kept = {each.name for each in replica_folders(victim)}
        victim.kill()
        shutil.rmtree(victim.folder / "log")
        printed = len(victim.printed())
        victim.start()
        table.pour("after", 400)
        table.await_that("it said so", lambda: "holds no log" in victim.printed())
        table.await_learned(victim, printed)
        assert {each.name for each in replica_folders(victim)} == kept
        table.check_copies()
