"""The table of golden scripts names what is there."""

import re
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
NAMED = re.findall(
    r"`((?:replication|meta|failure_detector)/[\w/]+)`", (SCRIPTS / "README.md").read_text()
)


def test_every_script_named_exists() -> None:
    assert [each for each in NAMED if not (SCRIPTS / each).exists()] == []


def test_every_scenario_of_replication_is_in_a_family() -> None:
    listed = ("normal", "message_loss", "disk", "learning", "mixed")
    found = [path for family in listed for path in (SCRIPTS / "replication" / family).iterdir()]
    names = {str(path.relative_to(SCRIPTS)) for path in found}
    assert sorted(names - set(NAMED)) == []
