"""COPY ... FROM of CSV files as people have them: packed, cut, of other tools, not CSV at all."""

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pegasus_tab.base.errors import Error
from tests.fakes.sql_runner import SqlRunner

BODY = "id,at,name\n1,1,a\n2,1,b\n"
LOADED = [(1, 1, "a", 1.5), (2, 1, "b", 1.5)]


@pytest.fixture
def table(sql: SqlRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SqlRunner:
    monkeypatch.chdir(tmp_path)
    sql("CREATE TABLE t (id INT, at INT, name TEXT, x DOUBLE DEFAULT 1.5, PRIMARY KEY (id, at))")
    return sql


def rows(sql: SqlRunner) -> list[Any]:
    return sorted(sql("SELECT * FROM t ALLOW FILTERING"))


def fault(sql: SqlRunner, text: str) -> Error:
    with pytest.raises(Error) as caught:
        sql(text)
    return caught.value


def packed(name: str, codec: str, data: bytes) -> bytes:
    with pa.CompressedOutputStream(name, codec) as stream:
        stream.write(data)
    return Path(name).read_bytes()


@pytest.mark.parametrize(
    ("suffix", "codec"), [("gz", "gzip"), ("zst", "zstd"), ("bz2", "bz2"), ("lz4", "lz4")]
)
def test_packed_files(table: SqlRunner, suffix: str, codec: str) -> None:
    packed(f"a.csv.{suffix}", codec, BODY.encode())
    packed(f"B.TSV.{suffix.upper()}", codec, b"id\tat\tname\n3\t1\tc\n")
    assert table(f"COPY t FROM 'a.csv.{suffix}'") == 2
    assert table(f"COPY t FROM 'B.TSV.{suffix.upper()}'") == 1
    assert rows(table) == [*LOADED, (3, 1, "c", 1.5)]


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_packed_files_that_are_cut_or_none(table: SqlRunner, codec: str) -> None:
    suffix = {"gzip": "gz", "zstd": "zst"}[codec]
    lines = "".join(f"{n},{n * n},{n * n * n}\n" for n in range(20_000))
    whole = packed("whole", codec, f"id,at,name\n{lines}".encode())
    for name, data in (("cut", whole[: len(whole) // 2]), ("none", BODY.encode())):
        Path(f"{name}.csv.{suffix}").write_bytes(data)
        found = fault(table, f"COPY t FROM '{name}.csv.{suffix}'")
        assert found.sqlstate == "22P04"
        assert found.message.startswith(f"{name}.csv.{suffix} ")


@pytest.mark.parametrize(
    "text",
    [
        BODY,
        BODY[:-1],
        "\ufeff" + BODY,
        BODY.replace("\n", "\r\n"),
        BODY.replace("\n", "\n\n"),
        "name,at,id\na,1,1\nb,1,2\n",
        'id,at,"name"\n"1",1,a\n2,"1","b"\n',
        "ID,At,NAME\n1,1,a\n2,1,b\n",
    ],
)
def test_forms_that_mean_the_same(table: SqlRunner, text: str) -> None:
    Path("a.csv").write_text(text, newline="")
    assert table("COPY t FROM 'a.csv'") == 2
    assert rows(table) == LOADED


@pytest.mark.parametrize("text", ["id,at,name\n", "id,at,name", "\ufeffid,at,name\r\n"])
def test_a_header_alone(table: SqlRunner, text: str) -> None:
    Path("a.csv").write_text(text, newline="")
    assert table("COPY t FROM 'a.csv'") == 0
    Path("b.csv").write_text("")
    assert table("COPY t FROM 'b.csv' (HEADER FALSE)") == 0


def test_values_with_line_ends_and_quotes(table: SqlRunner) -> None:
    Path("a.csv").write_text('id,at,name,x\n1,1,"a\n""b"",\r\n",1\n2,1,"",\n3,1,,2', newline="")
    assert table("COPY t FROM 'a.csv'") == 3
    assert rows(table) == [(1, 1, 'a\n"b",\r\n', 1.0), (2, 1, "", None), (3, 1, None, 2.0)]


@pytest.mark.parametrize(
    ("text", "options", "part", "hint"),
    [
        ('id,at,name\n1,1,"open\n2,1,b\n', "", "a quote is not closed", "whole CSV file"),
        ('id,at,name\n1,1,"open', "", "a quote is not closed", "whole CSV file"),
        ('id,at,name\n1,"1,b\n2,1,c\n', "(MAX_REJECTS 9)", "a quote is not closed", "QUOTE"),
        ("1,1,a\n", "", 'no column "1"', "HEADER FALSE"),
        ("id;at;name\n1;1;a\n", "", 'no column "id;at;name"', "DELIMITER ';'"),
        ("id\tat\n1\t1\n", "", 'no column "id\tat"', r"DELIMITER '\t'"),
        ("at,name\n1,1\n", "", 'key column "id"', "HEADER FALSE"),
        ("id,at,zip\n1,1,1\n", "", 'no column "zip"', "list those to fill"),
        ("id,at,name\n1,1," + "x" * 3_000_000, "", "straddl", "a row takes more than 1 MiB"),
        ("id,at,name\n1,1\n", "", "row 1: 2 values, not 3", "MAX_REJECTS"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(
    table: SqlRunner, text: str, options: str, part: str, hint: str
) -> None:
    Path("a.csv").write_text(text)
    found = fault(table, f"COPY t FROM 'a.csv' {options}")
    assert re.match(r"a\.csv\b", found.message)
    assert part in found.message
    assert hint in (found.hint or "")


def test_other_encodings(table: SqlRunner) -> None:
    Path("a.csv").write_bytes(BODY.encode("utf-16"))
    found = fault(table, "COPY t FROM 'a.csv'")
    assert (found.sqlstate, "not UTF-8 text" in found.message) == ("22P04", True)
