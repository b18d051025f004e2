"""Scenarios of the failure detector as scripts (tests/scripts/failure_detector).

The language is described in tests/fakes/lease_scenario.py. ``REWRITE_SCRIPTS=1`` writes the traces
the code gives now; read the diff before you keep it.
"""

import os
from pathlib import Path

import pytest

from tests.fakes.lease_scenario import replay

SCRIPTS = Path(__file__).parents[2] / "scripts" / "failure_detector"


@pytest.mark.parametrize("script", sorted(SCRIPTS.iterdir()), ids=lambda path: path.name)
def test_scenario_gives_its_trace(script: Path) -> None:
    expected = script.read_text()
    actual = replay(expected)
    if os.environ.get("REWRITE_SCRIPTS"):
        script.write_text(actual)
    assert actual == expected
    assert "JUDGE" not in actual


def test_the_judge_notices_a_clock_slower_than_the_numbers_allow() -> None:
    text = "metas m1\nworkers r1\nrate r1 -300\nlead m1 1\npass 3000\ncut r1 m1\npass 9500\n---\n"
    assert "JUDGE: r1 serves although m1 gave it up" in replay(text)
