"""SQL plans as scripts: a statement, ``---``, what EXPLAIN says (tests/scripts/sql).

CREATE TABLE defines a table for the rest of the script, SET changes the session; an error stands as
the user sees it. ``REWRITE_SCRIPTS=1`` writes what the code gives now; read the diff before you
keep it.
"""

import os
from pathlib import Path

import pytest

from pegasus_tab.base.errors import Error
from pegasus_tab.sql.explain import explain, explain_json
from pegasus_tab.sql.plan_nodes import CreateTable, Explain, SetOption
from pegasus_tab.sql.prepare import prepare
from tests.fakes.sql_catalog import SqlCatalog

SCRIPTS = Path(__file__).parents[2] / "scripts" / "sql"


class Script:
    """One script's session."""

    def __init__(self) -> None:
        self.catalog = SqlCatalog()
        self.settings: dict[str, object] = {}

    def run(self, text: str) -> list[str]:
        """Plan one statement; return the lines that describe it."""
        try:
            statement = prepare(text, self.catalog, self.settings)
        except Error as error:
            return f"{type(error).__name__} {error.sqlstate}: {error}".split("\n")
        plan = statement.plan
        if isinstance(plan, CreateTable):
            self.catalog.define(text)
            return [f"table {plan.name}"]
        if isinstance(plan, SetOption):
            self.settings[plan.name] = plan.value
            return [f"{plan.name} = {plan.value}"]
        if isinstance(plan, Explain) and plan.format == "json":
            return explain_json(statement).split("\n")
        return [*explain(statement), *(f"Told: {notice}" for notice in statement.notices)]


def replay(text: str) -> str:
    """Run a script's statements and write down what they give now."""
    script = Script()
    blocks = []
    for block in text.strip("\n").split("\n\n"):
        written = block.split("\n---\n")[0].strip("\n")
        sql = "\n".join(line for line in written.split("\n") if not line.startswith("#"))
        blocks.append("\n".join([written, "---", *script.run(sql)]) if sql else written)
    return "\n\n".join(blocks) + "\n"


@pytest.mark.parametrize("script", sorted(SCRIPTS.iterdir()), ids=lambda path: path.name)
def test_statements_give_their_plans(script: Path) -> None:
    expected = script.read_text()
    actual = replay(expected)
    if os.environ.get("REWRITE_SCRIPTS"):
        script.write_text(actual)
    assert actual == expected
