"""The bare driver has neither numpy nor pyarrow: only ``arrow*`` modules may import them."""

import ast
from pathlib import Path

import pegasus_tab.tabular

FOLDER = Path(pegasus_tab.tabular.__file__).parent


def imported(path: Path) -> set[str]:
    """First names of everything a module imports, at its top or inside."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module).split(".")[0])
            if str(node.module).startswith("pegasus_tab.tabular.arrow"):
                names.add("pyarrow")
    return names


def test_only_the_columnar_half_needs_numpy_and_pyarrow() -> None:
    users = {path.name for path in FOLDER.glob("*.py") if imported(path) & {"numpy", "pyarrow"}}
    assert users
    assert all(name.startswith("arrow") for name in users)
