"""GET and PUT through the wire protocol, beside raw RocksDB in process.

The load generator builds its frames before the clock starts and only counts reply bytes, so what is
measured is the server; it runs in this process on whatever core is left.
"""

import random
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from rocksdict import Options, Rdict, WriteOptions

from benchmarks import bare_echo
from benchmarks.awake import cores_awake
from benchmarks.figure import Figure, median_of, percentile
from benchmarks.node import running_node
from pegasus_tab.base.ids import Gpid
from pegasus_tab.kv import connect
from pegasus_tab.wire import codes
from pegasus_tab.wire.fast import get_request, put_request
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.partition_hash import partition_index

ROWS = 100_000
PARTITIONS = 8
VALUE = b"v" * 100
ROUNDS = 3
SINGLES = 5000


def hash_keys() -> list[bytes]:
    """Return the keys of all rows in a fixed random order."""
    keys = [b"user%08d" % i for i in range(ROWS)]
    random.Random(2).shuffle(keys)
    return keys


class Load:
    """Frames ready to send over one connection to one table."""

    def __init__(self, port: int, app_id: int) -> None:
        self.app_id = app_id
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def frames(self, name: bytes) -> list[bytes]:
        """Build one GET or PUT frame for each row."""
        built = []
        for seqid, hash_key in enumerate(hash_keys(), 1):
            gpid = Gpid(self.app_id, partition_index(hash_key, b"sort", PARTITIONS))
            key = encode_key(hash_key, b"sort")
            if name == codes.GET:
                built.append(get_request(seqid, gpid, 0, 5000, key))
            else:
                built.append(put_request(seqid, gpid, 0, 5000, key, VALUE, 0))
        return built

    def reply_bytes(self, frame: bytes) -> int:
        """Send one frame and return the length of its reply (equal for all rows)."""
        self.socket.sendall(frame)
        reply = self.socket.recv(65536)
        assert int.from_bytes(reply[:4], "big") == len(reply)
        return len(reply)

    def rate(self, frames: Sequence[bytes], depth: int) -> float:
        """Send all frames keeping at most ``depth`` outstanding; return operations a second."""
        reply_bytes = self.reply_bytes(frames[0])
        half = max(1, depth // 2)
        chunks = [b"".join(frames[i : i + half]) for i in range(0, len(frames), half)]
        receive, send = self.socket.recv, self.socket.sendall
        sent = received = 0
        window = 2 * half * reply_bytes
        start = time.perf_counter()
        for chunk, size in zip(chunks, map(len, batched(frames, half)), strict=True):
            while sent + size * reply_bytes - received > window:
                received += len(receive(1 << 20))
            send(chunk)
            sent += size * reply_bytes
        while received < sent:
            received += len(receive(1 << 20))
        assert received == sent, "replies of another length: an error was answered"
        return len(frames) / (time.perf_counter() - start)


def batched(items: Sequence[bytes], size: int) -> list[Sequence[bytes]]:
    """Cut ``items`` into runs of ``size``."""
    return [items[i : i + size] for i in range(0, len(items), size)]


def raw_rates(folder: Path) -> tuple[float, float]:
    """Return (get, put) operations a second of RocksDB in process, write-ahead log off."""
    db = Rdict(str(folder / "raw"), Options(raw_mode=True))
    options = WriteOptions()
    options.disable_wal = True  # type: ignore[assignment,method-assign]  # the stub is wrong
    db.set_write_options(options)
    keys = [encode_key(k, b"sort") for k in hash_keys()]
    start = time.perf_counter()
    for key in keys:
        db.put(key, VALUE)
    put = len(keys) / (time.perf_counter() - start)
    start = time.perf_counter()
    for key in keys:
        db.get(key)
    get = len(keys) / (time.perf_counter() - start)
    db.close()
    return get, put


def round_trips(port: int) -> list[float]:
    """Return the times of single GETs through the key-value client, in microseconds."""
    with connect(f"pegasus://127.0.0.1:{port}/") as client:
        table = client.table("bench")
        keys = hash_keys()[:SINGLES]
        times = []
        for key in keys:
            start = time.perf_counter()
            value = table.get(key, b"sort")
            times.append((time.perf_counter() - start) * 1e6)
            assert value == VALUE
        return times


def single_figures(how: str, port: int) -> list[Figure]:
    """Measure GETs one at a time beside bare round trips."""
    ours, bare = percentile(round_trips(port), 50), percentile(bare_echo.round_trips(SINGLES), 50)
    name = f"GET, one at a time, {how}, p50"
    return [Figure(name, ours, "us", 100, "bare echo of 100 bytes", bare)]


def figures(folder: Path) -> list[Figure]:
    """Measure GET and PUT; ``folder`` is empty scratch space on the disk to judge."""
    raw_get, raw_put = raw_rates(folder)
    with running_node(folder / "node") as port:
        with connect(f"pegasus://127.0.0.1:{port}/") as client:
            client.create_table("bench", partitions=PARTITIONS)
            app_id = client.table("bench").app_id
        load = Load(port, app_id)
        puts = load.frames(codes.PUT)
        put_64 = median_of(ROUNDS, lambda: load.rate(puts, 64))
        put_256 = median_of(ROUNDS, lambda: load.rate(puts, 256))
        gets = load.frames(codes.GET)
        get_64 = median_of(ROUNDS, lambda: load.rate(gets, 64))
        single = single_figures("as the machine is", port)
        with cores_awake():
            single += single_figures("cores kept awake", port)
    return [
        Figure(
            "GET, 64 outstanding, one server core", get_64, "/s", 150_000, "rocksdict get", raw_get
        ),
        *single,
        Figure(
            "PUT, fdatasync before the reply, 64 outstanding",
            put_64,
            "/s",
            None,
            "rocksdict put, no log",
            raw_put,
        ),
        Figure(
            "PUT, fdatasync before the reply, 256 outstanding",
            put_256,
            "/s",
            40_000,
            "rocksdict put, no log",
            raw_put,
        ),
    ]
