"""Scenarios of several replicas as scripts (tests/scripts/replication/<family>/<case>).

The language is described in tests/fakes/replica_scenario.py. ``REWRITE_SCRIPTS=1`` writes the
traces the code gives now; read the diff before you keep it.
"""

import os
from pathlib import Path

import pytest

from tests.fakes.replica_scenario import replay

SCRIPTS = Path(__file__).parents[2] / "scripts" / "replication"
FAMILIES = ("normal", "message_loss", "disk", "meta_loss", "mixed", "learning", "regressions")
CASES = sorted(path for family in FAMILIES for path in (SCRIPTS / family).iterdir())


@pytest.mark.parametrize("script", CASES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_scenario_gives_its_trace(script: Path) -> None:
    expected = script.read_text()
    actual = replay(expected)
    if os.environ.get("REWRITE_SCRIPTS"):
        script.write_text(actual)
    assert actual == expected
