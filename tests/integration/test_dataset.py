"""pegasus_tab.dataset over a real node: PyArrow's interface, other processes, DuckDB, Dask."""

import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
import pytest

import pegasus_tab
from pegasus_tab.analytics.dataset import TableDataset
from tests.integration.node import Node

ROWS = 1000
ID, NAME, X = (pc.field(name) for name in ("id", "name", "x"))


def row(number: int) -> tuple[Any, ...]:
    name = f"n{number % 10}" if number % 7 else None
    return number, name, number / 2, UUID(int=number), {"a": number}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with Node(tmp_path_factory.mktemp("dataset") / "node") as node:
        with pegasus_tab.connect(node.dsn) as db:
            db.execute(
                "CREATE TABLE t (id INT PRIMARY KEY, name TEXT, x DOUBLE, u UUID, m MAP<TEXT, INT>) "
                "WITH (partitions = 4)"
            )
            db.execute("CREATE TABLE ids (id INT PRIMARY KEY)")
            db.execute("INSERT INTO ids VALUES (1), (2)")
            db.executemany("UPSERT INTO t VALUES (?, ?, ?, ?, ?)", map(row, range(ROWS)))
        yield node


@pytest.fixture
def dataset(node: Node) -> Iterator[TableDataset]:
    with pegasus_tab.dataset(node.dsn, "t") as dataset:
        yield dataset


def test_whole_table(dataset: TableDataset) -> None:
    table = dataset.to_table().sort_by("id")
    assert table.schema == dataset.schema
    assert table.column_names == ["id", "name", "x", "u", "m"]
    assert table.slice(5, 1).to_pylist() == [
        {"id": 5, "name": "n5", "x": 2.5, "u": UUID(int=5), "m": [("a", 5)]}
    ]
    assert (table.num_rows, dataset.count_rows()) == (ROWS, ROWS)
    assert sum(batch.num_rows for batch in dataset.to_batches()) == ROWS


def test_columns_and_filters(dataset: TableDataset) -> None:
    everything = dataset.to_table()
    for expression in (
        ID < 10,
        (NAME == "n3") & (X > 100.0),
        ~NAME.isin(["n1", "n2"]),
        NAME.is_null(),
        pc.match_like(NAME, "%5") & (pc.add(ID, 1) > 500),
    ):
        wanted = everything.filter(expression).select(["x", "id"])
        found = dataset.to_table(["x", "id"], filter=expression)
        assert found.sort_by("id") == wanted.sort_by("id")
        assert dataset.count_rows(expression) == wanted.num_rows
    assert dataset.to_table(["id"], [("id", "<", 3)]).num_rows == 3
    doubled = dataset.to_table({"twice": X * 2}, ID == 7)
    assert doubled.to_pydict() == {"twice": [7.0]}
    assert dataset.to_table([]).num_rows == ROWS


def test_first_rows_and_numbered_rows(dataset: TableDataset) -> None:
    head = dataset.head(3, ["id"])
    assert head.num_rows == 3
    assert dataset.take([0, 1, 2], ["id"]) == head
    assert dataset.head(5, filter=ID > 990).num_rows == 5
    assert dataset.head(0).num_rows == 0


def test_derived_datasets(node: Node, dataset: TableDataset) -> None:
    few = dataset.filter(ID < 5).filter(ID > 1)
    assert sorted(few.to_table()["id"].to_pylist()) == [2, 3, 4]
    assert few.sort_by([("id", "descending")]).to_table()["id"].to_pylist() == [4, 3, 2]
    other = pads.dataset(pa.table({"id": pa.array([2, 9], pa.int32()), "y": ["a", "b"]}))
    with pegasus_tab.dataset(node.dsn, "ids") as ids:
        joined = ids.join(other, "id", join_type="inner")
        assert joined.to_table()["y"].to_pylist() == ["a"]
        assert ids.join(ids.filter(ID > 1), "id", join_type="inner").to_table().num_rows == 1
        one = ids.filter(ID == 1)  # rows must be in order
        assert one.join_asof(one, "id", [], 0).to_table().num_rows == 1
    with pegasus_tab.dataset(node.dsn, "ids") as ids:
        with pytest.raises(OSError, match="its own to_table"):
            pads.Scanner.from_dataset(ids).to_table()
        with pytest.raises(OSError, match="its own to_table"):
            pads.UnionDataset(ids.schema, [ids]).to_table()
        with pytest.raises(OSError, match="its own to_table"):
            other.join(ids, "id")
    with pytest.raises(pegasus_tab.NotSupportedError, match="cannot be replaced"):
        few.replace_schema(pa.schema([]))


def test_fragments_are_the_partitions(dataset: TableDataset) -> None:
    fragments = list(dataset.get_fragments())
    assert [one.partition for one in fragments] == [0, 1, 2, 3]
    found = [set(one.to_table(["id"])["id"].to_pylist()) for one in fragments]
    assert set().union(*found) == set(range(ROWS))
    assert sum(map(len, found)) == ROWS
    filtered = list(dataset.get_fragments(ID < 100))
    assert sum(one.count_rows(NAME == "n3") for one in filtered) == len(
        [n for n in range(100) if row(n)[1] == "n3"]
    )
    assert filtered[0].physical_schema == dataset.schema


READ_ELSEWHERE = """
import pickle, sys
fragment = pickle.load(sys.stdin.buffer)
print(*fragment.to_table(["id"])["id"].to_pylist())
fragment.close()
"""


def test_a_fragment_is_read_in_another_process(dataset: TableDataset) -> None:
    fragment = next(iter(dataset.get_fragments(ID >= 500)))
    read = subprocess.run(
        [sys.executable, "-W", "error", "-c", READ_ELSEWHERE],
        input=pickle.dumps(fragment),
        stdout=subprocess.PIPE,
        timeout=60,
        check=True,
    )
    assert list(map(int, read.stdout.split())) == fragment.to_table(["id"])["id"].to_pylist()


def test_a_pickled_dataset_opens_a_connection_of_its_own(dataset: TableDataset) -> None:
    with pickle.loads(pickle.dumps(dataset.filter(ID < 3))) as copied:  # noqa: S301 -- our own
        assert copied.count_rows() == 3


def test_duckdb_queries_it(dataset: TableDataset) -> None:
    with duckdb.connect() as db:
        db.register("t", dataset)
        grouped = "SELECT name, count(*), max(x) FROM t WHERE id BETWEEN 10 AND 500 AND name IN ('n1', 'n2')"
        expected = [row(n) for n in range(10, 501) if row(n)[1] in {"n1", "n2"}]
        assert db.sql(f"{grouped} GROUP BY 1 ORDER BY 1").fetchall() == [
            (name, len(xs), max(xs))
            for name in ("n1", "n2")
            for xs in [[one[2] for one in expected if one[1] == name]]
        ]
        assert db.sql("SELECT count(*) FROM t").fetchall() == [(ROWS,)]
        assert db.sql("SELECT u, m FROM t WHERE id = 5").fetchall() == [(UUID(int=5), {"a": 5})]


def test_polars_queries_it(dataset: TableDataset) -> None:
    lazy = pl.scan_pyarrow_dataset(dataset.filter(ID < 500))
    found = lazy.filter(pl.col("name") == "n3").select(pl.col("x").sum()).collect()
    assert found.item() == sum(row(n)[2] for n in range(500) if row(n)[1] == "n3")
    counted = lazy.group_by("name").len().filter(pl.col("name") == "n1").collect()
    assert counted["len"].to_list() == [len([n for n in range(500) if row(n)[1] == "n1"])]
    assert lazy.select("id").head(3).collect().height == 3


def test_what_is_not_there(node: Node, dataset: TableDataset) -> None:
    with pytest.raises(pegasus_tab.ProgrammingError, match='table "nope" does not exist'):
        pegasus_tab.dataset(node.dsn, "nope")
    with pytest.raises(pegasus_tab.ProgrammingError, match='column "nope" of table "t"'):
        dataset.to_table(["nope"])
    with pytest.raises(pegasus_tab.InterfaceError):
        pegasus_tab.dataset("nowhere", "t")
    with pytest.raises(pegasus_tab.ProgrammingError, match="list of names, not the text 'name'"):
        dataset.to_table("name")
    with pytest.raises(pegasus_tab.ProgrammingError, match="not the text 'x > 1'"):
        dataset.count_rows("x > 1")


def test_a_table_that_was_altered_meanwhile(node: Node) -> None:
    with pegasus_tab.connect(node.dsn) as db:
        db.execute("CREATE TABLE changing (id INT PRIMARY KEY)")
        db.execute("UPSERT INTO changing VALUES (1)")
        with pegasus_tab.dataset(node.dsn, "changing") as dataset:
            assert dataset.count_rows() == 1
            db.execute("ALTER TABLE changing ADD COLUMN note TEXT")
            with pytest.raises(pegasus_tab.OperationalError, match="schema has changed"):
                dataset.to_table()
        db.execute("DROP TABLE changing")


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_dask_reads_partitions_in_several_workers(node: Node) -> None:
    distributed = pytest.importorskip("distributed")
    from pegasus_tab.analytics.dask import read_table

    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        frame = read_table(node.dsn, "t", filters=[("id", "<", 500)])
        assert frame.npartitions == 4
        assert frame["x"].sum().compute() == sum(n / 2 for n in range(500))
        names = frame.groupby("name")["id"].count().compute().to_dict()
        assert names["n1"] == len([n for n in range(500) if row(n)[1] == "n1"])
        kept = frame[["id"]].persist()
        distributed.wait(kept)
        assert len({worker for held in client.who_has(kept).values() for worker in held}) == 2


def test_a_file_of_it_can_be_made(dataset: TableDataset, tmp_path: Path) -> None:
    pads.write_dataset(dataset.scanner(["id", "x"]), tmp_path / "out", format="parquet")
    assert pads.dataset(tmp_path / "out").count_rows() == ROWS
