"""Reads an export as an analyst does, in a process and an environment of Spark's own.

Runs the recipe of the documentation first, so what it prints comes first; then leaves in a file the
columns and rows of an export as plain Python values.
"""

import pickle
import sys
from pathlib import Path


def main(recipe: str, folder: str, result: str) -> None:
    """Run a script, then read a folder and write what was found."""
    names: dict[str, object] = {}
    exec(Path(recipe).read_text(), names)  # noqa: S102 -- our own documentation
    frame = names["spark"].read.parquet(folder)  # type: ignore[attr-defined]  # a SparkSession
    frame = frame.drop("export_id", "partition")
    sums = frame.selectExpr("count(*)", "sum(price)", "max(x)", "max(at)", "min(day)").first()
    found = {
        "types": frame.dtypes,
        "sums": tuple(sums),
        "rows": [tuple(map(plain, row)) for row in frame.orderBy("k").collect()],
    }
    Path(result).write_bytes(pickle.dumps(found))


def plain(value: object) -> object:
    """Return a value without classes that only Spark knows."""
    return bytes(value) if isinstance(value, bytearray) else value


if __name__ == "__main__":
    main(*sys.argv[1:])
