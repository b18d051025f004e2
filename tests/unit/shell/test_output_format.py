"""What the shell prints for rows of every kind."""

import csv
import datetime as dt
import io
import json
from decimal import Decimal

from pegasus_shell.output_format import FORMATS

NAMES = ("id", "name")


def lines(kind: str, *rows: tuple[object, ...]) -> list[str]:
    return list(FORMATS[kind](NAMES, rows))


def test_aligned_looks_like_psql() -> None:
    assert lines("aligned", (1, "Ada"), (22, None)) == [
        " id | name",
        "----+------",
        "  1 | Ada",
        " 22 | NULL",
    ]


def test_wide_characters_take_two_cells() -> None:
    table = lines("aligned", (1, "\u6771\u4eac"), (2, "ab"))
    assert table[2:] == ["  1 | \u6771\u4eac", "  2 | ab"]
    assert table[1] == "----+------"


def test_a_value_cannot_move_the_cursor() -> None:
    assert "\x1b" not in "".join(lines("aligned", (1, "\x1b[2J")))
    assert lines("aligned", (1, "a\rb"))[2] == "  1 | a\\rb"


def test_text_of_several_lines_goes_on_below() -> None:
    assert lines("aligned", (1, "CREATE (\n  a\n)"), (2, "b"))[2:] == [
        "  1 | CREATE (+",
        "    |   a     +",
        "    | )",
        "  2 | b",
    ]


def test_expanded_prints_a_record_a_row() -> None:
    assert lines("expanded", (1, "Ada")) == ["-[ RECORD 1 ]+----------", "id   | 1", "name | Ada"]


def test_csv_reads_back() -> None:
    rows = [(1, 'quo"te, comma'), (2, "two\nlines"), (3, None)]
    text = "\n".join(lines("csv", *rows))
    assert list(csv.reader(io.StringIO(text))) == [
        ["id", "name"],
        ["1", 'quo"te, comma'],
        ["2", "two\nlines"],
        ["3", ""],
    ]


def test_json_is_one_document_and_exact() -> None:
    rows = [(Decimal("1.10"), dt.date(2026, 1, 2)), (None, b"\x01")]
    assert json.loads("\n".join(lines("json", *rows))) == [
        {"id": "1.10", "name": "2026-01-02"},
        {"id": None, "name": "\\x01"},
    ]
    assert json.loads("\n".join(lines("json"))) == []
    assert [json.loads(line) for line in lines("jsonl", (1, True))] == [{"id": 1, "name": True}]
