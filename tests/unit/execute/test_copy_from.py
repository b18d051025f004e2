"""COPY ... FROM against a cluster in memory: what is loaded, refused, set aside, resumed."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import fsspec
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from pegasus_tab.base.errors import DataError, Error, IntegrityError
from pegasus_tab.execute.progress import Progress
from pegasus_tab.load import reader
from tests.fakes.sql_runner import SqlRunner


@pytest.fixture
def table(sql: SqlRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SqlRunner:
    monkeypatch.chdir(tmp_path)
    sql("CREATE TABLE t (id INT, at INT, name TEXT, x DOUBLE DEFAULT 1.5, PRIMARY KEY (id, at))")
    return sql


def parquet(path: str, columns: Mapping[str, Any], **options: Any) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, **options)


def rows(sql: SqlRunner, table: str = "t") -> list[Any]:
    return sorted(sql(f"SELECT * FROM {table} ALLOW FILTERING"))


def fault(sql: SqlRunner, text: str) -> Error:
    with pytest.raises(Error) as caught:
        sql(text)
    return caught.value


NUMBERED = {"id": [1, 1, 2], "at": [1, 2, 1], "name": ["a", "b", None], "x": [0.5, None, 2.0]}
LOADED = [(1, 1, "a", 0.5), (1, 2, "b", None), (2, 1, None, 2.0)]


# ---- formats ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a.arrows", "a.csv"])
def test_every_format_gives_the_same_rows(table: SqlRunner, name: str) -> None:
    data = pa.table(NUMBERED)
    if name == "a.parquet":
        pq.write_table(data, name)
    elif name == "a.csv":
        pacsv.write_csv(data, name)
    else:
        make = pa.ipc.new_file if name == "a.arrow" else pa.ipc.new_stream
        with make(name, data.schema) as writer:
            writer.write_table(data)
    format_ = " (FORMAT arrow)" if name == "a.arrows" else ""
    assert table(f"COPY t FROM '{name}'{format_}") == 3
    assert rows(table) == LOADED


def test_a_folder_without_its_markers(table: SqlRunner) -> None:
    parquet("in/b/part-1.parquet", {"id": [2], "at": [1]})
    parquet("in/part-0.parquet", {"id": [1], "at": [1]})
    Path("in/_SUCCESS").write_text("")
    Path("in/README.txt").write_text("no data")
    assert table("COPY t FROM 'in' (FORMAT parquet)") == 2
    assert table("COPY t FROM 'in/**/*.parquet'") == 2
    assert rows(table) == [(1, 1, None, 1.5), (2, 1, None, 1.5)]


@pytest.mark.parametrize("url", ["in", "in/t", "in/t/export_id=1", "memory://unfinished"])
def test_an_export_that_is_not_complete_is_refused(table: SqlRunner, url: str) -> None:
    root = "in/t/export_id=1"
    parquet(f"{root}/partition=00000/part-00000.parquet", {"id": [1], "at": [1]})
    Path(f"{root}/_wc").mkdir()
    Path(f"{root}/_wc/archive.json").write_text("{}")
    target = fsspec.filesystem("memory")
    target.put("in", "/unfinished", recursive=True)
    found = fault(table, f"COPY t FROM '{url}'")
    assert (found.sqlstate, "not complete" in found.message) == ("55000", True)
    assert table(f"COPY t FROM '{url}/**/*.parquet'") == 1
    Path(f"{root}/_SUCCESS").write_text("{}")
    target.pipe("/unfinished/t/export_id=1/_SUCCESS", b"{}")
    assert table(f"COPY t FROM '{url}'") == 1
    target.rm("/unfinished", recursive=True)


def test_csv_in_another_form(table: SqlRunner) -> None:
    Path("a.txt").write_text("1;1;NA\n2;1;'a;b\nc'\n3;1;'NA'\n")
    copy = "COPY t (id, at, name) FROM 'a.txt' WITH (FORMAT csv, HEADER false, DELIMITER ';', "
    assert table(copy + "NULL 'NA', QUOTE '''')") == 3
    assert [row[2] for row in rows(table)] == [None, "a;b\nc", "NA"]


def test_text_means_what_it_means_to_insert(table: SqlRunner) -> None:
    table(
        "CREATE TABLE v (k INT PRIMARY KEY, b BOOLEAN, d DECIMAL(6, 2), t TIMESTAMP, day DATE, "
        "u UUID, bin BLOB, m MAP<TEXT, INT>)"
    )
    given = [
        ("1", "yes", "1.005", "2024-01-31 10:20:30+02", "2024-01-31", f"{UUID(int=7)}", "\\x00ff", '{"a": 1}'),
        (" 2", "0", "-3", "2024-01-31", " 2024-01-31 ", None, "plain", None),
        ("3", "true", "12.50", "2024-01-31 10:20:30.5", None, None, None, "{}"),
    ]  # fmt: skip
    Path("v.csv").write_text(
        "k,b,d,t,day,u,bin,m\n"
        + "".join(
            ",".join("" if one is None else '"' + one.replace('"', '""') + '"' for one in row)
            + "\n"
            for row in given
        )
    )
    assert table("COPY v FROM 'v.csv'") == 3
    copied = rows(table, "v")
    table("DELETE FROM v WHERE k IN (1, 2, 3)")
    table.many("INSERT INTO v VALUES (?, ?, ?, ?, ?, ?, ?, ?)", given)
    assert copied == rows(table, "v")


# ---- matching -----------------------------------------------------------------------------------


def test_names_are_matched_folded_and_mapped(table: SqlRunner) -> None:
    parquet("a.parquet", {"Full Name": ["x"], "ID": [1], "at": [2], "other": [3]})
    mapping = 'MAPPING ("Full Name" = name)'
    assert table(f"COPY t (id, at, name) FROM 'a.parquet' ({mapping})") == 1
    assert rows(table) == [(1, 2, "x", 1.5)]
    found = fault(table, f"COPY t FROM 'a.parquet' ({mapping})")
    assert (found.sqlstate, "no column" in found.message) == ("42P10", True)


@pytest.mark.parametrize(
    ("columns", "sqlstate", "part"),
    [
        ({"id": [1]}, "23502", 'key column "at"'),
        ({"id": [1], "at": [1], "ID": [2]}, "42701", "two columns"),
        ({"id": ["1"], "at": [1]}, "42804", 'column "id"'),
        ({"id": [[1]], "at": [1]}, "42804", "list"),
        ({"id": [1], "at": [1], "name": [{"a": 1}]}, "42804", "struct"),
    ],
)
def test_what_does_not_match_is_refused_before_the_first_row(
    table: SqlRunner, columns: Mapping[str, Any], sqlstate: str, part: str
) -> None:
    parquet("a/0.parquet", {"id": [1], "at": [1]})
    parquet("a/1.parquet", columns)
    found = fault(table, "COPY t FROM 'a' (MAX_REJECTS 100)")
    assert found.sqlstate == sqlstate
    assert "1.parquet" in found.message
    assert part in found.message
    assert rows(table) == []


def test_files_of_different_forms_are_refused(table: SqlRunner) -> None:
    parquet("a/0.parquet", {"id": [1], "at": [1], "name": ["x"]})
    parquet("a/1.parquet", {"id": [2], "at": [1]})
    found = fault(table, "COPY t FROM 'a'")
    assert 'it has no column "name", unlike a/0.parquet' in found.message
    assert rows(table) == []
    assert table("COPY t (id, at) FROM 'a'") == 2


@pytest.mark.parametrize(
    ("name", "data", "sqlstate", "part"),
    [
        ("x.parquet", b"", "22P04", "0 bytes"),
        ("x.parquet", b"PAR1 and no more", "22P04", "Parquet"),
        ("x.arrow", b"ARROW1\0\0", "22P04", "Arrow"),
        ("x.csv", b"", "22P04", "Empty CSV"),
        ("x.bin", b"", "22023", "does not say its format"),
        ("nothing/x.csv", None, "58P01", "does not exist"),
        ("*.csv", None, "58P01", "no file fits"),
        ("ftq://host/x.csv", None, "22023", "Protocol not known"),
    ],
)
def test_files_that_cannot_be_read(
    table: SqlRunner, name: str, data: bytes | None, sqlstate: str, part: str
) -> None:
    if data is not None:
        Path(name).write_bytes(data)
    found = fault(table, f"COPY t FROM '{name}'")
    assert found.sqlstate == sqlstate
    assert part in found.message
    assert Path(name).parts[0] in found.message


def test_damage_in_the_middle_says_what_is_written(
    table: SqlRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "BATCH_ROWS", 2000)
    count = reader.BATCH_ROWS * 3
    names = [f"name {n * n}" for n in range(count)]
    parquet(
        "a.parquet",
        {"id": range(count), "at": [1] * count, "name": names},
        row_group_size=reader.BATCH_ROWS,
    )
    group = pq.ParquetFile("a.parquet").metadata.row_group(2)
    begin = group.column(0).data_page_offset
    data = bytearray(Path("a.parquet").read_bytes())
    data[begin : begin + 2000] = b"\xff" * 2000
    Path("a.parquet").write_bytes(data)
    found = fault(table, "COPY t FROM 'a.parquet' (STATE 'state')")
    assert found.sqlstate == "22P04"
    assert re.search(
        r"^a\.parquet cannot be read as Parquet: .* rows written before", found.message
    )
    state = json.loads(Path("state").read_text())["files"]["a.parquet"]
    assert len(rows(table)) >= state["rows"] > 0


def test_an_empty_source_names_nothing(table: SqlRunner) -> None:
    assert fault(table, "COPY t FROM '' (FORMAT csv)").sqlstate == "58P01"


def test_a_path_may_begin_at_home(table: SqlRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    parquet("home/a.parquet", NUMBERED)
    monkeypatch.setenv("HOME", str(Path("home").resolve()))
    assert table("COPY t FROM '~/a.parquet'") == 3
    assert table("COPY t FROM '~/*.parquet'") == 3


def test_explain_shows_what_would_be_loaded(table: SqlRunner) -> None:
    assert [row[0] for row in table("EXPLAIN COPY t FROM 'x/*.csv' (ON_CONFLICT ignore)")] == [
        "Copy into t", "  Files: x/*.csv", "  On conflict: ignore"
    ]  # fmt: skip


# ---- conflicts ----------------------------------------------------------------------------------


def test_conflicts(table: SqlRunner) -> None:
    parquet("a.parquet", NUMBERED)
    assert table("COPY t FROM 'a.parquet'") == 3
    table("UPDATE t SET name = 'mine' WHERE id = 1 AND at = 2")
    assert table("COPY t FROM 'a.parquet' (ON_CONFLICT ignore)") == 0
    assert table.notices == ["left out as their keys exist: 3 rows"]
    assert rows(table)[1][2] == "mine"
    table("DELETE FROM t WHERE id = 1 AND at = 1")
    with pytest.raises(
        IntegrityError, match=r"a\.parquet: row 2: .* key already; 1 row written before"
    ):
        table("COPY t FROM 'a.parquet' (ON CONFLICT fail)")
    assert table("COPY t FROM 'a.parquet' (ON_CONFLICT upsert)") == 3
    assert rows(table) == LOADED


def test_the_last_of_equal_keys_wins(table: SqlRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "BATCH_ROWS", 3)
    count = 40
    columns = {"id": [n % 4 for n in range(count)], "at": [1] * count, "x": range(count)}
    parquet("a.parquet", {**columns, "x": [float(n) for n in range(count)]})
    assert table("COPY t FROM 'a.parquet'") == count
    assert [row[3] for row in rows(table)] == [36.0, 37.0, 38.0, 39.0]


def test_columns_that_files_do_not_have_are_kept(table: SqlRunner) -> None:
    table("CREATE TABLE m (id INT PRIMARY KEY, a TEXT, attrs MAP<TEXT, INT>, u UUID)")
    table("INSERT INTO m VALUES (1, 'kept', {'old': 1}, NULL)")
    maps = pa.array([[("b", 1)], [("c", 2), ("d", 3)]], pa.map_(pa.string(), pa.int64()))
    pq.write_table(pa.table({"id": [1, 2], "attrs": maps}), "m.parquet")
    assert table("COPY m FROM 'm.parquet'") == 2
    assert rows(table, "m") == [(1, "kept", {"b": 1}, None), (2, None, {"c": 2, "d": 3}, None)]
    pq.write_table(pa.table({"id": [2, 3], "attrs": maps}), "m.parquet")
    assert table("COPY m FROM 'm.parquet' (ON_CONFLICT ignore)") == 1
    assert rows(table, "m")[2] == (3, None, {"c": 2, "d": 3}, None)


def test_rows_expire(table: SqlRunner) -> None:
    parquet("a.parquet", NUMBERED)
    for options in ("TTL 60", "TTL INTERVAL '1 minute', ON_CONFLICT ignore"):
        table(f"COPY t FROM 'a.parquet' ({options})")
        left = [one[0] for one in table("SELECT TTL(name) FROM t ALLOW FILTERING")]
        assert len(left) == 3
        assert all(50 < one <= 60 for one in left)
        table("DELETE FROM t WHERE id IN (1, 2)")
    table("COPY t (id, at, name) FROM 'a.parquet' (TTL 60)")  # reads first
    assert table("SELECT TTL(name) <= 60 FROM t WHERE id = 2") == [(True,)]
    for value in ("0", "-1", "'x'", "99999999999"):
        assert fault(table, f"COPY t FROM 'a.parquet' (TTL {value})").sqlstate == "22023"


@pytest.mark.parametrize("parallel", [1, 3])
def test_rows_keep_their_order_however_many_threads_make_them_ready(
    table: SqlRunner, monkeypatch: pytest.MonkeyPatch, parallel: int
) -> None:
    monkeypatch.setattr(reader, "BATCH_ROWS", 7)
    Path("in").mkdir()
    for number in range(4):
        lines = (f"{n % 10},1,{number}.{n}\n" for n in range(100))
        bad = "x,1,bad\n" if number == 2 else ""
        Path(f"in/{number}.csv").write_text("id,at,name\n" + "".join(lines) + bad)
    assert table(f"COPY t FROM 'in' (FORMAT csv, PARALLEL {parallel}, MAX_REJECTS 1)") == 400
    assert [row[2] for row in rows(table)] == [f"3.{n}" for n in range(90, 100)]
    for value in ("0", "65", "'x'"):
        assert fault(table, f"COPY t FROM 'in' (PARALLEL {value})").sqlstate == "22023"


# ---- rejects ------------------------------------------------------------------------------------


BAD = "id,at,name\n1,1,a\n2,x,b\n3\n4,,d\n5,1,\xe9\n6,1,f\n"


def test_rejects_are_written_aside_with_reasons(table: SqlRunner) -> None:
    Path("a.csv").write_bytes(BAD.encode("latin-1"))
    assert table("COPY t FROM 'a.csv' (REJECTS 'bad.jsonl')") == 2
    assert table.notices == ["rejected: 4 rows; written to bad.jsonl"]
    assert [row[:1] for row in rows(table)] == [(1,), (6,)]
    entries = [json.loads(line) for line in Path("bad.jsonl").read_text().splitlines()]
    assert [(one["row"], one["sqlstate"]) for one in entries] == [
        (2, "22P02"), (3, "22P04"), (4, "23502"), (5, "22021")
    ]  # fmt: skip
    second = next(one for one in entries if one["row"] == 2)
    assert second["file"] == "a.csv"
    assert second["values"] == {"id": "2", "at": "x", "name": "b"}
    assert "at" in second["reason"]


def test_too_many_rejects_end_the_load(table: SqlRunner) -> None:
    Path("a.csv").write_bytes(BAD.encode("latin-1"))
    with pytest.raises(DataError, match=r"a\.csv: row \d"):
        table("COPY t FROM 'a.csv'")
    assert rows(table) == []
    with pytest.raises(DataError, match=r"MAX_REJECTS allows before it \(3\)"):
        table("COPY t FROM 'a.csv' (MAX_REJECTS 3)")
    assert table("COPY t FROM 'a.csv' (MAX_REJECTS 4)") == 2


def test_rows_of_typed_files_are_rejected_one_by_one(table: SqlRunner) -> None:
    ids = [*range(100)]
    ids[17] = 1 << 40
    ats: list[int | None] = [1] * 100
    ats[50] = None
    parquet("a.parquet", {"id": ids, "at": pa.array(ats, pa.int32())})
    assert table("COPY t FROM 'a.parquet' (REJECTS 'bad', MAX_REJECTS 2)") == 98
    entries = [json.loads(line) for line in Path("bad").read_text().splitlines()]
    assert [one["row"] for one in entries] == [18, 51]


@pytest.mark.parametrize("on_conflict", ["upsert", "ignore"])
@pytest.mark.parametrize("columns", ["", "(id, at, name)"])
def test_a_row_that_no_request_can_hold_is_rejected(
    table: SqlRunner, on_conflict: str, columns: str
) -> None:
    names = ["a", "b" * ((1 << 20) - 100), "c"]
    parquet("a.parquet", {"id": [1, 2, 3], "at": [1] * 3, "name": names})
    options = f"ON_CONFLICT {on_conflict}, REJECTS 'bad'"
    assert table(f"COPY t {columns} FROM 'a.parquet' ({options})") == 2
    (entry,) = [json.loads(line) for line in Path("bad").read_text().splitlines()]
    assert (entry["row"], entry["sqlstate"]) == (2, "54000")
    assert "limit is" in entry["reason"]
    assert [row[0] for row in rows(table)] == [1, 3]


def test_no_row_is_done_whose_reject_could_still_be_lost(table: SqlRunner) -> None:
    Path("in").mkdir()
    Path("in/a.csv").write_text("id,at\nx,1\n1,1\n")
    Path("in/b.csv").write_text("id,at\n2,1\n")
    done: list[int] = []

    def look(_: Progress) -> None:
        files = json.loads(Path("s").read_text())["files"]
        if files["in/a.csv"]["rows"]:
            done.append(len(Path("bad").read_text().splitlines()))

    table.session.progress_handler = look
    assert table("COPY t FROM 'in' (STATE 's', REJECTS 'bad')") == 2
    assert done
    assert set(done) == {1}


def test_rejects_that_cannot_be_written_end_the_load(table: SqlRunner) -> None:
    Path("a.csv").write_text("id,at\nx,1\n1,1\n")
    found = fault(table, "COPY t FROM 'a.csv' (STATE 's', REJECTS '/dev/full')")
    assert "rejected rows cannot be written to /dev/full" in found.message
    assert json.loads(Path("s").read_text())["files"]["a.csv"]["rows"] == 0


# ---- resuming -----------------------------------------------------------------------------------


def test_a_further_run_goes_on_where_the_last_one_ended(
    table: SqlRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "BATCH_ROWS", 10)
    for number in range(3):
        ids = list(range(number * 100, number * 100 + 100))
        parquet(f"in/{number}.parquet", {"id": ids, "at": [1] * 100})
    session = table.session
    seen: list[Progress] = []

    def stop_later(progress: Progress) -> None:
        seen.append(progress)
        if progress.rows >= 150:
            raise KeyboardInterrupt

    session.progress_handler = stop_later
    with pytest.raises(KeyboardInterrupt):
        table("COPY t FROM 'in' (STATE 'state.json')")
    session.progress_handler = None
    files = json.loads(Path("state.json").read_text())["files"]
    assert [(one["rows"], one["done"]) for one in files.values()] == [
        (100, True), (50, False), (0, False)
    ]  # fmt: skip
    assert 0.4 < (seen[-1].fraction or 0) < 0.6
    assert table("COPY t FROM 'in' (STATE 'state.json')") == 150
    assert table.notices == ["left out as the state file has them: 1 of 3 files"]
    assert len(rows(table)) == 300
    assert table("COPY t FROM 'in' (STATE 'state.json')") == 0
    parquet("in/1.parquet", {"id": [1000], "at": [1]})  # written anew
    parquet("in/3.parquet", {"id": [1001], "at": [1]})
    assert table("COPY t FROM 'in' (STATE 'state.json')") == 2


def interrupted(table: SqlRunner, text: str) -> None:
    """Run a load that ends once its first batch is written."""

    def stop(_: Progress) -> None:
        raise KeyboardInterrupt

    table.session.progress_handler = stop
    with pytest.raises(KeyboardInterrupt):
        table(text)
    table.session.progress_handler = None


@pytest.fixture
def broken_off(table: SqlRunner, monkeypatch: pytest.MonkeyPatch) -> SqlRunner:
    """A table into which a load with FAIL broke off after 10 of 2,000 rows, more of them sent."""
    monkeypatch.setattr(reader, "BATCH_ROWS", 10)
    table("CREATE TABLE f (id INT PRIMARY KEY, a TEXT, b TEXT, FAMILY more (b))")
    ids = list(range(2000))
    names = [f"name {n}" for n in ids]
    parquet("a.parquet", {"id": ids, "a": names, "b": names})
    interrupted(table, FAILING)
    entry = json.loads(Path("s").read_text())["files"]["a.parquet"]
    assert (entry["rows"], entry["done"]) == (10, False)
    assert entry["rows"] < len(rows(table, "f")) <= entry["tried"] < 2000
    return table


FAILING = "COPY f FROM 'a.parquet' (ON_CONFLICT fail, STATE 's', PARALLEL 1)"


def test_a_load_that_fails_on_conflicts_does_not_meet_its_own_rows(broken_off: SqlRunner) -> None:
    there = len(rows(broken_off, "f"))
    assert broken_off(FAILING) == 2000 - there
    assert broken_off.notices == [f"left out as an earlier run wrote them: {there - 10} rows"]
    assert len(rows(broken_off, "f")) == 2000


@pytest.mark.parametrize("column", ["a", "b"])
def test_a_row_that_was_on_its_way_and_differs_is_a_conflict(
    broken_off: SqlRunner, column: str
) -> None:
    broken_off(f"UPDATE f SET {column} = 'of somebody else' WHERE id = 12")
    found = fault(broken_off, FAILING)
    assert (found.sqlstate, "row 13" in found.message) == ("23505", True)


def test_a_row_that_no_run_can_have_written_is_a_conflict(broken_off: SqlRunner) -> None:
    tried = json.loads(Path("s").read_text())["files"]["a.parquet"]["tried"]
    broken_off(f"INSERT INTO f VALUES ({tried}, 'name {tried}', 'name {tried}')")
    found = fault(broken_off, FAILING)
    assert (found.sqlstate, f"row {tried + 1}:" in found.message) == ("23505", True)


def test_lines_that_a_run_has_set_aside_are_not_set_aside_again(
    table: SqlRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "BATCH_ROWS", 10)
    lines = [f"{n},1" if n % 10 else "short" for n in range(300)]
    Path("a.csv").write_text("id,at\n" + "\n".join(lines) + "\n")
    copy = "COPY t FROM 'a.csv' (STATE 's', REJECTS 'bad', PARALLEL 1)"
    interrupted(table, copy)
    assert len(Path("bad").read_text().splitlines()) < 30
    assert len(rows(table)) + table(copy) >= 270
    assert len(rows(table)) == 270
    numbers = [json.loads(line)["row"] for line in Path("bad").read_text().splitlines()]
    assert sorted(set(numbers)) == list(range(1, 301, 10))
    assert len(numbers) <= 31  # the one at the break may be there twice


def test_a_csv_file_is_resumed_by_its_rows(
    table: SqlRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "BATCH_ROWS", 10)
    Path("a.csv").write_text("id,at\n" + "".join(f"{n},1\n" for n in range(35)) + "x,1\n36,1\n")
    found = fault(table, "COPY t FROM 'a.csv' (STATE 's')")
    assert found.message.endswith("; 30 rows written before")
    assert "row 36" in found.message
    assert json.loads(Path("s").read_text())["files"]["a.csv"]["rows"] == 30
    assert table("COPY t FROM 'a.csv' (STATE 's', MAX_REJECTS 1)") == 6


def test_state_files_of_others_are_refused(table: SqlRunner) -> None:
    parquet("a.parquet", NUMBERED)
    entry = '{"bytes": 1, "version": "", "rows": "1", "done": false}'
    for text in (
        "",
        "[]",
        '{"format": 2}',
        '{"format": 1, "table": "u (9)", "files": {}}',
        f'{{"format": 1, "table": "t (1)", "files": {{"a.parquet": {entry}}}}}',
    ):
        Path("s").write_text(text)
        assert fault(table, "COPY t FROM 'a.parquet' (STATE 's')").sqlstate == "22023"
    assert rows(table) == []


def test_a_state_file_that_cannot_be_written(table: SqlRunner) -> None:
    parquet("a.parquet", NUMBERED)
    found = fault(table, "COPY t FROM 'a.parquet' (STATE 'no/s')")
    assert (found.sqlstate, found.message) == (
        "58030", "state file no/s cannot be written: No such file or directory"
    )  # fmt: skip
    assert rows(table) == []
