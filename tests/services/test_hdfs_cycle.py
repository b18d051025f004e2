"""A table of TPC-H on a real HDFS and back: load, export, back up, drop, restore, verify, query."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import pegasus_tab
from tests.integration.node import Node
from tests.services.hdfs import Hdfs

pytestmark = [pytest.mark.services, pytest.mark.timeout(400)]

CREATE = """
CREATE TABLE lineitem (
    l_orderkey BIGINT, l_partkey BIGINT, l_suppkey BIGINT, l_linenumber INT,
    l_quantity DECIMAL(15, 2), l_extendedprice DECIMAL(15, 2), l_discount DECIMAL(15, 2),
    l_tax DECIMAL(15, 2), l_returnflag TEXT, l_linestatus TEXT, l_shipdate DATE,
    l_commitdate DATE, l_receiptdate DATE, l_shipinstruct TEXT, l_shipmode TEXT, l_comment TEXT,
    PRIMARY KEY ((l_orderkey), l_linenumber)
) WITH (partitions = 4)
"""
TOTALS = """
SELECT l_returnflag, l_linestatus, sum(l_quantity), sum(l_extendedprice),
    sum(l_extendedprice * (1 - l_discount)), count(*), max(l_shipdate), min(l_comment)
FROM {} GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus
"""


@pytest.fixture(scope="module")
def hdfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hdfs]:
    with Hdfs(tmp_path_factory.mktemp("hdfs")) as hdfs:
        yield hdfs


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return TPC-H's largest table at scale factor 0.1, 600,572 rows."""
    folder = tmp_path_factory.mktemp("tpch")
    generator = str(Path(sys.executable).with_name("tpchgen-cli"))
    options = ["-s", "0.1", "--tables=lineitem", f"--output-dir={folder}"]
    subprocess.run([generator, "parquet", *options], check=True)
    (file,) = folder.rglob("*.parquet")
    return file


def test_a_table_leaves_and_comes_back(hdfs: Hdfs, original: Path, tmp_path: Path) -> None:
    expected = duckdb.execute(TOTALS.format(f"'{original}'")).fetchall()
    rows = sum(row[5] for row in expected)
    with Node(tmp_path / "data") as node, pegasus_tab.connect(node.dsn) as connection:

        def totals() -> list[tuple[object, ...]]:
            return connection.execute(TOTALS.format("lineitem")).fetchall()

        connection.execute(CREATE)
        assert connection.execute(f"COPY lineitem FROM '{original}'").rowcount == rows
        assert totals() == expected
        assert connection.execute(f"COPY lineitem TO '{hdfs.url}/out'").rowcount == rows
        connection.execute(f"VERIFY EXPORT '{hdfs.url}/out'")
        assert connection.execute(f"BACKUP TABLE lineitem TO '{hdfs.url}/safe'").rowcount == rows
        connection.execute("DROP TABLE lineitem")
        restore = f"RESTORE TABLE lineitem FROM '{hdfs.url}/safe' (PARTITIONS 8)"
        assert connection.execute(restore).rowcount == rows
        connection.execute(f"VERIFY BACKUP '{hdfs.url}/safe'")
        assert totals() == expected
