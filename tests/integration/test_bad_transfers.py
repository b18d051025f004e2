"""Bad input of exports, backups and imports, through SQL on a real node.

Each is an error that names the file and the reason, and leaves nothing that could be taken for a
result: no marker at the target, no row, no table.
"""

import base64
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest

import pegasus_tab
from pegasus_tab.base.errors import Error
from pegasus_tab.export.manifest import decode_success, encode, sha256
from tests.faults.disks import small_disk
from tests.integration.node import Node

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

WAIT_SECONDS_MAX = 60.0
ROWS = 200
GOOD = pa.table({"k": pa.array([1, 2], pa.int32()), "v": ["a", "b"]})


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pegasus_tab.Connection]:
    with (
        Node(tmp_path_factory.mktemp("node") / "data") as node,
        pegasus_tab.connect(node.dsn) as connection,
    ):
        connection.execute("CREATE TABLE t (k INT PRIMARY KEY, v TEXT) WITH (partitions = 2)")
        connection.executemany(
            "UPSERT INTO t VALUES (?, ?)", [(k, f"{k:064}") for k in range(ROWS)]
        )
        connection.execute("CREATE TABLE empty (k INT PRIMARY KEY, v TEXT)")
        yield connection


def fault(db: pegasus_tab.Connection, statement: str) -> Error:
    with pytest.raises(Error) as caught:
        db.execute(statement)
    return caught.value


def tables(db: pegasus_tab.Connection) -> list[str]:
    return [row[0] for row in db.execute("SHOW TABLES").fetchall()]


# Targets.


@pytest.mark.parametrize("statement", ["COPY t TO '{}'", "BACKUP TABLE t TO '{}'"])
@pytest.mark.parametrize(
    ("target", "sqlstate", "part"),
    [
        pytest.param("{}/file", "58030", "{}/file/t/.* failed: Not a directory", id="file"),
        pytest.param("{}/file/below", "58030", "/file/below/.*Not a directory", id="below-file"),
        pytest.param("/sys/pegasus-tab", "58030", "/sys/pegasus-tab/t.*not permitted", id="rights"),
        pytest.param("ftq://host/dir", "22023", "ftq://host/dir .*Protocol not known", id="scheme"),
        pytest.param("s3://bucket/dir", "22023", "s3:// .*not installed", id="package"),
        pytest.param("hdfs://host:1", "22023", "hdfs://host:1 has no path", id="no-path"),
    ],
)
def test_targets_that_will_not_do(
    db: pegasus_tab.Connection,
    tmp_path: Path,
    statement: str,
    target: str,
    sqlstate: str,
    part: str,
) -> None:
    (tmp_path / "file").write_text("no folder")
    found = fault(db, statement.format(target.format(tmp_path)))
    assert found.sqlstate == sqlstate
    assert re.search(part.format(tmp_path), found.message), found.message
    assert [path.name for path in tmp_path.rglob("*")] == ["file"]


def test_a_missing_package_is_named(db: pegasus_tab.Connection) -> None:
    assert "s3fs" in (fault(db, "COPY t TO 's3://bucket/dir'").hint or "")
    assert "s3fs" in (fault(db, "RESTORE TABLE t FROM 's3://bucket/dir' AS t2").hint or "")
    assert "s3fs" in (fault(db, "COPY empty FROM 's3://bucket/a.parquet'").hint or "")


def test_a_policy_to_nowhere_is_refused(db: pegasus_tab.Connection) -> None:
    found = fault(db, "CREATE BACKUP POLICY p FOR t TO 'ftq://u:secret@h/d' EVERY '1 day' KEEP 1")
    assert "ftq://h/d: no filesystem has such a scheme" in found.message
    assert db.execute("SHOW BACKUP POLICIES").fetchall() == []


def test_another_export_at_the_target(db: pegasus_tab.Connection, tmp_path: Path) -> None:
    db.execute(f"COPY t TO '{tmp_path}'")
    before = sorted(tmp_path.rglob("*"))
    found = fault(db, f"COPY t TO '{tmp_path}'")
    assert (found.sqlstate, "complete export" in found.message) == ("58P02", True)
    (marker,) = tmp_path.rglob("_SUCCESS")
    marker.unlink()
    found = fault(db, f"COPY t TO '{tmp_path}' (FORMAT arrow)")
    assert found.sqlstate == "58P02"
    assert "unfinished export of something else: its file_format is parquet" in found.message
    assert sorted([*tmp_path.rglob("*"), marker]) == before


def test_a_full_disk_is_told_and_the_job_goes_on_when_there_is_room(
    db: pegasus_tab.Connection, tmp_path: Path
) -> None:
    target = tmp_path / "small"
    target.mkdir()
    with small_disk(target, 8192):
        found = fault(db, f"COPY (SELECT * FROM t ALLOW FILTERING) TO '{target}/rows.csv'")
        assert found.sqlstate == "58030"
        assert f"{target}" in found.message
        assert "No space left on device" in found.message
        assert list(target.iterdir()) == []
        ((job,),) = db.execute(f"COPY t TO '{target}' (WAIT FALSE)").fetchall()
        shown = await_job(db, job, lambda row: row[11] is not None)
        assert str(shown[11]).startswith("target /")
        assert str(shown[11]).endswith("failed: No space left on device")
        assert not list(target.rglob("_SUCCESS"))
        subprocess.run(["mount", "-o", "remount,size=8m", target], check=True)
        assert await_job(db, job, lambda row: row[9] is not None)[3] == "done"
        assert db.execute(f"VERIFY EXPORT '{target}'").rowcount == 1


def await_job(
    db: pegasus_tab.Connection, job: int, is_so: Callable[[tuple[object, ...]], bool]
) -> tuple[object, ...]:
    """Return a job's row in SHOW JOBS once it is as wanted."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        (row,) = [row for row in db.execute("SHOW JOBS").fetchall() if row[0] == job]
        if is_so(row):
            return tuple(row)
        assert time.monotonic() < deadline, row
        time.sleep(0.1)


# Archives that are not what was written.


@pytest.fixture
def backup(db: pegasus_tab.Connection, tmp_path: Path) -> Path:
    db.execute(f"BACKUP TABLE t TO '{tmp_path}'")
    (folder,) = tmp_path.glob("t/*")
    return folder


@pytest.mark.parametrize(
    ("keep", "part"),
    [
        pytest.param(0, "it has 0 bytes", id="empty"),
        pytest.param(-20, r"it has \d+ bytes, \d+ were written", id="truncated"),
    ],
)
def test_a_backup_cut_short(
    db: pegasus_tab.Connection, tmp_path: Path, backup: Path, keep: int, part: str
) -> None:
    file = next(backup.rglob("*.parquet"))
    file.write_bytes(file.read_bytes()[:keep])
    named = f"{file.relative_to(tmp_path)}.*{part}"
    found = fault(db, f"VERIFY BACKUP '{tmp_path}'")
    assert found.sqlstate == "XX001"
    assert re.search(named, found.message), found.message
    found = fault(db, f"RESTORE TABLE t FROM '{tmp_path}' AS t2")
    assert found.sqlstate == "XX001"
    assert re.search(named, found.message), found.message
    assert "t2" not in tables(db)
    db.execute('DROP TABLE "t2.restoring"')


def test_a_manifest_that_names_files_outside(
    db: pegasus_tab.Connection, tmp_path: Path, backup: Path
) -> None:
    """Whoever wrote it sealed everything again; not even its size is looked at."""
    manifest, root, marker = (
        backup / name for name in ("_wc/partition-00000.jsonl", "_wc/manifest.json", "_SUCCESS")
    )
    lines = [json.loads(line) for line in manifest.read_bytes().splitlines()]
    lines[1]["path"] = "../../../../../../../../../../../etc/hostname"
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
    whole = json.loads(root.read_bytes())
    whole["partitions"][0]["sha256"] = sha256(manifest.read_bytes())
    root.write_text(json.dumps(whole))
    fields = json.loads(marker.read_bytes()) | {"manifest_sha256": sha256(root.read_bytes())}
    success = decode_success(marker.read_bytes(), "_SUCCESS")
    marker.write_bytes(encode(type(success)(**fields).sealed()))
    for statement in ("VERIFY BACKUP '{}'", "RESTORE TABLE t FROM '{}' AS t2"):
        found = fault(db, statement.format(tmp_path))
        assert found.sqlstate == "22023"
        assert "etc/hostname" in found.message
        assert "is not a name inside" in found.message
    assert "t2" not in tables(db)
    db.execute('DROP TABLE "t2.restoring"')


def test_an_export_is_no_backup(db: pegasus_tab.Connection, tmp_path: Path) -> None:
    db.execute(f"COPY t TO '{tmp_path}'")
    found = fault(db, f"RESTORE TABLE t FROM '{tmp_path}' AS t2")
    assert found.sqlstate == "58P01"
    assert f"no complete backup of table t in {tmp_path}/t" in found.message
    assert not [name for name in tables(db) if name.startswith("t2")]


# Files to import.


class PlainKeys(pe.KmsClient):  # type: ignore[misc]  # pyarrow has no types for it
    """Keeps keys as they are."""

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:  # noqa: ARG002 -- pyarrow's
        return base64.b64encode(key_bytes)

    def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:  # noqa: ARG002 -- pyarrow's
        return base64.b64decode(wrapped_key)


def encrypted(path: Path, *, plaintext_footer: bool) -> None:
    """Write a file whose column v nobody reads without a key."""
    properties = pe.CryptoFactory(lambda _: PlainKeys()).file_encryption_properties(
        pe.KmsConnectionConfig(),
        pe.EncryptionConfiguration(
            footer_key="f", column_keys={"c": ["v"]}, plaintext_footer=plaintext_footer
        ),
    )
    with pq.ParquetWriter(path, GOOD.schema, encryption_properties=properties) as writer:
        writer.write_table(GOOD)


def cut(path: Path) -> None:
    pq.write_table(GOOD, path)
    path.write_bytes(path.read_bytes()[:-20])


def garbled(path: Path) -> None:
    pq.write_table(GOOD, path)
    content = path.read_bytes()
    path.write_bytes(content[:10] + bytes(30) + content[40:])


def stream_cut(path: Path) -> None:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, GOOD.schema) as writer:
        writer.write_table(GOOD)
    path.write_bytes(path.read_bytes()[:-30])


def of_type(values: pa.Array) -> Callable[[Path], None]:
    return lambda path: pq.write_table(pa.table({"k": pa.array([1, 2]), "v": values}), path)


def text(content: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_text(content)

    return write


def drifting(second: pa.Table) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        folder.mkdir()
        pq.write_table(GOOD, folder / "1.parquet")
        pq.write_table(second, folder / "2.parquet")

    return write


@pytest.mark.parametrize(
    ("name", "write", "options", "sqlstate", "part"),
    [
        ("encrypted.parquet", lambda p: encrypted(p, plaintext_footer=False), "", "22P04", "encry"),
        ("columns.parquet", lambda p: encrypted(p, plaintext_footer=True), "", "22P04", "ecrypt"),
        ("cut.parquet", cut, "", "22P04", "corrupted or this is not a parquet"),
        ("garbled.parquet", garbled, "", "22P04", "cannot be read as Parquet"),
        ("cut.arrow", stream_cut, "", "22P04", "cannot be read as Arrow"),
        ("empty.parquet", text(""), "", "22P04", "0 bytes"),
        ("empty.csv", text(""), "", "22P04", "Empty"),
        ("lists.parquet", of_type(pa.array([[1], [2]])), "", "42804", "list<"),
        ("structs.parquet", of_type(pa.array([{"a": 1}] * 2)), "", "42804", "struct<"),
        ("times.parquet", of_type(pa.array([1, 2], pa.time64("us"))), "", "42804", "time64"),
        ("spans.parquet", of_type(pa.array([1, 2], pa.duration("s"))), "", "42804", "duration"),
        ("drift/2.parquet", drifting(GOOD.rename_columns(["k", "w"])), "", "42P10", '"w"'),
        ("drift/2.parquet", drifting(GOOD.drop_columns(["v"])), "", "42P10", '"v", unlike'),
        (
            "drift/2.parquet",
            drifting(pa.table({"k": ["1"], "v": ["x"]})),
            "",
            "42804",
            'column "k": Arrow type string does not fit type INT',
        ),
        ("lines.csv", text("k,v\n1,a\n2,b,c\n"), "", "22P04", "row 2: 3 values, not 2"),
        ("value.csv", text("k,v\n1,a\nx,b\n"), "", "22P02", 'row 2: column "k"'),
        ("quote.csv", text('k,v\n1,"a\n2,b\n'), "", "22P04", "a quote is not closed"),
        ("text.parquet", text("k,v\n1,a\n"), "", "22P04", "perhaps CSV, not Parquet"),
        ("a.csv", text("k,v\n1,a\n"), "(FORMAT parquet)", "22P04", "perhaps CSV, not Parquet"),
        ("b.csv", text("k,v\n1,a\n"), "(FORMAT arrow)", "22P04", "perhaps CSV, not Arrow IPC"),
        ("parquet.csv", lambda p: pq.write_table(GOOD, p), "", "22P04", "format Parquet, not CSV"),
    ],
)
def test_files_that_cannot_be_loaded(
    db: pegasus_tab.Connection,
    tmp_path: Path,
    name: str,
    write: Callable[[Path], None],
    options: str,
    sqlstate: str,
    part: str,
) -> None:
    write(tmp_path / name.split("/", maxsplit=1)[0])
    found = fault(db, f"COPY empty FROM '{tmp_path / name.split('/', maxsplit=1)[0]}' {options}")
    assert found.sqlstate == sqlstate
    assert f"{tmp_path / name}" in found.message
    assert part in found.message
    assert db.execute("SELECT * FROM empty ALLOW FILTERING").fetchall() == []
