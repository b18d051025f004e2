"""The shell in scripts: exit codes, what goes to stdout and what to stderr, and what it imports."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pegasus_tab
from tests.integration.node import Node
from tests.integration.server_process import free_port

pytestmark = pytest.mark.slow

SHELL = [str(Path(sys.executable).with_name("pegasus-tab")), "shell"]
ROWS = 20_000


@pytest.fixture(scope="module")
def dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Node(tmp_path_factory.mktemp("shell") / "data") as node:
        with pegasus_tab.connect(node.dsn) as connection:
            connection.execute("CREATE TABLE t (k INT PRIMARY KEY, v TEXT) WITH (partitions = 2)")
            rows = ((number, f"value {number}") for number in range(ROWS))
            connection.executemany("UPSERT INTO t VALUES (?, ?)", rows)
        yield node.dsn


def shell(
    *arguments: str, stdin: bytes = b"", environment: dict[str, str] | None = None
) -> tuple[int, str, str]:
    """Run it; return the exit code, stdout and stderr."""
    done = subprocess.run(
        [*SHELL, *arguments],
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    said = done.stderr.decode()
    assert "Traceback" not in said
    return done.returncode, done.stdout.decode(), said


def test_rows_go_to_stdout_and_the_rest_to_stderr(dsn: str) -> None:
    code, data, said = shell(dsn, "-c", "SELECT v FROM t WHERE k = 7")
    assert (code, data) == (0, "    v\n---------\n value 7\n")
    assert said == "(1 row)\n"
    code, data, said = shell(dsn, "-q", "-c", "UPSERT INTO t VALUES (-1, 'x')")
    assert (code, data, said) == (0, "", "")
    code, data, said = shell(dsn, "-c", "DELETE FROM t WHERE k = -1")
    assert (code, data, said) == (0, "", "DELETE 1\n")


def test_a_statement_that_fails_ends_the_run_with_1(dsn: str) -> None:
    script = "SELECT 1 AS a;\nSELEC 2;\nSELECT 3 AS c"
    for code, data, said in (
        shell(dsn, "--format", "csv", "-c", script),
        shell(dsn, "--format", "csv", stdin=script.encode()),
    ):
        assert (code, data) == (1, "a\n1\n")
        assert said.splitlines() == [
            'ERROR 42601:  syntax error at or near "SELEC"',
            "LINE 2: SELEC 2;",
            "        ^^^^^",
            'HINT:  did you mean "SELECT"?',
        ]
    code, data, _ = shell(dsn, "--format", "csv", "-c", "SELEC 1", "-c", "SELECT 2")
    assert (code, data) == (1, "")


def test_an_error_as_json(dsn: str) -> None:
    code, _, said = shell(dsn, "--json-errors", "-c", "SELECT nope FROM t")
    error = json.loads(said)
    assert code == 1
    assert (error["sqlstate"], error["position"], error["ambiguous"]) == ("42703", 7, False)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--nope"], "--nope"),
        (["--format", "xml"], "xml"),
        (["--timeout", "0"], "--timeout"),
        (["--timeout", "nan", "-c", "SELECT 1"], "nan"),
        (["extra", "-c", "SELECT 1"], "extra"),
        (["-c", "\\nope"], "\\nope"),
        (["-c", "\\d 'open"], "cannot read"),
        (["-f", "no/such/file.sql"], "no/such/file.sql"),
        (["-f", "."], "cannot read ."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_usage_is_2(dsn: str, arguments: list[str], named: str) -> None:
    code, data, said = shell(dsn, *arguments)
    assert (code, data) == (2, "")
    assert named in said


@pytest.mark.parametrize(
    "wrong", ["nonsense", "pegasus://127.0.0.1:99999/", "file:", "file:/dev/null/data"]
)
def test_a_wrong_dsn_is_2(wrong: str) -> None:
    code, data, said = shell(wrong, "-c", "SHOW TABLES")
    assert (code, data) == (2, "")
    assert "HINT" in said


def test_a_wrong_option_in_the_dsn_is_2(dsn: str) -> None:
    for option, named in (("nope=1", '"nope"'), ("full_scan=never", "never")):
        code, _, said = shell(f"{dsn}?{option}", "-c", "SELECT 1")
        assert code == 2
        assert named in said


def test_nobody_there_is_3() -> None:
    code, data, said = shell(f"pegasus://127.0.0.1:{free_port()}/", "-c", "SHOW TABLES")
    assert (code, data) == (3, "")
    assert "Connection refused" in said


@pytest.mark.parametrize(
    ("seconds", "statement"),
    [
        ("0.001", "SELECT * FROM t WHERE v LIKE '%q%'"),
        ("0.5", "SELECT count(*) FROM t a, t b, t c WHERE a.v || b.v <> c.v"),
    ],
    ids=["the store", "DuckDB"],
)
def test_no_answer_in_time_is_4(dsn: str, seconds: str, statement: str) -> None:
    code, _, said = shell(dsn, "--timeout", seconds, "-c", statement)
    assert code == 4
    assert "HYT00" in said


def test_the_dsn_decides_what_the_command_line_does_not(dsn: str) -> None:
    scan = "SELECT k FROM t WHERE v = 'value 3'"
    assert shell(dsn, "-c", scan)[0] == 0
    assert "NOTICE" in shell(dsn, "-c", scan)[2]
    code, _, said = shell(f"{dsn}?full_scan=error", "-c", scan)
    assert code == 1
    assert "partitions" in said
    assert shell(f"{dsn}?full_scan=error", "--full-scan", "allow", "-c", scan)[0] == 0
    assert shell(f"{dsn}?timeout_ms=1", "-c", "SELECT * FROM t WHERE v LIKE '%q%'")[0] == 4


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xef\xbb\xbfSELECT 1 AS a;\r\nSELECT 2 AS b;\r\n", (0, "a\n1\nb\n2\n")),
        (b"SELECT 1 AS a; -- open end", (0, "a\n1\n")),
        (b"", (0, "")),
        (b"\\format jsonl\nSELECT 1 AS a;\n\\q\nSELECT 2;", (0, '{"a": 1}\n')),
        (b"SELECT 1 AS a; SELECT '\xff'", (2, "")),
        (b"\x7fELF\x02\x01\x01\0\0\0", (1, "")),
        (b"PK\x03\x04\xff\xfe" + bytes(100), (2, "")),
    ],
    ids=["mark and CRLF", "comment", "empty", "commands", "Latin-1", "binary", "archive"],
)
def test_files_and_input_of_every_kind(
    dsn: str, tmp_path: Path, content: bytes, expected: tuple[int, str]
) -> None:
    file = tmp_path / "script.sql"
    file.write_bytes(content)
    assert shell(dsn, "--format", "csv", "-f", str(file))[:2] == expected
    assert shell(dsn, "--format", "csv", stdin=content)[:2] == expected


def test_bytes_on_the_command_line_that_are_no_text(dsn: str) -> None:
    done = subprocess.run(
        [*SHELL, dsn, "-c", b"SELECT '\xff' AS a"], capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"22021" in done.stderr


def redirected(script: str, dsn: str) -> tuple[int, str]:
    """Run a line of shell script in which ``tab`` is our shell; return exit code and output."""
    done = subprocess.run(
        ["bash", "-c", f'set -o pipefail\ntab() {{ "$@"; }}\n{script}', *("-", *SHELL, dsn)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def test_a_reader_that_has_seen_enough_is_no_error(dsn: str) -> None:
    script = 'tab "$@" -q --format csv -c "SELECT * FROM t ALLOW FILTERING" | head -1'
    assert redirected(script, dsn) == (0, "k,v\n")


def test_an_output_that_cannot_be_written_is_named(dsn: str) -> None:
    for columns, where in (("k", "/dev/full"), ("*", "/dev/full"), ("k", "&-")):
        script = f'tab "$@" -q -c "SELECT {columns} FROM t ALLOW FILTERING" >{where}'
        code, said = redirected(script, dsn)
        assert code == 1
        assert "ERROR 58030:  cannot write the output" in said


def test_a_closed_stderr_puts_nothing_among_the_data(dsn: str) -> None:
    assert redirected('tab "$@" --format csv -c "SELECT 1 AS a" 2>&-', dsn) == (0, "a\n1\n")
    assert redirected('tab "$@" --format aligned -c "SELECT 1 AS a" 2>&-', dsn) == (
        0,
        " a\n---\n 1\n",
    )


def test_an_output_without_the_letters(dsn: str) -> None:
    environment = {"PYTHONIOENCODING": "ascii"}
    code, _, said = shell(
        dsn, "--format", "csv", "-c", "SELECT '\u6771' AS a", environment=environment
    )
    assert code == 1
    assert "encoding ascii has no place" in said


IMPORTS = """
import sys
from pegasus_shell.main import main
try:
    main(["shell", *sys.argv[1:]])
finally:
    print(*sorted({"prompt_toolkit", "pyarrow", "numpy", "duckdb", "sqlglot"} & sys.modules.keys()))
"""


@pytest.mark.parametrize(
    ("statement", "needed"),
    [
        ("SELECT v FROM t WHERE k = 7", ""),
        ("SELECT * FROM t WHERE k = 7 ORDER BY v LIMIT 1", ""),
        ("UPSERT INTO t VALUES (-1, 'x')", ""),
        ("DELETE FROM t WHERE k = -1", ""),
        ("SHOW TABLES", "sqlglot"),
        ("SELECT count(*) FROM t", "sqlglot"),
        ("SELECT v FROM t", "numpy pyarrow"),
    ],
)
def test_a_command_imports_what_its_statement_needs(dsn: str, statement: str, needed: str) -> None:
    command = [sys.executable, "-c", IMPORTS, dsn, "-q", "--format", "csv", "-c", statement]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == needed
