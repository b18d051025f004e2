"""kill -9 in a loop under load: every acknowledged write is there afterwards, with its value.

Writers send unique values and note what was acknowledged; the node is killed at a random moment and
started again on the same folder. A write whose outcome is unknown may be there or not, but then with
the value that was sent. The seed of a failing run is printed and can be set with KILL9_SEED.
"""

import os
import random
import threading
import time
from pathlib import Path

import pytest

from pegasus_tab.base.errors import OperationalError
from pegasus_tab.kv import connect
from tests.integration.node import Node

ROUNDS = int(os.environ.get("KILL9_ROUNDS", "5"))
WRITERS = 3
KEYS = 400
ROUND_SECONDS = (0.3, 1.2)


class Writer(threading.Thread):
    """Overwrites its own keys with ever newer values until the node dies under it.

    ``acknowledged[key]`` is the newest value the node confirmed, ``sent[key]`` the newest that left.
    Both survive the node's restarts; one writer owns its keys, so newest is well defined.
    """

    def __init__(self, number: int, dsn: str, seed: int) -> None:
        super().__init__(daemon=True)
        self.number = number
        self.dsn = dsn
        self.random = random.Random(seed * 100 + number)
        self.acknowledged: dict[bytes, int] = {}
        self.sent: dict[bytes, int] = {}
        self.writes = 0
        self.failure: BaseException | None = None
        self.stopping = threading.Event()

    def run(self) -> None:
        try:
            self.write_until_killed()
        except OperationalError:
            pass  # the node was killed: what the loop is for
        except BaseException as error:  # noqa: BLE001 -- reported by the test in its own thread
            self.failure = error

    def write_until_killed(self) -> None:
        with connect(self.dsn, timeout_ms=3000) as client:
            table = client.table("kill9")
            while not self.stopping.is_set():
                keys = [b"w%d-%d" % (self.number, self.random.randrange(KEYS)) for _ in range(16)]
                calls, values = [], []
                for key in dict.fromkeys(keys):
                    self.writes += 1
                    self.sent[key] = self.writes
                    values.append((key, self.writes))
                    calls.append(table.set_call(key, b"s", b"%d" % self.writes))
                for (key, value), result in zip(values, client.run(calls), strict=True):
                    if isinstance(result, Exception):
                        raise result
                    self.acknowledged[key] = value


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_kill9_in_a_loop_loses_no_acknowledged_write(tmp_path: Path) -> None:
    seed = int(os.environ.get("KILL9_SEED", str(time.time_ns() % 1_000_000)))
    moments = random.Random(seed)
    with Node(tmp_path / "data") as node:
        with connect(node.dsn) as client:
            client.create_table("kill9", partitions=4)
        writers = [Writer(i, node.dsn, seed) for i in range(WRITERS)]
        for _ in range(ROUNDS):
            writers = [successor(w) for w in writers]
            for writer in writers:
                writer.start()
            time.sleep(moments.uniform(*ROUND_SECONDS))
            node.kill()
            for writer in writers:
                writer.stopping.set()
                writer.join(30)
                assert writer.failure is None, f"KILL9_SEED={seed}: {writer.failure!r}"
            node.start()
            check(node, writers, seed)
        assert all(writer.acknowledged for writer in writers), (
            "no write was acknowledged: nothing was tested"
        )
        assert node.stop() == 0


def successor(writer: Writer) -> Writer:
    """Return a fresh thread that goes on where the last one stopped."""
    new = Writer(writer.number, writer.dsn, writer.random.randrange(1 << 30))
    new.acknowledged, new.sent, new.writes = writer.acknowledged, writer.sent, writer.writes
    return new


def check(node: Node, writers: list[Writer], seed: int) -> None:
    """Compare what the node holds with what it acknowledged."""
    with connect(node.dsn) as client:
        table = client.table("kill9")
        for writer in writers:
            for key, newest_sent in writer.sent.items():
                value = table.get(key, b"s")
                found = 0 if value is None else int(value)
                acknowledged = writer.acknowledged.get(key, 0)
                assert acknowledged <= found <= newest_sent, (
                    f"lost write: {key!r} acknowledged {acknowledged}, found {found}, sent {newest_sent}; "
                    f"replay with KILL9_SEED={seed}"
                )
                writer.acknowledged[key] = found
