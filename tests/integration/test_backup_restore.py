"""Backups and restores of a real node's tables, through SQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import pegasus_tab
from pegasus_tab.base.errors import Error, OperationalError, ProgrammingError
from tests.integration.node import Node

pytestmark = pytest.mark.slow

ROWS = [(k, f"name {k}", {"a": k, "b": 1} if k % 3 else None) for k in range(3000)]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with Node(tmp_path_factory.mktemp("backup") / "data") as node:
        yield node


@pytest.fixture
def one(node: Node) -> Iterator[pegasus_tab.Connection]:
    with pegasus_tab.connect(node.dsn) as connection:
        connection.execute(
            "CREATE TABLE t (k INT, name TEXT, m MAP<TEXT, INT>, PRIMARY KEY (k))"
            " WITH (partitions = 4, default_ttl = 2592000)"
        )
        connection.executemany("UPSERT INTO t VALUES (?, ?, ?)", ROWS)
        yield connection
        for name, *_ in connection.execute("SHOW TABLES").fetchall():
            connection.execute(f'DROP TABLE "{name}"')


def rows(connection: pegasus_tab.Connection, table: str) -> list[tuple[object, ...]]:
    return sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr)


def ids(connection: pegasus_tab.Connection, target: Path) -> list[str]:
    found = connection.execute(f"SHOW BACKUPS IN '{target}'").fetchall()
    return [row[1] for row in found]


def test_a_table_comes_back_as_it_was_at_each_backup(
    one: pegasus_tab.Connection, tmp_path: Path
) -> None:
    backup = f"BACKUP TABLE t TO '{tmp_path}'"
    assert one.execute(backup).rowcount == sum(1 + len(m or {}) for _, _, m in ROWS)
    first = rows(one, "t")
    one.execute("DELETE FROM t WHERE k = 1")
    one.execute("UPSERT INTO t VALUES (2, 'new', NULL) USING TTL 5000")
    assert one.execute(backup).rowcount == 3 + 3, (
        "pairs that went, and one that changed with two that went"
    )
    second = rows(one, "t")
    full, incremental = ids(one, tmp_path)
    one.execute("DROP TABLE t")

    one.execute(f"RESTORE TABLE t FROM '{tmp_path}' AT '{full}'")
    one.execute(f"RESTORE TABLE t FROM '{tmp_path}' AS more (PARTITIONS 16)")
    one.execute(f"RESTORE TABLE t FROM '{tmp_path}' AS less AT '{incremental}' (PARTITIONS 2)")
    assert rows(one, "t") == first
    assert rows(one, "more") == second == rows(one, "less")
    (ttl,) = one.execute("SELECT ttl(name) FROM more WHERE k = 2").fetchone() or (None,)
    assert ttl is not None
    assert 4000 < ttl <= 5000
    created = one.execute("SHOW CREATE TABLE more").fetchone()
    assert created is not None
    assert "default_ttl = 2592000" in created[1]
    names = {row[0] for row in one.execute("SHOW TABLES").fetchall()}
    assert names == {"t", "more", "less"}
    assert one.execute(f"VERIFY BACKUP '{tmp_path}'").rowcount == 2


def test_every_table_at_once(one: pegasus_tab.Connection, tmp_path: Path) -> None:
    one.execute("CREATE RAW TABLE blobs WITH (partitions = 2)")
    one.execute("UPSERT INTO blobs VALUES ('h', 's', 'v')")
    one.execute(f"BACKUP ALL TO '{tmp_path}'")
    one.execute(f"BACKUP ALL TO '{tmp_path}' (FULL TRUE)")
    found = one.execute(f"SHOW BACKUPS IN '{tmp_path}'").fetchall()
    assert [row[0] for row in found] == ["blobs", "blobs", "t", "t"]
    assert {row[2] for row in found} == {None}
    one.execute(f"RESTORE TABLE blobs FROM '{tmp_path}' AS b2 (PARTITIONS 8)")
    assert rows(one, "b2") == [(b"h", b"s", b"v")]


def test_a_flipped_byte_is_found_and_refused(one: pegasus_tab.Connection, tmp_path: Path) -> None:
    one.execute(f"BACKUP TABLE t TO '{tmp_path}'")
    part = max(tmp_path.glob("t/*/*/*.parquet"), key=lambda path: path.stat().st_size)
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    with pytest.raises(Error, match="not as they should be"):
        one.execute(f"VERIFY BACKUP '{tmp_path}'")
    with pytest.raises(OperationalError, match="is damaged") as caught:
        one.execute(f"RESTORE TABLE t FROM '{tmp_path}' AS t2")
    assert caught.value.sqlstate == "XX001"
    with pytest.raises(ProgrammingError, match="t2"):
        one.execute("SELECT * FROM t2")


@pytest.mark.parametrize("name", ["_wc/manifest.json", "_wc/partition-00001.jsonl"])
def test_a_changed_manifest_is_refused_before_anything_is_made(
    one: pegasus_tab.Connection, tmp_path: Path, name: str
) -> None:
    one.execute(f"BACKUP TABLE t TO '{tmp_path}'")
    (manifest,) = tmp_path.glob(f"t/*/{name}")
    manifest.write_bytes(manifest.read_bytes().replace(b'"rows": ', b'"rows": 1'))
    with pytest.raises(Error, match="not what was written"):
        one.execute(f"RESTORE TABLE t FROM '{tmp_path}' AS t2")
    assert {row[0] for row in one.execute("SHOW TABLES").fetchall()} == {"t"}


def test_what_cannot_be_restored(one: pegasus_tab.Connection, tmp_path: Path) -> None:
    with pytest.raises(OperationalError) as nothing:
        one.execute(f"RESTORE TABLE t FROM '{tmp_path}' AS t2")
    assert nothing.value.sqlstate == "58P01"
    one.execute(f"BACKUP TABLE t TO '{tmp_path}'")
    with pytest.raises(ProgrammingError) as taken:
        one.execute(f"RESTORE TABLE t FROM '{tmp_path}'")
    assert taken.value.sqlstate == "42P07"
    with pytest.raises(OperationalError) as unknown:
        one.execute(f"RESTORE TABLE t FROM '{tmp_path}' AS t2 AT 'never'")
    assert ids(one, tmp_path)[0] in (unknown.value.hint or "")
