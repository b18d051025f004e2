"""A table of 20 million rows leaves and comes back: what it takes, and how little memory.

Not part of the usual run: it needs about ten minutes and 10 GiB of disk.
"""

from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import pegasus_tab
from benchmarks.cost import Cost, cost_of
from benchmarks.figure import Figure
from benchmarks.node import running_node

FILES = 20
FILE_ROWS = 1_000_000
ROWS = FILES * FILE_ROWS
TEXT_BYTES = 64
RATE_FLOOR = 200_000
MEMORY_MIB_MAX = 256
CREATE = "CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT, v DOUBLE, at TIMESTAMP)"


def figures(folder: Path) -> list[Figure]:
    """Load the table, export it, back it up and restore it."""
    files = folder / "files"
    write_files(files)
    with (
        running_node(folder / "node") as port,
        pegasus_tab.connect(f"pegasus://127.0.0.1:{port}/") as db,
    ):
        db.execute(CREATE)
        statements = (
            f"COPY t FROM '{files}/*.parquet'",
            f"COPY t TO '{folder}/export'",
            f"BACKUP TABLE t TO '{folder}/backups'",
            f"RESTORE TABLE t FROM '{folder}/backups' AS t2",
        )
        costs = {each: cost_of(partial(db.execute, each)) for each in statements}
        counted = db.execute("SELECT count(*) FROM t2").fetchall()
    assert counted == [(ROWS,)], counted
    return [
        figure
        for statement, cost in costs.items()
        for figure in of_statement(" ".join(statement.split()[:3]), cost, costs)
    ]


def of_statement(name: str, cost: Cost, costs: dict[str, Cost]) -> list[Figure]:
    """Return a statement's rate beside the load's, and the memory it took."""
    load = next(iter(costs.values()))
    what = f"{name}, {ROWS:,} rows"
    grown = cost.workers_mib + cost.node_mib
    return [
        Figure(what, ROWS / cost.seconds, "/s", RATE_FLOOR, "the load", ROWS / load.seconds),
        Figure(
            f"{what}: memory of node and workers",
            grown,
            "MiB",
            MEMORY_MIB_MAX if name.startswith(("COPY t TO", "BACKUP")) else None,
            "of that the node",
            cost.node_mib,
        ),
    ]


def write_files(folder: Path) -> None:
    """Write ROWS rows in random order of their keys."""
    folder.mkdir()
    generator = np.random.default_rng(7)
    ids = generator.permutation(ROWS)
    for number in range(FILES):
        part = ids[number * FILE_ROWS : (number + 1) * FILE_ROWS]
        letters = generator.integers(97, 123, FILE_ROWS * TEXT_BYTES, np.uint8)
        columns = {
            "id": pa.array(part),
            "name": texts(letters.tobytes()),
            "v": pa.array(part / 3),
            "at": pa.array(part * 1_000_000, pa.timestamp("us")),
        }
        pq.write_table(pa.table(columns), folder / f"{number:02}.parquet")


def texts(letters: bytes) -> pa.Array:
    """Cut letters into texts of TEXT_BYTES each."""
    offsets = np.arange(0, len(letters) + 1, TEXT_BYTES, dtype=np.int32)
    return pa.StringArray.from_buffers(
        len(offsets) - 1, pa.py_buffer(offsets.tobytes()), pa.py_buffer(letters)
    )
