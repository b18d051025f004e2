"""The command line: a point query with a cold client, and an embedded node from nothing to an answer."""

import shutil
import subprocess
import sys
from pathlib import Path

import pegasus_tab
from benchmarks.figure import Figure, median_of, seconds
from benchmarks.node import running_node

ROUNDS = 7
SHELL = (str(Path(sys.executable).with_name("pegasus-tab")), "shell")
QUERY = "SELECT name FROM people WHERE id = 7"


def python_start() -> float:
    """Return the milliseconds of a Python process that only imports sqlite3 and asks it something."""
    code = "import sqlite3; print(sqlite3.connect(':memory:').execute('select 1').fetchone())"
    return run((sys.executable, "-c", code))


def run(command: tuple[str, ...]) -> float:
    """Return the milliseconds of one whole process."""
    return seconds(lambda: subprocess.run(command, check=True, capture_output=True)) * 1e3


def fill(dsn: str) -> None:
    """Make the table the queries read."""
    with pegasus_tab.connect(dsn) as db:
        cursor = db.cursor()
        cursor.execute("CREATE TABLE people (id BIGINT PRIMARY KEY, name TEXT)")
        cursor.executemany(
            "UPSERT INTO people (id, name) VALUES (?, ?)", [(i, f"n{i}") for i in range(100)]
        )


def figures(folder: Path) -> list[Figure]:
    """Measure whole processes as a user starts them."""
    baseline = median_of(ROUNDS, python_start)
    with running_node(folder / "node") as port:
        dsn = f"pegasus://127.0.0.1:{port}/"
        fill(dsn)
        warm = median_of(ROUNDS, lambda: run((*SHELL, dsn, "-c", QUERY)))
    cold = median_of(3, lambda: cold_start(folder))
    name = "python3 -c with sqlite3"
    return [
        Figure("shell -c, point query, node running", warm, "ms", 200, name, baseline),
        Figure("shell -c, embedded node from cold", cold, "ms", 1500, name, baseline),
    ]


def cold_start(folder: Path) -> float:
    """Return the milliseconds of a point query on a data folder whose node is not running."""
    data = folder / "cold"
    shutil.copytree(folder / "node", data)
    try:
        return run((*SHELL, f"file:{data}", "-c", QUERY))
    finally:
        shutil.rmtree(data, ignore_errors=True)
