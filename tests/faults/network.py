"""The network between the servers of a test, as the test orders it; see proxy.py."""

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

from tests.faults.proxy import Route

ROOT = Path(__file__).resolve().parents[2]


class Network:
    """The proxy's process.

    Args:
        routes: of every node.
        output: file for what it says about itself.
    """

    def __init__(self, routes: Sequence[Route], output: Path) -> None:
        self._routes = routes
        self._output = output
        self._changed: set[tuple[str, str]] = set()

    def __enter__(self) -> Self:
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.proxy"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
                cwd=ROOT,
            )
        self._order(self._routes)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()

    def _order(self, order: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer == "ok\n", f"the proxy ended:\n{self._output.read_text()}"

    def link(self, speaker: str, listener: str, what: str, number: int = 0) -> None:
        """Let one direction between two nodes do something else from now on."""
        self._order((speaker, listener, what, number))
        self._changed.add((speaker, listener))

    def both(self, one: str, others: Iterable[str], what: str, number: int = 0) -> None:
        """Let both directions between a node and others do something else from now on."""
        for other in others:
            self.link(one, other, what, number)
            self.link(other, one, what, number)

    def heal(self) -> None:
        """Carry everything again."""
        for speaker, listener in sorted(self._changed):
            self.link(speaker, listener, "pass")
        self._changed.clear()
