"""kill -9 in a loop: every acknowledged mutation is in the log, and nothing but what was written."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from pegasus_server.mutation_log.files import SharedLog
from pegasus_server.mutation_log.replay import Replay
from pegasus_tab.base.ids import Decree, Gpid
from tests.integration import log_writer


def write_until_killed(folder: Path, durability: str, lines: int) -> dict[int, int]:
    """Kill a writer in the middle of its work; return the highest acknowledged decrees."""
    with subprocess.Popen(
        [sys.executable, log_writer.__file__ or "", str(folder), durability],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as writer:
        assert writer.stdout is not None
        acked = [writer.stdout.readline() for _ in range(lines)]
        writer.kill()
        acked += writer.stdout.readlines()
    highest: dict[int, int] = {}
    for line in acked:
        assert line.endswith(b"\n"), "the writer ended by itself"
        index, decree = map(int, line.split())
        assert decree > highest.get(index, 0), "acknowledged in order"
        highest[index] = decree
    return highest


def replayed(folder: Path) -> Replay:
    log, replay = SharedLog.open(
        folder,
        cluster="cluster",
        node="node",
        segment_bytes_max=log_writer.SEGMENT_BYTES,
        durable={Gpid(1, index): Decree(0) for index in range(log_writer.PARTITIONS)},
        entropy=os.urandom,
    )
    log.close()
    return replay


def check_rounds(folder: Path, durability: str, rounds: int, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(rounds):
        acked = write_until_killed(folder, durability, rng.randrange(1, 3000))
        replay = replayed(folder)
        for gpid, replica in replay.replicas.items():
            assert replica.suspect is None, replay.findings
            decrees = [mutation.decree for mutation in replica.mutations]
            assert decrees == list(range(1, len(decrees) + 1))
            assert len(decrees) >= acked.get(gpid.partition_index, 0)
            for mutation in replica.mutations:
                body = f"{gpid}:{mutation.decree}".encode() * (1 + mutation.decree % 40)
                assert mutation.body == body


@pytest.mark.parametrize("durability", ["sync", "os", "interval:5"])
def test_acknowledged_mutations_survive(tmp_path: Path, durability: str) -> None:
    """In every class: the page cache survives the process."""
    check_rounds(tmp_path / "log", durability, rounds=2, seed=7)


@pytest.mark.slow
def test_many_kills(tmp_path: Path) -> None:
    check_rounds(tmp_path / "log", "sync", rounds=10, seed=11)
