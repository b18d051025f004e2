"""The guard at the prompt: which statements are asked about, and which answers let them run."""

import pytest

from pegasus_shell.guard import is_yes, question


@pytest.mark.parametrize(
    ("sql", "asked"),
    [
        ("DELETE FROM users", "DELETE without WHERE changes every row of users. Go on? [y/N] "),
        ("delete from Users -- WHERE id = 1", "every row of users."),
        ("DELETE FROM users ALLOW FILTERING", "DELETE without WHERE"),
        ("DELETE attrs['x'] FROM users", "DELETE without WHERE"),
        ("UPDATE users SET name = 'WHERE'", "UPDATE without WHERE changes every row of users."),
        ("UPDATE users USING TTL 60 SET name = upper(name)", "UPDATE without WHERE"),
        ('UPDATE "My table" SET a = 1', "every row of My table."),
        ("EXPLAIN ANALYZE DELETE FROM users", "DELETE without WHERE"),
    ],
)
def test_a_change_of_every_row_is_asked_about(sql: str, asked: str) -> None:
    assert asked in (question(sql) or "")


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM users WHERE id = 1",
        "UPDATE users SET name = 'x' WHERE TRUE",
        "EXPLAIN DELETE FROM users",
        "SELECT * FROM users",
        "UPSERT INTO users VALUES (1, 'DELETE FROM users')",
        "DROP TABLE users",
        "DELETE users",
        "DELETE FROM",
        "",
        "SELECT '\ud800'",
    ],
)
def test_other_statements_are_not(sql: str) -> None:
    assert question(sql) is None


@pytest.mark.parametrize("answer", ["y", "Y", " yes ", "YES"])
def test_yes(answer: str) -> None:
    assert is_yes(answer)


@pytest.mark.parametrize("answer", ["", "n", "no", "yep", "1", "y n"])
def test_everything_else_is_no(answer: str) -> None:
    assert not is_yes(answer)
