"""Exports on a real HDFS read by a real Spark, by the recipe that the documentation gives."""

import os
import pickle
import re
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import pegasus_tab
from tests.fakes import every_type
from tests.integration.node import Node
from tests.services.hdfs import Hdfs

pytestmark = [pytest.mark.services, pytest.mark.timeout(400)]

SPARK = Path(
    os.environ.get("PEGASUS_TAB_SPARK", Path.home() / ".cache" / "pegasus-tab" / "spark-4.3.0")
)
READER = Path(__file__).with_name("spark_reader.py")
PAGE = Path(__file__).parents[2] / "docs" / "export.md"
SETTINGS = "--master local[2] --driver-memory 512m --conf spark.ui.enabled=false"
SECONDS_MAX = 300


@pytest.fixture(scope="module")
def hdfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hdfs]:
    with Hdfs(tmp_path_factory.mktemp("hdfs")) as hdfs:
        yield hdfs


def page_statements() -> list[str]:
    """Return how docs/export.md makes the table that its recipes are about."""
    fence = re.compile(r"^```sql\n(CREATE TABLE trips.*?)^```$", re.MULTILINE | re.DOTALL)
    (block,) = fence.findall(PAGE.read_text())
    statements = [one.strip() for one in block.split(";")]
    return [one for one in statements if one.startswith(("CREATE", "UPSERT"))]


def page_recipe() -> str:
    """Return what docs/export.md tells users of Spark."""
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return str(block)


def as_spark_has_it(value: Any) -> Any:
    """Return a value of ours as Spark should give it: it has no UUID, which is bytes there."""
    if isinstance(value, dict):
        return {key: as_spark_has_it(one) for key, one in value.items()}
    return value.bytes if isinstance(value, UUID) else value


def test_spark_reads_an_export_as_it_is(hdfs: Hdfs, tmp_path: Path) -> None:
    url = f"{hdfs.url}/exports"
    with Node(tmp_path / "data") as node, pegasus_tab.connect(node.dsn) as connection:
        for statement in page_statements():
            connection.execute(statement)
        every_type.create(connection)
        for table in ("trips", "everything"):
            connection.execute(f"COPY {table} TO '{url}'")
        connection.execute(every_type.CREATE.replace("everything", "copied"))
        connection.execute(f"COPY copied FROM '{url}/everything'")
        copied = connection.execute("SELECT * FROM copied ALLOW FILTERING").fetchall()
        assert sorted(copied, key=lambda row: row[0]) == every_type.rows()
    recipe, result = tmp_path / "recipe.py", tmp_path / "result"
    recipe.write_text(page_recipe().replace("hdfs://namenode:8020/exports", url))
    done = subprocess.run(
        [str(SPARK / "bin" / "python"), str(READER), str(recipe), f"{url}/everything", str(result)],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS_MAX,
        cwd=tmp_path,
        env={
            **os.environ,
            "PYSPARK_SUBMIT_ARGS": f"{SETTINGS} pyspark-shell",
            "SPARK_LOCAL_IP": "127.0.0.1",
        },
    )
    assert done.returncode == 0, done.stderr[-5000:]
    assert [line.split("|")[1:3] for line in done.stdout.splitlines() if "|" in line] == [
        ["bike", "  km"],
        ["   7", "5.75"],
        ["   8", "11.0"],
    ], done.stdout
    found = pickle.loads(result.read_bytes())  # noqa: S301 -- our own
    assert len(found["types"]) == every_type.COLUMNS, "metadata and markers are hidden"
    assert dict(found["types"])["at"] == "timestamp_ntz"
    rows = every_type.rows()
    assert found["rows"] == [tuple(map(as_spark_has_it, row)) for row in rows]
    prices = [row[6] for row in rows if row[6] is not None]
    doubles = [row[5] for row in rows if row[5] is not None]
    moments = [row[10] for row in rows if row[10] is not None]
    days = [row[11] for row in rows if row[11] is not None]
    assert found["sums"] == (
        len(rows), sum(prices, Decimal(0)), max(doubles), max(moments), min(days)
    )  # fmt: skip
