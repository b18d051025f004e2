"""BACKUP and RESTORE of a table of one node: rows a second, their CPU, and the workers' memory."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import pegasus_tab
from benchmarks.cost import Cost, cost_of
from benchmarks.figure import Figure, seconds
from benchmarks.node import running_node

ROWS = 2_000_000
CHANGED = 20_000
RESTORE_FLOOR = 200_000
MEMORY_MIB_MAX = 256


def figures(folder: Path) -> list[Figure]:
    """Measure a full backup, one with few changes, and a restore."""
    write_rows(folder / "rows.parquet")
    target = folder / "backups"
    with (
        running_node(folder / "node") as port,
        pegasus_tab.connect(f"pegasus://127.0.0.1:{port}/") as db,
    ):
        db.execute("CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT, v DOUBLE, at TIMESTAMP)")
        load_seconds = seconds(lambda: db.execute(f"COPY t FROM '{folder / 'rows.parquet'}'"))
        backup = f"BACKUP TABLE t TO '{target}'"
        full = cost_of(lambda: db.execute(backup))
        db.executemany("UPSERT INTO t (id, name) VALUES (?, 'new')", [(i,) for i in range(CHANGED)])
        more = cost_of(lambda: db.execute(backup))
        restore = cost_of(lambda: db.execute(f"RESTORE TABLE t FROM '{target}' AS t2"))
    load = ROWS / load_seconds
    return [
        Figure("BACKUP, every row", ROWS / full.seconds, "/s", None, "COPY FROM, same rows", load),
        Figure(
            f"BACKUP, {CHANGED:,} rows changed, rows looked at",
            ROWS / more.seconds,
            "/s",
            None,
            "the full backup",
            ROWS / full.seconds,
        ),
        Figure(
            "RESTORE of both",
            ROWS / restore.seconds,
            "/s",
            RESTORE_FLOOR,
            "COPY FROM, same rows",
            load,
        ),
        *cpu_figures("BACKUP, every row", full),
        *cpu_figures("RESTORE of both", restore),
        memory_figure("BACKUP, every row", full, MEMORY_MIB_MAX),
        memory_figure("RESTORE of both", restore, None),
    ]


def cpu_figures(what: str, cost: Cost) -> list[Figure]:
    """Return the CPU of a row at the workers, and beside it at the node."""
    worker_us, node_us = cost.worker_cpu * 1e6 / ROWS, cost.server_cpu * 1e6 / ROWS
    return [Figure(f"{what}: CPU a row, workers", worker_us, "us", None, "the node", node_us)]


def memory_figure(what: str, cost: Cost, floor: float | None) -> Figure:
    """Return the workers' memory beside the node's growth."""
    name = f"{what}: memory of the workers"
    return Figure(name, cost.workers_mib, "MiB", floor, "growth of the node", cost.node_mib)


def write_rows(path: Path) -> None:
    """Write ROWS rows in random order of their keys."""
    ids = np.random.default_rng(7).permutation(ROWS)
    columns = {
        "id": pa.array(ids),
        "name": pa.array([f"name of number {id_}" for id_ in ids.tolist()]),
        "v": pa.array(ids / 3),
        "at": pa.array(ids * 1_000_000, pa.timestamp("us")),
    }
    pq.write_table(pa.table(columns), path)
