"""The shell at a terminal: prompt, statements over lines, commands, Ctrl-C, and how it ends."""

import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pegasus_tab
from tests.integration.node import Node
from tests.integration.terminal import CTRL_C, CTRL_D, Terminal

pytestmark = pytest.mark.slow

SHELL = [str(Path(sys.executable).with_name("pegasus-tab")), "shell"]
PROMPT, MORE = "tab>", "...>"
ENDLESS = "SELECT count(*) FROM t a, t b, t c WHERE a.v || b.v <> c.v"
ROWS = 20_000


@pytest.fixture(scope="module")
def dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Node(tmp_path_factory.mktemp("terminal") / "data") as node:
        with pegasus_tab.connect(node.dsn) as connection:
            connection.execute("CREATE TABLE t (k INT PRIMARY KEY, v TEXT) WITH (partitions = 2)")
            rows = ((number, f"value {number}") for number in range(ROWS))
            connection.executemany("UPSERT INTO t VALUES (?, ?)", rows)
        yield node.dsn


def shell(folder: Path, *arguments: str) -> Terminal:
    """Start it in a terminal, with its history in a folder; no answer to cursor questions."""
    environment = {
        "TERM": "xterm",
        "XDG_STATE_HOME": str(folder),
        "PROMPT_TOOLKIT_NO_CPR": "1",
    }
    return Terminal([*SHELL, *arguments], environment)


@pytest.fixture
def terminal(dsn: str, tmp_path: Path) -> Iterator[Terminal]:
    """A shell that shows its prompt."""
    with shell(tmp_path, dsn) as terminal:
        terminal.wait_for(PROMPT)
        yield terminal


def run(terminal: Terminal, text: str, shows: str) -> str:
    """Enter a statement at the prompt; return what it shows up to the next prompt."""
    terminal.type(text + "\r")
    shown = terminal.wait_for(shows)
    before = shown[: shown.rindex(shows) + len(shows)]
    terminal.shown = shown[len(before) :]
    terminal.wait_for(PROMPT)
    return before


def test_a_statement_over_two_lines_a_command_and_the_end(terminal: Terminal) -> None:
    terminal.type("SELECT 41 +\r")
    terminal.wait_for(MORE)
    shown = run(terminal, "1 AS answer;", "(1 row)")
    assert " answer\n--------\n     42\n" in shown
    assert " t    | table |          2 |" in run(terminal, "\\d", "(1 row)")
    assert " v      | TEXT | " in run(terminal, "\\d t", "(2 rows)")
    run(terminal, "\\timing", "Timing is on.")
    assert "Time: " in run(terminal, "SELECT 1;", " ms")
    terminal.type("\\q\r")
    assert terminal.end() == 0


def test_errors_leave_the_session_as_it_was(terminal: Terminal) -> None:
    shown = run(terminal, "SELEC 5;", 'did you mean "SELECT"?')
    assert "ERROR 42601" in shown
    run(terminal, "\\nope", "\\? lists the commands")
    run(terminal, "SELECT 7 * 6 AS still;", "42")
    terminal.type(CTRL_D)
    assert terminal.end() == 0


def test_ctrl_c_clears_what_is_being_typed(terminal: Terminal) -> None:
    terminal.type("SELECT 41 +\r")
    terminal.wait_for(MORE)
    terminal.type(CTRL_C)
    terminal.wait_for(PROMPT)
    run(terminal, "SELECT 7 * 6 AS still;", "(1 row)")


@pytest.mark.parametrize(
    "statement",
    [ENDLESS, "SELECT * FROM t a, t b", "UPDATE t SET v = v || '' WHERE k >= 0"],
    ids=["counting", "printing", "writing"],
)
def test_ctrl_c_cancels_the_statement_and_keeps_the_session(
    terminal: Terminal, statement: str
) -> None:
    terminal.type(f"{statement};\r")
    terminal.wait_until_busy()
    terminal.type(CTRL_C)
    terminal.wait_for("Cancelled")
    terminal.wait_for(PROMPT)
    run(terminal, "SELECT 7 * 6 AS still;", "(1 row)")
    assert f"{ROWS}" in run(terminal, "SELECT count(*) FROM t;", "(1 row)")


@pytest.mark.parametrize(
    ("statement", "rate"),
    [
        ("COPY t TO '{}/out'", 20_000),
        ("BACKUP TABLE t, other TO '{}/more'", 20_000),
        ("RESTORE TABLE t FROM '{}/safe' AS t2", 200_000),
    ],
    ids=["export", "backup", "restore"],
)
def test_ctrl_c_ends_the_waiting_and_not_the_job(
    terminal: Terminal, tmp_path: Path, statement: str, rate: int
) -> None:
    run(terminal, "CREATE TABLE other (k INT PRIMARY KEY);", "CREATE TABLE")
    run(terminal, f"BACKUP TABLE t TO '{tmp_path}/safe';", f"BACKUP {ROWS}")
    terminal.type(f"{statement.format(tmp_path)} (BYTES_PER_SECOND {rate});\r")
    bar = terminal.wait_for(" left")
    assert re.search(r"\[#+\.+\] +50% +10,\d{3} rows .* rows/s .* 0:\d\d left", bar), bar
    terminal.type(CTRL_C)
    said = terminal.wait_for(" ends it")
    found = re.search(
        r"Job (\d+) goes on without you; SHOW JOBS tells how far it is, CANCEL JOB (\d+) ends it",
        said,
    )
    assert found is not None, said
    assert found[1] == found[2]
    if "other" in statement:
        terminal.wait_for("Tables whose backup was not begun: other")
    terminal.wait_for(PROMPT)
    shown = run(terminal, "SHOW JOBS;", " rows)")
    assert re.search(rf"^ +{found[1]} \| .* \| running ", shown, re.MULTILINE), shown
    run(terminal, f"CANCEL JOB {found[1]};", "CANCEL")
    run(terminal, "DROP TABLE other;", "DROP TABLE")


def answer(terminal: Terminal, statement: str, keys: str, shows: str) -> None:
    """Enter a statement that is asked about, answer, and wait for what comes of it."""
    terminal.type(f"{statement};\r")
    terminal.wait_for("changes every row of g. Go on? [y/N]")
    run(terminal, keys, shows)


def test_a_change_of_every_row_is_asked_about(terminal: Terminal) -> None:
    run(terminal, "CREATE TABLE g (k INT PRIMARY KEY, v INT);", "CREATE TABLE")
    run(terminal, "UPSERT INTO g VALUES (1, 1), (2, 2);", "UPSERT 2")
    for keys, shows in (
        ("n", "Not run."),
        ("", "Not run."),
        (CTRL_D, "Not run."),
        (CTRL_C, "Cancel"),
    ):
        answer(terminal, "DELETE FROM g", keys, shows)
    answer(terminal, "UPDATE g SET v = 7; DELETE FROM g WHERE k = 1", "n", "Not run.")
    run(terminal, "UPDATE g SET v = 8 WHERE k = 1;", "UPDATE 1")
    answer(terminal, "UPDATE g SET v = v + 1", "y", "UPDATE 2")
    run(terminal, "SELECT k, v FROM g WHERE k IN (1, 2) AND v IN (9, 3);", "(2 rows)")
    run(terminal, "\\guard off", "Guard is off.")
    run(terminal, "DELETE FROM g;", "DELETE 2")
    run(terminal, "DROP TABLE g;", "RECALL TABLE g")


def test_without_the_guard_nothing_is_asked(dsn: str, tmp_path: Path) -> None:
    with shell(tmp_path, dsn, "--no-guard") as terminal:
        terminal.wait_for(PROMPT)
        run(terminal, "CREATE TABLE g (k INT PRIMARY KEY); DELETE FROM g;", "DELETE 0")
        run(terminal, "DROP TABLE g;", "RECALL TABLE g")


def test_ctrl_c_ends_a_command_with_130(dsn: str, tmp_path: Path) -> None:
    with shell(tmp_path, dsn, "-c", f"SHOW TABLES; {ENDLESS}") as terminal:
        terminal.wait_for("(1 row)")
        terminal.wait_for("NOTICE:  this reads all 2 partitions")  # before the work, not after it
        terminal.type(CTRL_C)
        terminal.wait_for("Cancelled")
        assert terminal.end() == 130


def test_ctrl_c_while_it_waits_for_a_node_is_130(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"pegasus://127.0.0.1:{silent.getsockname()[1]}/"
        with shell(tmp_path, place, "-c", "SHOW TABLES") as terminal, silent.accept()[0]:
            terminal.type(CTRL_C)
            assert terminal.end() == 130


def test_the_node_killed_under_the_prompt(tmp_path: Path) -> None:
    with Node(tmp_path / "data") as node:
        with pegasus_tab.connect(node.dsn) as connection:
            connection.execute("CREATE TABLE t (k INT PRIMARY KEY, v TEXT)")
        with shell(tmp_path, node.dsn, "--timeout", "0.5") as terminal:
            terminal.wait_for(PROMPT)
            run(terminal, "UPSERT INTO t VALUES (1, 'a');", "UPSERT 1")
            node.kill()
            assert "ERROR 08" in run(terminal, "SELECT v FROM t WHERE k = 1;", "no answer")
            node.start()
            with pegasus_tab.connect(node.dsn) as connection:  # it may be slow in the beginning
                connection.execute("SELECT v FROM t WHERE k = 1")
            assert " a\n" in run(terminal, "SELECT v FROM t WHERE k = 1;", "(1 row)")
            terminal.type("\\q\r")
            assert terminal.end() == 0
