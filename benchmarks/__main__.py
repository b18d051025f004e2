"""Run every benchmark, or those named: ``python -m benchmarks [--peers] [key_value|driver|...|large_table]``."""

import math
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure, table

ALL = (
    "key_value",
    "driver",
    "copy_from",
    "command_line",
    "export",
    "backup",
    "learning",
    "replicated",
)
OUR_WRITES = "PUT on 3 replicas, 64 outstanding"
PEERS = ("peers_etcd", "peers_postgresql")
"""Other systems under the load of ``replicated``; only with --peers."""


def main(arguments: list[str]) -> int:
    """Print the table; return 1 when a floor was missed."""
    names = [each for each in arguments if each != "--peers"]
    wants_peers = "--peers" in arguments
    figures: list[Figure] = []
    for name in names or (("replicated",) if wants_peers else ALL):
        figures += measured(module(name).figures)
    if wants_peers:
        ours = next((each.value for each in figures if each.name == OUR_WRITES), math.nan)
        for name in PEERS:
            figures += measured(partial(module(name).figures, ours=ours))
    print(f"Python {platform.python_version()}, client and server on the same {cores()} cores")
    print(f"Load average at the end: {', '.join([f'{each:.1f}' for each in os.getloadavg()])}\n")
    print(table(figures))
    return 0 if all(f.holds is not False for f in figures) else 1


def module(name: str) -> Any:
    """Import a benchmark when it is its turn."""
    return import_module(f"benchmarks.{name}")


def measured(measure: Callable[[Path], list[Figure]]) -> list[Figure]:
    """Run one benchmark in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="pegasus-tab-bench-", dir=Path.cwd()) as folder:
        return measure(Path(folder))


def cores() -> int:
    """Return how many CPUs this process may use."""
    return len(os.sched_getaffinity(0))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
