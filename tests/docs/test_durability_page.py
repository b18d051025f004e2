"""The page on durability lists exactly the errors after which nothing happened."""

import re
from pathlib import Path

from pegasus_tab.kv.retry import NOT_EXECUTED

PAGE = Path(__file__).resolve().parents[2] / "docs" / "durability.md"


def test_the_not_executed_list_is_the_clients() -> None:
    section = PAGE.read_text().partition("## The not executed list")[2].partition("\n## ")[0]
    assert set(re.findall(r"`(ERR_\w+)`", section)) == NOT_EXECUTED
