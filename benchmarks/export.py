"""Export: the demo's flights from a checkpoint to Parquet, beside a raw scan of the same checkpoint.

The worker runs as its server runs it, in a process of its own; CPU time is what counts, so that
other work on the machine does not. The raw scan writes keys and values as they are.
"""

import datetime as dt
import json
import resource
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import pegasus_tab
from benchmarks.figure import Figure, percentile
from benchmarks.node import running_node
from pegasus_server.data.value import encode_value, timetag
from pegasus_server.storage.engine import ROW_KEYS_END
from pegasus_server.storage.rocks import RocksEngine, RocksMemory
from pegasus_shell.demo.dataset import TABLES
from pegasus_tab.base.ids import Decree
from pegasus_tab.base.limits import KIB, MIB
from pegasus_tab.kv.jobs import OVER, find_job
from pegasus_tab.tabular.arrow import arrow_schema, encode_batch
from pegasus_tab.tabular.create import ColumnSpec, new_schema
from pegasus_tab.tabular.schema import ColumnType, Kind, Schema
from pegasus_tab.tabular.schema_json import to_json
from pegasus_tab.wire.keys import encode_key

COPIES = 6
"""Flights a few years later, so that the run is long enough to measure: 2 M rows."""
GROUP_ROWS = 256 * KIB
READ_ROWS = 200_000
READS = 10_000
FLOOR_ROWS = 500_000


def figures(folder: Path) -> list[Figure]:
    """Measure one partition's export per second of CPU."""
    schema = flights_schema()
    checkpoint = folder / "checkpoint"
    rows = fill(folder / "db", checkpoint, schema)
    raw = cpu_seconds(sys.executable, "-m", "benchmarks.export", str(checkpoint), str(folder))
    order = json.dumps(partition_order(folder, checkpoint, schema))
    exported = cpu_seconds(sys.executable, "-m", "pegasus_server.transfer", order=order)
    bare = cpu_seconds(sys.executable, "-c", "import pegasus_server.transfer.steps")
    value, baseline = rows / (exported - bare), rows / (raw - bare)
    calm_ms, busy_ms = read_latencies(folder)
    return [
        Figure(
            "export, rows per second of CPU (19 columns)",
            value,
            "/s",
            max(FLOOR_ROWS, 0.6 * baseline),
            "raw scan of RocksDB to Parquet",
            baseline,
        ),
        Figure(
            "point read during an export, p99",
            busy_ms,
            "ms",
            2 * calm_ms,
            "the same without an export",
            calm_ms,
        ),
    ]


def read_latencies(folder: Path) -> tuple[float, float]:
    """Return the p99 of point reads of a node, calm and during an export, in milliseconds."""
    with (
        running_node(folder / "node") as port,
        pegasus_tab.connect(f"pegasus://127.0.0.1:{port}/") as connection,
    ):
        connection.execute("CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT, v DOUBLE)")
        rows = ((i, f"name {i}", i / 3) for i in range(READ_ROWS))
        connection.cursor().executemany("UPSERT INTO t VALUES (?, ?, ?)", rows)
        calm = percentile([read_ms(connection, i) for i in range(READS)], 99)
        busy: list[float] = []
        for round_ in range(3):
            target = folder / f"copy{round_}"
            copy = f"COPY t TO '{target}' (WAIT FALSE)"
            ((job,),) = connection.execute(copy).fetchall()
            while find_job(connection.session.client, job).state not in OVER:
                busy += [read_ms(connection, i) for i in range(200)]
        return calm, percentile(busy, 99)


def read_ms(connection: pegasus_tab.Connection, number: int) -> float:
    """Return how long one point query takes."""
    key = number * 7919 % READ_ROWS
    start = time.perf_counter()
    rows = connection.execute("SELECT name FROM t WHERE id = ?", (key,)).fetchall()
    taken = (time.perf_counter() - start) * 1000
    assert rows == [(f"name {key}",)]
    return taken


def flights_schema() -> Schema:
    """Return the schema of the demo's largest table."""
    flights = TABLES[-1]
    specs = [ColumnSpec(name, ColumnType(Kind(kind))) for name, kind in flights.columns]
    return new_schema(specs, ["carrier", "flight"], [("time_hour", False)])


def fill(path: Path, checkpoint: Path, schema: Schema) -> int:
    """Write the flights several times over and make a checkpoint; return the rows."""
    engine = RocksEngine.open(path, durable_decree=Decree(0))
    tag = timetag(1_700_000_000_000_000)
    names = [name for name, _ in TABLES[-1].columns]
    keys_written = set()
    for copy in range(COPIES):
        source = TABLES[-1].read()
        while chunk := list(islice(source, 50_000)):
            shifted = [(*row[:-1], later(row[-1], copy)) for row in chunk]
            columns = dict(zip(names, zip(*shifted, strict=True), strict=True))
            batch = pa.RecordBatch.from_pydict(
                {name: list(columns[name]) for name in names},
                schema=arrow_schema(schema, [column.id for column in schema.columns]),
            )
            hash_keys, sort_keys, values = encode_batch(schema, batch)
            pairs = [
                (encode_key(*key), encode_value(value, 0, tag))
                for *key, value in zip(hash_keys, sort_keys, values, strict=True)
            ]
            keys_written |= {key for key, _ in pairs}
            engine.apply(pairs, Decree(engine.applied_decree + 1))
    engine.checkpoint(checkpoint)
    engine.close()
    return len(keys_written)


def later(moment: object, years: int) -> dt.datetime:
    """Return a flight's time some years on."""
    assert isinstance(moment, dt.datetime)
    return moment + dt.timedelta(days=364 * years)


def partition_order(folder: Path, checkpoint: Path, schema: Schema) -> dict[str, object]:
    """Return the order that a server gives its worker."""
    options = {
        "target": str(folder / "target"),
        "table": "flights",
        "app_id": 1,
        "partitions": 1,
        "format": "parquet",
        "schema": to_json(schema),
        "schema_version": 1,
        "ddl": "",
    }
    return {
        "kind": "export",
        "step": "partition",
        "job": 1,
        "attempt": 1,
        "partition": 0,
        "options": options,
        "plan": {"table": "flights", "kind": "export", "id": "1"},
        "checkpoint": str(checkpoint),
        "decree": 1,
        "pinned": 1_800_000_000,
    }


def cpu_seconds(*command: str, order: str = "") -> float:
    """Run a command to its end; return the CPU it took, all threads together."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(order.encode() + b"\n")
        process.stdin.flush()
        for answer in process.stdout:
            if b'"failed"' in answer:
                raise RuntimeError(answer.decode())
            if b'"done"' in answer:
                break
        process.stdin.close()  # a worker would wait for its next order
        process.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def scan_raw(checkpoint: Path, folder: Path) -> None:
    """Write every pair of a checkpoint to a Parquet file, as bytes."""
    engine = RocksEngine.open_checkpoint(checkpoint, RocksMemory(8 * MIB, 0))
    schema = pa.schema([("key", pa.binary()), ("value", pa.binary())])
    lower, exhausted = b"", False
    with pq.ParquetWriter(folder / "raw.parquet", schema, compression="zstd") as writer:
        while not exhausted:
            keys, values, exhausted = engine.scan_chunk(lower, ROW_KEYS_END, GROUP_ROWS, 1024 * MIB)
            if keys:
                writer.write_table(pa.table([keys, values], schema=schema))
                lower = keys[-1] + b"\0"


if __name__ == "__main__":
    scan_raw(Path(sys.argv[1]), Path(sys.argv[2]))
