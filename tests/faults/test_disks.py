"""Disks that fail, fill up or are slow, and files that are damaged (F03, F06, F07, F25 to F35)."""

import errno
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from pegasus_tab.base.errors import Error
from pegasus_tab.base.limits import MIB
from pegasus_tab.kv import connect
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.partition_hash import partition_index
from tests.faults.cluster import TABLE, FaultCluster
from tests.faults.disks import (
    PowerDisk,
    fill,
    flip_bit,
    last_segment,
    power_disks,
    replicas,
    small_disk,
    written_bytes,
)
from tests.faults.shim import Rule
from tests.faults.trial import Trial, trial
from tests.integration.cluster import Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SMALL_LOG = f"segment_bytes_max = {4 * MIB}\nlog_bytes_max = {16 * MIB}\n"
SMALL_LOG_BYTES_MAX = 32 * MIB
"""What such a log may take on disk, with the segments being written and made."""
FLUSHES = "flush_ms = 1000\n"
DISK_BYTES = 200 * MIB
POURED_ROWS = 6000
POURED_BYTES = 4000
"""So much that a learner needs files: a primary keeps less for learners in memory."""
TAIL_BYTES = 4000
"""How much of a log's end is lost at most."""


def has_ended(server: Server) -> Callable[[], bool]:
    """Return what tells whether a server's process ended."""
    return lambda: server.process is not None and server.process.poll() is not None


def has_files(server: Server) -> Callable[[], bool]:
    """Return what tells whether every engine of a server wrote rows to files."""
    return lambda: all(list(each.glob("db/*.sst")) for each in replicas(server))


# -- disks that fail -----------------------------------------------------------------------------


def fail_sync(run: Trial) -> None:
    """F25: a server whose log cannot be synced acknowledges nothing more and ends."""
    victim = run.cluster.primary()
    run.cluster.shim(victim).obey(Rule("sync", "errno", errno.EIO, "/log/"))
    run.wait_for("it ended", has_ended(victim))
    assert victim.process is not None
    assert victim.process.returncode > 0, "by itself, and not as if all were well"
    run.wait_for("others serve", lambda: run.cluster.serves_nothing(victim))
    run.wait_for_answers()


def fail_flush(run: Trial) -> None:
    """F26: a replica whose engine cannot write is set aside, the others serve."""
    victim = run.cluster.primary()
    run.cluster.shim(victim).obey(Rule("write", "errno", errno.EIO, ".sst"))
    run.wait_for("others serve", lambda: run.cluster.serves_nothing(victim))
    run.wait_for_answers()
    victim.kill()


def fail_only_copy(run: Trial) -> None:
    """F26: where there is no other copy, what the log has of it is kept, and the log stays small."""
    with connect(run.cluster.dsn) as client:
        client.create_table("lone", 2, 1)
        table = client.table("lone")
        table.set(b"k", b"before", b"v")
        index = partition_index(b"k", b"", 2)
        part = client.partitions("lone")[index]
        victim = run.cluster.server(str(part.primary))
        run.cluster.shim(victim).obey(Rule("write", "errno", errno.EIO, f"/{part.pid}/db"))
        sets = [table.set_call(b"k", b"%d" % each, b"v%d" % each) for each in range(100)]
        answers = list(client.run(sets))
        acknowledged = {
            b"%d" % each: b"v%d" % each
            for each, answer in enumerate(answers)
            if not isinstance(answer, Error)
        }
        assert acknowledged
        run.wait_for("its engine failed", lambda: "set aside" in victim.printed())
        pour(run)
        pour(run)
        run.wait_for("the log let go of it", lambda: "and the log is full" in victim.printed())
        diagnose = client.cluster().diagnose
        run.wait_for(
            "the operator is told what to do",
            lambda: any("restart it" in each.reason for each in diagnose(part.pid)),
        )
        run.wait_for("the log is small", lambda: log_bytes(victim) < SMALL_LOG_BYTES_MAX)
        victim.kill()
        run.cluster.shim(victim).obey()
        victim.start()
        run.wait_for("it is served again", lambda: bool(client.partitions("lone")[index].primary))
        rows, _ = table.multi_get(b"k")
    assert acknowledged.items() | {(b"before", b"v")} <= dict(rows).items()


def log_bytes(server: Server) -> int:
    """Return what a server's log takes, its reserved space included."""
    return sum(each.stat().st_size for each in (server.folder / "log").glob("segment.*"))


def fail_reads(run: Trial) -> None:
    """F26: neither does a server serve what it cannot read."""
    victim = run.cluster.primary()
    run.wait_for("rows are in files", has_files(victim))
    victim.kill()
    run.cluster.shim(victim).obey(Rule("read", "errno", errno.EIO, ".sst"))
    victim.start()
    run.wait_for("others serve", lambda: run.cluster.serves_nothing(victim))
    run.wait_for_answers()
    victim.kill()


def slow_sync(run: Trial) -> None:
    """F28: a primary whose disk is too slow hands over."""
    victim = run.cluster.primary()
    run.cluster.shim(victim).obey(Rule("sync", "sleep", 5000, "/log/"))
    run.wait_for("others serve", lambda: run.cluster.serves_nothing(victim))
    run.wait_for_some_answers()


def slow_follower(run: Trial, sync_ms: int) -> None:
    """F28: a server that is removed for slowness again and again is left alone for a while."""
    victim = run.cluster.secondary()
    run.cluster.shim(victim).obey(Rule("sync", "sleep", sync_ms, "/log/"))
    run.wait_for("it rests", lambda: run.cluster.rests(victim))
    run.wait_for("it is in no partition", lambda: run.cluster.follows_nothing(victim))
    run.wait_for_answers()
    assert run.cluster.follows_nothing(victim), "it was left alone meanwhile"
    victim.kill()  # a new process begins with nothing against it


def kill_learner_at_each_step(run: Trial) -> None:
    """F03: whatever a dying learner leaves, the next attempt begins anew."""
    pour(run)
    victim = run.cluster.secondary()
    for call in ("write", "sync", "rename"):
        victim.kill()
        shutil.rmtree(victim.folder)
        run.cluster.shim(victim).obey(Rule(call, "kill", 0, "learned"))
        victim.start()
        run.wait_for(f"it died at its first {call}", has_ended(victim))
    run.cluster.shim(victim).obey()
    victim.start()


def pour(run: Trial) -> None:
    """Write so much that learning takes files."""
    with connect(run.cluster.dsn) as client:
        table = client.table(TABLE)
        calls = (
            table.put_call(encode_key(b"poured%d" % row, b""), run.random.randbytes(POURED_BYTES))
            for row in range(POURED_ROWS)
        )
        for _ in client.run(calls):
            pass


SHIMMED = [
    pytest.param(fail_sync, "", id="F25"),
    pytest.param(fail_flush, FLUSHES, id="F26-flush", marks=pytest.mark.services),
    pytest.param(
        fail_only_copy, SMALL_LOG + FLUSHES, id="F26-only-copy", marks=pytest.mark.services
    ),
    pytest.param(fail_reads, FLUSHES, id="F26-read", marks=pytest.mark.services),
    pytest.param(slow_sync, "", id="F28", marks=pytest.mark.services),
    pytest.param(
        partial(slow_follower, sync_ms=3500), "", id="F28-follower", marks=pytest.mark.services
    ),
    # Too slow even for a learner, which is given more time, to become a secondary.
    pytest.param(
        partial(slow_follower, sync_ms=6000), "", id="F28-learner", marks=pytest.mark.services
    ),
    pytest.param(kill_learner_at_each_step, SMALL_LOG, id="F03", marks=pytest.mark.services),
]


@pytest.mark.parametrize(("fault", "lines"), SHIMMED)
def test_failing(fault: Callable[[Trial], None], lines: str, tmp_path: Path, seed: int) -> None:
    with trial(FaultCluster(tmp_path, lines, has_shim=True), seed) as run:
        fault(run)


# -- disks that fill up --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "part",
    [
        pytest.param("", id="F27-both"),
        pytest.param("log", id="F27-log", marks=pytest.mark.services),
        pytest.param("replicas", id="F27-data", marks=pytest.mark.services),
    ],
)
def test_full(part: str, tmp_path: Path, seed: int) -> None:
    """F27: writes are refused with the reason, reads go on, and all resumes by itself."""
    cluster = FaultCluster(tmp_path, SMALL_LOG)
    victim = cluster.replicas[0]
    victim.start()
    victim.stop()  # its folder is there now
    with small_disk(victim.folder / part, DISK_BYTES), trial(cluster, seed) as run:
        filler = fill(victim.folder / part)
        run.wait_for("it refuses writes", lambda: "writes are refused" in victim.printed())
        run.wait_for_some_answers()
        filler.unlink()
        run.wait_for("it takes writes again", lambda: "writes resume" in victim.printed())
        run.wait_for_answers()


# -- power cuts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(3, id="F06", marks=pytest.mark.services),
        pytest.param(1, id="F07", marks=pytest.mark.services),
    ],
)
def test_power_cut(count: int, tmp_path: Path, seed: int) -> None:
    """F06, F07: what was acknowledged was synced, on all three."""
    cluster = FaultCluster(tmp_path, SMALL_LOG + FLUSHES)
    folders = [each.folder for each in cluster.replicas]
    with power_disks(folders, DISK_BYTES) as disks, trial(cluster, seed) as run:
        run.wait_for("engines wrote files", has_files(cluster.replicas[0]))
        cut: list[tuple[PowerDisk, Server]] = list(zip(disks, cluster.replicas, strict=True))
        for disk, server in cut[:count]:
            disk.cut_power(server)


# -- files that are damaged ----------------------------------------------------------------------


def flip_log_bit(run: Trial, victim: Server) -> None:
    """F29: damage before what was synced later is no torn tail."""
    segment = last_segment(victim)
    size = written_bytes(segment)
    flip_bit(segment, size // 4, size // 2, run.random)


def cut_log_tail(run: Trial, victim: Server) -> None:
    """F30: a log that ends anywhere."""
    segment = last_segment(victim)
    size = written_bytes(segment)
    with segment.open("r+b") as log:
        log.truncate(size - run.random.randrange(min(TAIL_BYTES, size)))


def append_garbage(run: Trial, victim: Server) -> None:
    """F30: a log with something else behind its end."""
    segment = last_segment(victim)
    with segment.open("r+b") as log:
        log.seek(written_bytes(segment))
        log.write(run.random.randbytes(TAIL_BYTES))


def zero_side_files(_: Trial, victim: Server) -> None:
    """F33: nobody remembers what was durable."""
    for replica in replicas(victim):
        side = replica / "side.json"
        side.write_bytes(bytes(side.stat().st_size))


def remove_side_files(_: Trial, victim: Server) -> None:
    """F33: nor if the files are gone."""
    for replica in replicas(victim):
        (replica / "side.json").unlink()


def half_delete_replicas(run: Trial, victim: Server) -> None:
    """F34: one replica lost some files, one was being made, one was being deleted."""
    first, second, third, *_ = replicas(victim)
    for file in sorted((first / "db").iterdir()):
        if run.random.random() < 0.5:
            file.unlink()
    second.rename(second.with_name(second.name + ".tmp"))
    third.rename(third.with_name(third.name + ".gone"))


DAMAGES = [
    pytest.param(flip_log_bit, id="F29", marks=pytest.mark.services),
    pytest.param(cut_log_tail, id="F30-cut"),
    pytest.param(append_garbage, id="F30-garbage", marks=pytest.mark.services),
    pytest.param(zero_side_files, id="F33-zeroed", marks=pytest.mark.services),
    pytest.param(remove_side_files, id="F33-missing", marks=pytest.mark.services),
    pytest.param(half_delete_replicas, id="F34", marks=pytest.mark.services),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged(damage: Callable[[Trial, Server], None], tmp_path: Path, seed: int) -> None:
    """A server that died finds its files damaged when it comes back."""
    with trial(FaultCluster(tmp_path, FLUSHES), seed) as run:
        victim = run.cluster.primary()
        run.wait_for("rows are in files", has_files(victim))
        victim.kill()
        damage(run, victim)
        victim.start()
        run.wait_for_answers()


@pytest.mark.services
@pytest.mark.parametrize("kept", [pytest.param(0, id="F35-0"), pytest.param(2, id="F35-2")])
def test_two_of_three_disks_lost(kept: int, tmp_path: Path, seed: int) -> None:
    """F35: the third, which every configuration names, has everything."""
    with trial(FaultCluster(tmp_path), seed) as run:
        for server in run.cluster.replicas:
            server.kill()
        for number, server in enumerate(run.cluster.replicas):
            if number != kept:
                shutil.rmtree(server.folder)
