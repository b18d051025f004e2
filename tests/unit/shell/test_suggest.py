"""Suggestions at the cursor."""

import pytest

from pegasus_shell.suggest import suggest
from pegasus_shell.vocabulary import STATEMENT_HEADS

STATEMENT = "SELECT name, age FROM people WHERE name = 'it''s' -- who\nAND age > 3 ORDER BY age;"


def test_every_prefix_gives_an_answer() -> None:
    for end in range(len(STATEMENT) + 1):
        found = suggest(STATEMENT[:end])
        assert found is None or STATEMENT[:end].endswith(found.prefix)


def test_a_statement_begins_with_a_head() -> None:
    found = suggest("sel")
    assert found is not None
    assert found.heads
    assert found.prefix == "sel"
    assert any(head.lower().startswith(found.prefix) for head in STATEMENT_HEADS)


@pytest.mark.parametrize("text", ["SELECT * FROM ", "upsert into pe", "SELECT 1; DESCRIBE "])
def test_tables_fit_where_a_table_is_named(text: str) -> None:
    found = suggest(text)
    assert found is not None
    assert found.tables


def test_columns_of_the_tables_named_anywhere_in_the_statement() -> None:
    found = suggest("SELECT na", " FROM people JOIN pets; SELECT 1 FROM other")
    assert found is not None
    assert found.columns_of == ("people", "pets")


@pytest.mark.parametrize("text", ["SELECT 'na", "SELECT 1 -- na"])
def test_nothing_inside_a_string_or_comment(text: str) -> None:
    assert suggest(text) is None


def test_backslash_commands_and_their_table() -> None:
    command = suggest("\\d")
    assert command is not None
    assert command.metacommands
    argument = suggest("\\d peo")
    assert argument is not None
    assert argument.tables
