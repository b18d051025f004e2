"""BACKUP and RESTORE of a table of one node: rows a second, their CPU, and the workers' memory."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import pegasus_tab
from benchmarks.cpu import cpu_seconds
from benchmarks.figure import Figure
from benchmarks.node import running_node
from pegasus_tab.base.limits import KIB, MIB

ROWS = 2_000_000
CHANGED = 20_000
RESTORE_FLOOR = 200_000
MEMORY_MIB_MAX = 256


@dataclass(frozen=True, slots=True)
class Cost:
    """What a statement took.

    Attributes:
        seconds: from its beginning to its end.
        server_cpu: seconds of the node.
        worker_cpu: seconds of its workers together.
        workers_mib: the most memory that they had, together, without the code that they share.
        node_mib: by how much the node grew meanwhile.
    """

    seconds: float
    server_cpu: float
    worker_cpu: float
    workers_mib: float
    node_mib: float


def figures(folder: Path) -> list[Figure]:
    """Measure a full backup, one with few changes, and a restore."""
    write_rows(folder / "rows.parquet")
    target = folder / "backups"
    with (
        running_node(folder / "node") as port,
        pegasus_tab.connect(f"pegasus://127.0.0.1:{port}/") as db,
    ):
        db.execute("CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT, v DOUBLE, at TIMESTAMP)")
        load_seconds = taken(lambda: db.execute(f"COPY t FROM '{folder / 'rows.parquet'}'"))
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


def taken(work: Callable[[], object]) -> float:
    """Return how long something takes, in seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def cost_of(work: Callable[[], object]) -> Cost:
    """Measure a statement; its workers stay for a while when it ends, so they can be looked at."""
    (node,) = children(os.getpid())
    node_cpu, node_kib = cpu_seconds(node), memory_kib(node, "VmRSS")
    before = {worker: cpu_seconds(worker) for worker in children(node)}
    seconds = taken(work)
    workers = children(node)
    worker_cpu = sum(cpu_seconds(worker) - before.get(worker, 0) for worker in workers)
    return Cost(
        seconds,
        cpu_seconds(node) - node_cpu,
        worker_cpu,
        sum(own_memory_kib(worker) for worker in workers) * KIB / MIB,
        max(0, memory_kib(node, "VmHWM") - node_kib) * KIB / MIB,
    )


def children(pid: int) -> list[int]:
    """Return the processes that a process started and that live."""
    listed = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for each in listed for child in each.read_text().split()]


def own_memory_kib(pid: int) -> int:
    """Return the most memory a process had, but for the files, its libraries, that it maps."""
    return memory_kib(pid, "VmHWM") - memory_kib(pid, "RssFile")


def memory_kib(pid: int, name: str) -> int:
    """Return a line of /proc/PID/status: VmRSS is memory now, VmHWM the most there was."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
