"""``pegasus-tab import`` into a real node: Ctrl-C in the middle, and the run that goes on."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import pegasus_tab
from tests.integration.node import Node

FILES = 8
FILE_ROWS = 50_000
ROWS = FILES * FILE_ROWS
SECONDS_MAX = 60.0
PROGRAM = [sys.executable, "-c", "from pegasus_shell.main import main; main()", "import"]


def rows_done(state: Path) -> int:
    """Return how many rows the state file names as done; 0 while there is none."""
    if not state.exists():
        return 0
    return sum(int(one["rows"]) for one in json.loads(state.read_text())["files"].values())


@pytest.mark.slow
def test_an_interrupted_import_goes_on_where_it_ended(tmp_path: Path) -> None:
    source, state = tmp_path / "rows", tmp_path / "state"
    source.mkdir()
    for number in range(FILES):
        begin = number * FILE_ROWS
        lines = (f"{n},note {n}\n" for n in range(begin, begin + FILE_ROWS))
        (source / f"{number}.csv").write_text("id,note\n" + "".join(lines))
    with Node(tmp_path / "node") as node, pegasus_tab.connect(node.dsn) as db:
        db.execute("CREATE TABLE t (id INT PRIMARY KEY, note TEXT)")
        command = [*PROGRAM, "t", str(source), "--dsn", node.dsn, "--state", str(state)]
        command += ["--format", "csv"]
        first = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + SECONDS_MAX
        while not rows_done(state):
            # The state is saved when a file is done, and then the others are still to be loaded.
            assert first.poll() is None, "it ended before its first file was seen done"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        first.send_signal(signal.SIGINT)
        _, said = first.communicate(timeout=SECONDS_MAX)
        assert (first.returncode, "Interrupted" in said) == (130, True), said
        assert "Traceback" not in said
        done = rows_done(state)
        assert 0 < done < ROWS
        count = "SELECT count(*) FROM t ALLOW FILTERING"
        assert done <= db.execute(count).fetchall()[0][0] < ROWS
        again = subprocess.run(
            command, stderr=subprocess.PIPE, text=True, timeout=SECONDS_MAX, check=True
        )
        assert f"COPY {ROWS - done}" in again.stderr
        assert db.execute(count).fetchall() == [(ROWS,)]
        assert db.execute("SELECT note FROM t WHERE id = 77777").fetchall() == [("note 77777",)]
