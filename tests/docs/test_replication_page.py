"""The page on replication holds what the code says: the diagram of states, and the numbers."""

import re
from dataclasses import MISSING, fields
from importlib import import_module
from pathlib import Path

import pytest

from pegasus_server.replication.status import diagram

PAGE = Path(__file__).resolve().parents[2] / "docs" / "replication.md"
ROW = re.compile(r"^\| [^|]+ \| (\d+) (ms|s) \| `(\w+\.\w+)\.([\w.]+)` \|$", re.MULTILINE)
US = {"ms": 1_000, "s": 1_000_000}
NUMBERS = ROW.findall(PAGE.read_text())


def constant(module: str, name: str) -> object:
    """Look a constant up, or the default of a dataclass' field."""
    found = import_module(f"pegasus_server.{module}")
    owner, dot, attribute = name.partition(".")
    value: object = getattr(found, owner)
    if not dot:
        return value
    assert isinstance(value, type)
    default: object = next(each.default for each in fields(value) if each.name == attribute)
    assert default is not MISSING
    return default


def test_the_diagram_is_the_table() -> None:
    assert f"```mermaid\n{diagram()}```\n" in PAGE.read_text()


def test_every_row_with_a_time_names_its_constant() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if re.search(r"\| \d+ m?s \|", line)]
    assert len(rows) == len(NUMBERS) > 10


@pytest.mark.parametrize(("count", "unit", "module", "name"), NUMBERS)
def test_numbers(count: str, unit: str, module: str, name: str) -> None:
    assert constant(module, name) == int(count) * US[unit]
