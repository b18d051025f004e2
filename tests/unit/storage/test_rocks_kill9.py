"""A real kill -9 of a writing process: decree and rows agree exactly, and what was durable is there.

The child applies batches, one unique row a decree among rows that overwrite each other, flushes now
and then, and notes the durable decree in the side file, as a replica does.
"""

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pegasus_server.storage.rocks import RocksEngine
from pegasus_server.storage.rocks_options import RocksMemory
from pegasus_server.storage.side_file import ReplicaRecord, read_side_file, write_side_file
from pegasus_tab.base.ids import Ballot, Decree

ROUNDS = 4
SMALL = 1 << 20
"""Write buffers this small make RocksDB flush by itself too, at decrees nobody chose."""


def open_engine(folder: Path) -> RocksEngine:
    durable = read_side_file(folder / "side.json").durable_decree
    return RocksEngine.open(folder / "db", durable_decree=durable, memory=RocksMemory(SMALL, SMALL))


def note_durable(folder: Path, decree: Decree) -> None:
    record = ReplicaRecord(app_id=1, partition_index=0, ballot=Ballot(1), durable_decree=decree)
    write_side_file(folder / "side.json", record)


def write_for_ever(folder: Path) -> None:
    engine = open_engine(folder)
    decree = engine.applied_decree
    print("open", flush=True)  # noqa: T201 -- the parent counts lines instead of sleeping
    while True:
        decree = Decree(decree + 1)
        number = b"%d" % decree
        row = (b"row%012d" % decree, number * 20)
        engine.apply([row, (b"a%d" % (decree % 7), number), (b"z%d" % (decree % 5), None)], decree)
        if decree % 1000 == 0:
            note_durable(folder, engine.flush())
        if decree % 250 == 0:
            print(decree, flush=True)  # noqa: T201 -- as above


def check(folder: Path) -> Decree:
    engine = open_engine(folder)
    decree = engine.applied_decree
    rows = [int(key[3:]) for key, _ in engine.scan(b"row", b"row~")]
    assert rows == list(range(1, decree + 1))
    for last in range(max(1, decree - 6), decree + 1):
        assert engine.get(b"a%d" % (last % 7)) == b"%d" % last
    engine.close()
    return decree


@pytest.mark.slow
def test_decree_and_rows_agree_after_every_kill(tmp_path: Path) -> None:
    choose = random.Random(1)
    note_durable(tmp_path, Decree(0))
    before = Decree(0)
    for _ in range(ROUNDS):
        child = subprocess.Popen(
            [sys.executable, __file__, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        for _ in range(choose.randrange(2, 60)):
            assert child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        child.stdout.close()
        assert child.wait() == -signal.SIGKILL
        after = check(tmp_path)
        assert after >= before
        before = after
    assert before > 0


if __name__ == "__main__":
    write_for_ever(Path(sys.argv[1]))
