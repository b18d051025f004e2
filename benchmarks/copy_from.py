"""COPY FROM: files into a table of one node, beside the engine's own speed with the same pairs."""

import random
import statistics
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from rocksdict import Options, Rdict, WriteOptions

import pegasus_tab
from benchmarks.driver import COLUMNS, CREATE, ROWS, rows
from benchmarks.figure import Figure
from benchmarks.node import running_node
from pegasus_tab.kv import connect
from pegasus_tab.wire.keys import encode_key

ROUNDS = 3
FLOOR = 200_000
FILES = {
    "Parquet, a hash key each, in random order": "single.parquet",
    "Parquet, 100 rows a hash key": "wide.parquet",
    "CSV": "single.csv",
}


def figures(folder: Path) -> list[Figure]:
    """Measure loads into tables of one node."""
    single = people(rows_a_key=1, shuffled=True)
    wide = people(rows_a_key=100, shuffled=False)
    pq.write_table(single, folder / "single.parquet")
    pq.write_table(wide, folder / "wide.parquet")
    pacsv.write_csv(single, folder / "single.csv")
    with (
        running_node(folder / "node") as port,
        pegasus_tab.connect(f"pegasus://127.0.0.1:{port}/") as db,
    ):
        rates = [load_rate(db, folder / name) for name in FILES.values()]
        pairs = stored_pairs(port, "single_parquet_0")
    raw = statistics.median(raw_rate(folder / f"raw{turn}", pairs) for turn in range(ROUNDS))
    return [
        Figure(
            f"COPY FROM {what}",
            rate,
            "/s",
            FLOOR if name.endswith(".parquet") else None,
            "rocksdict put, the same pairs, no log",
            raw,
        )
        for (what, name), rate in zip(FILES.items(), rates, strict=True)
    ]


def people(*, rows_a_key: int, shuffled: bool) -> pa.Table:
    """Return the driver benchmark's rows.

    Args:
        rows_a_key: how many of them share a hash key.
        shuffled: whether their order is random.
    """
    data = list(rows())
    if shuffled:
        random.Random(3).shuffle(data)
    columns = dict(zip(COLUMNS.split(", "), map(list, zip(*data, strict=True)), strict=True))
    return pa.table({**columns, "id": [id_ // rows_a_key for id_ in columns["id"]]})


def load_rate(db: pegasus_tab.Connection, file: Path) -> float:
    """Return rows a second of COPY FROM, each time into a table of its own."""
    rates = []
    for turn in range(ROUNDS):
        table = f"{file.name.replace('.', '_')}_{turn}"
        db.execute(CREATE.replace("people", table))
        start = time.perf_counter()
        assert db.execute(f"COPY {table} FROM '{file}'").rowcount == ROWS
        rates.append(ROWS / (time.perf_counter() - start))
    return statistics.median(rates)


def stored_pairs(port: int, table: str) -> list[tuple[bytes, bytes]]:
    """Return the pairs of a loaded table as the engine has them, but for the values' headers."""
    with connect(f"pegasus://127.0.0.1:{port}/") as client:
        pairs = [(encode_key(*key), value) for *key, value in client.table(table).scan_all()]
    random.Random(4).shuffle(pairs)
    return pairs


def raw_rate(path: Path, pairs: list[tuple[bytes, bytes]]) -> float:
    """Return pairs a second of single puts into a fresh database in this process."""
    database = Rdict(str(path), Options(raw_mode=True))
    options = WriteOptions()
    options.disable_wal = True  # type: ignore[assignment,method-assign]  # the stub is wrong
    database.set_write_options(options)
    start = time.perf_counter()
    for key, value in pairs:
        database.put(key, value)
    taken = time.perf_counter() - start
    database.close()
    return len(pairs) / taken
