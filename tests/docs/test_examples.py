"""Every example in README.md and docs/ runs as it stands and prints what the page says.

Fences that are executed, page by page, in order, in an empty folder of the page's own:
  * ``console``: lines ``$ command`` and the output expected below each (stdout and stderr as a
    terminal shows them); ``...`` in an expected line stands for any text.
  * ``sql``: run by ``pegasus-tab shell`` on the page's embedded node; a ``text`` fence directly
    below holds the expected output.
  * ``pycon``: doctest, names shared over the page; connections left open are closed at its end.
A page that needs the demo data says so in a comment: ``<!-- demo data -->``. A page that leaves a
process running writes its id to a file ``*.pid``; it is ended with the page, as is a onebox.
"""

import contextlib
import doctest
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import pytest

import pegasus_tab
import pegasus_tab.kv

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BIN = Path(sys.executable).parent
SECONDS_MAX = 60
DEMO_SECONDS_MAX = 200
DEMO = "pegasus-tab demo --load-only --quiet file:./pegasus-data"
SHELL = "pegasus-tab shell file:./pegasus-data"


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    kind: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    text = page.read_text()
    return [Block(m[1], m[2], text.count("\n", 0, m.start()) + 1) for m in FENCE.finditer(text)]


def run(
    command: str, folder: Path, stdin: str | None = None, seconds_max: float = SECONDS_MAX
) -> str:
    """Run a shell command as a user would; return what a terminal would show."""
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "NO_COLOR": "1"}
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=environment,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds_max,
        check=False,
    )
    return done.stdout


def matches(expected: str, got: str) -> bool:
    """Compare ignoring trailing blanks; ``...`` matches anything."""

    def lines(text: str) -> str:
        return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())

    pattern = re.escape(lines(expected)).replace(re.escape("..."), ".*?")
    return re.fullmatch(pattern, lines(got), re.DOTALL) is not None


def console(block: Block, folder: Path) -> None:
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        while command.endswith("\\"):
            more, _, expected = expected.partition("\n")
            command = f"{command}\n{more}"
        got = run(command, folder)
        assert matches(expected, got), f"$ {command}\nprinted:\n{got}\nthe page says:\n{expected}"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if "<!-- demo data -->" in page.read_text():
        loaded = run(DEMO, tmp_path, seconds_max=DEMO_SECONDS_MAX)
        assert loaded == "", loaded
    names: dict[str, object] = {}
    try:
        run_blocks(page, tmp_path, names)
    finally:
        close_connections(names)
        end_processes(tmp_path)
        stop_clusters(tmp_path)
        shutil.rmtree(tmp_path / "pegasus-data", ignore_errors=True)


def close_connections(names: dict[str, object]) -> None:
    for value in names.values():
        if isinstance(value, pegasus_tab.Connection | pegasus_tab.kv.Client):
            value.close()


def end_processes(folder: Path) -> None:
    for file in folder.glob("*.pid"):
        with contextlib.suppress(ValueError, ProcessLookupError):
            os.kill(int(file.read_text()), signal.SIGKILL)


def stop_clusters(folder: Path) -> None:
    for listed in folder.glob("*/onebox.json"):
        run(f"pegasus-tab onebox stop --folder {listed.parent}", folder)


def run_blocks(page: Path, folder: Path, names: dict[str, object]) -> None:
    found = blocks(page)
    for block, following in zip_longest(found, found[1:]):
        where = f"{page.name}:{block.line}"
        if block.kind == "console":
            console(block, folder)
        elif block.kind == "sql":
            got = run(SHELL, folder, stdin=block.text)
            if following is not None and following.kind == "text":
                assert matches(following.text, got), f"{where} printed:\n{got}"
            else:
                assert "ERROR" not in got, f"{where} printed:\n{got}"
        elif block.kind == "pycon":
            test = doctest.DocTestParser().get_doctest(block.text, names, where, where, block.line)
            runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
            report: list[str] = []
            runner.run(test, out=report.append, clear_globs=False)
            names.update(test.globs)
            assert runner.failures == 0, "".join(report)
