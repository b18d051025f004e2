"""A onebox as its user has it: made, used, hurt and stopped by commands alone."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pegasus_tab as pegasus_tab_driver

COMMAND_SECONDS_MAX = 100.0
WAIT_SECONDS_MAX = 60.0
LOOK_SECONDS = 0.2


class Box:
    """Runs commands on one onebox."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._connection: pegasus_tab_driver.Connection | None = None

    def run(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``pegasus-tab onebox ...``."""
        return pegasus_tab("onebox", command, *arguments, "--folder", str(self.folder))

    def start(self, *arguments: str) -> None:
        """Start it, making it the first time."""
        started = self.run("start", *arguments)
        assert started.returncode == 0, started.stderr

    def status(self) -> dict[str, list[str]]:
        """Return what ``status`` prints, by server."""
        lines = self.run("status").stdout.splitlines()
        return {name: rest for name, *rest in (line.split("\t") for line in lines)}

    @property
    def dsn(self) -> str:
        """How to reach it."""
        return self.status()["dsn"][0]

    def ask(self, sql: str) -> list[dict[str, Any]]:
        """Run SQL in this process, which is cheaper than a shell; return its rows."""
        if self._connection is None:
            self._connection = pegasus_tab_driver.connect(self.dsn)
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            if cursor.description is None:
                return []
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def sql(self, text: str) -> str:
        """Run SQL; return its rows as TSV."""
        ended = pegasus_tab("shell", self.dsn, "--format", "tsv", "-q", "-c", text)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def admin(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``pegasus-tab admin ...``."""
        return pegasus_tab("admin", *arguments, "--dsn", self.dsn)

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        """Run a command of ``admin`` that lists; return its rows."""
        ended = self.admin(*arguments, "--format", "json")
        assert ended.returncode == 0, ended.stderr
        rows: list[dict[str, Any]] = json.loads(ended.stdout)
        return rows

    def kill_all(self) -> None:
        """End every server that runs."""
        if self._connection is not None:
            self._connection.close()
        for name, state in self.status().items():
            if "running" in state:
                self.run("kill", name)


def pegasus_tab(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as its user would."""
    return subprocess.run(
        [sys.executable, "-c", "from pegasus_shell.main import main; main()", *arguments],
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS_MAX,
        check=False,
    )


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Look until something is so."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not is_so():
        assert time.monotonic() < deadline, f"not within {WAIT_SECONDS_MAX:.0f} s: {what}"
        time.sleep(LOOK_SECONDS)
