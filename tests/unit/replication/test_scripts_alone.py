"""Replication scenarios as scripts: commands, ``---``, the exact trace (tests/scripts/replication/alone).

A command feeds one input to the primary; its trace is the effects and, last, the watermarks.
``REWRITE_SCRIPTS=1`` writes the traces the code gives now; read the diff before you keep it.
"""

import os
from pathlib import Path

import pytest

from pegasus_server.replication.describe import describe_effect, describe_primary
from pegasus_server.replication.inputs import Applied, ClientWrites, LogAppended, PrimaryInput
from pegasus_server.replication.primary import Primary
from pegasus_server.replication.timestamps import Timestamps
from pegasus_tab.base.ids import Ballot, Decree, Gpid

SCRIPTS = Path(__file__).parents[2] / "scripts" / "replication" / "alone"


class Scenario:
    """Runs the commands of one script against one primary."""

    def __init__(self) -> None:
        self.now_us = 1000
        self.primary = self._primary({})

    def _primary(self, fields: dict[str, str]) -> Primary:
        return Primary.alone(
            Gpid(1, 0),
            Ballot(int(fields.get("ballot", "1"))),
            Decree(int(fields.get("committed", "0"))),
            Timestamps(),
        )

    def run(self, command: str) -> list[str]:
        """Carry out one command; return its trace."""
        verb, *words = command.split()
        positional = [word for word in words if "=" not in word]
        fields = dict(word.split("=", 1) for word in words if "=" in word)
        if verb == "primary":
            self.primary = self._primary(fields)
            return [describe_primary(self.primary)]
        if verb == "clock":
            self.now_us = int(positional[0])
            return []
        return self._feed(self._input(verb, positional[0], fields))

    def _input(self, verb: str, subject: str, fields: dict[str, str]) -> PrimaryInput:
        if verb == "write":
            operations = int(fields.get("operations", "1"))
            size = int(fields.get("bytes", "1"))
            return ClientWrites([(subject.encode(), b"")], size, operations, subject, self.now_us)
        if verb == "logged":
            return LogAppended(Decree(int(subject)), self.primary.ballot)
        assert verb == "applied", verb
        return Applied(Decree(int(subject)))

    def _feed(self, event: PrimaryInput) -> list[str]:
        try:
            effects = self.primary.step(event, self.now_us)
        except AssertionError as error:
            return [f"assertion: {error}"]
        return [describe_effect(effect) for effect in effects]


def replay(text: str) -> str:
    """Run a script's commands and write down what they give now."""
    scenario = Scenario()
    blocks = []
    for block in text.split("\n\n"):
        commands = block.split("\n---\n")[0].strip("\n").split("\n")
        lines = [line for line in commands if line and not line.startswith("#")]
        if not lines:
            blocks.append(block.strip("\n"))
            continue
        trace = [line for command in lines for line in scenario.run(command)]
        trace.append(describe_primary(scenario.primary))
        blocks.append("\n".join([*commands, "---", *trace]))
    return "\n\n".join(blocks) + "\n"


@pytest.mark.parametrize("script", sorted(SCRIPTS.iterdir()), ids=lambda path: path.name)
def test_scenario_gives_its_trace(script: Path) -> None:
    expected = script.read_text()
    actual = replay(expected)
    if os.environ.get("REWRITE_SCRIPTS"):
        script.write_text(actual)
    assert actual == expected
