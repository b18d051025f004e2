"""Small rooms: no file over 600 lines, no function over 70 (DESIGN.md 1); the lists may only shrink."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70

LARGER_FILES: frozenset[str] = frozenset()
LARGER_FUNCTIONS: frozenset[str] = frozenset()


def sources() -> Iterator[Path]:
    for folder in ("pegasus_tab", "server", "shell", "tests", "benchmarks", "docs"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_files_stay_small() -> None:
    large = {relative(p) for p in sources() if p.read_text().count("\n") > FILE_LINES_MAX}
    assert large == LARGER_FILES


def test_functions_stay_small() -> None:
    large = set()
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            assert node.end_lineno is not None
            if node.end_lineno - node.lineno + 1 > FUNCTION_LINES_MAX:
                large.add(f"{relative(path)}:{node.name}")
    assert large == LARGER_FUNCTIONS


FORBIDDEN_WORDS = ("manager", "helper", "util", "processor")


@pytest.mark.parametrize("word", FORBIDDEN_WORDS)
def test_names_say_something(word: str) -> None:
    """A file, class or function named after nothing in particular tells its reader nothing."""
    found = []
    for path in sources():
        if word in path.stem:
            found.append(relative(path))
        found += [
            f"{relative(path)}:{node.name}"
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and word in node.name.lower()
        ]
    assert found == []


def test_no_path_of_one_machine() -> None:
    found = [
        relative(path)
        for path in [*sources(), *ROOT.glob("docs/**/*.md"), ROOT / "README.md", ROOT / "Makefile"]
        if any(mark in path.read_text() for mark in (f"/{folder}/" for folder in ("work", "root")))
    ]
    assert found == []
