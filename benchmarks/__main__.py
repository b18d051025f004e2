"""Run every benchmark, or those named: ``python -m benchmarks [key_value|driver|command_line ...]``."""

import platform
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from benchmarks.figure import Figure, table

ALL = ("key_value", "driver", "command_line", "export", "learning", "replicated")


def main(names: list[str]) -> int:
    """Print the table; return 1 when a floor was missed."""
    figures: list[Figure] = []
    for name in names or ALL:
        with tempfile.TemporaryDirectory(prefix="pegasus-tab-bench-", dir=Path.cwd()) as folder:
            figures += import_module(f"benchmarks.{name}").figures(Path(folder))
    print(f"Python {platform.python_version()}, client and server on the same {cores()} cores\n")
    print(table(figures))
    return 0 if all(f.holds is not False for f in figures) else 1


def cores() -> int:
    """Return how many CPUs this process may use."""
    from os import sched_getaffinity

    return len(sched_getaffinity(0))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
