"""Where statements end: strings, quoted names, comments and dollar quotes hide semicolons."""

import pytest

from pegasus_tab.sql.split import is_complete, split_statements, unclosed


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("", []),
        (" ;; ; -- nothing\n", []),
        ("SELECT 1", [(0, "SELECT 1")]),
        ("SELECT 1; SELECT 2;", [(0, "SELECT 1"), (10, "SELECT 2")]),
        ("-- first\n  SELECT 1 ; ", [(11, "SELECT 1")]),
        ("SELECT ';'", [(0, "SELECT ';'")]),
        ("SELECT 'it''s;'; b", [(0, "SELECT 'it''s;'"), (17, "b")]),
        ("SELECT 'a\\'; b", [(0, "SELECT 'a\\'"), (13, "b")]),
        ("SELECT E'a\\';'; b", [(0, "SELECT E'a\\';'"), (16, "b")]),
        ('SELECT "a;""b;"; c', [(0, 'SELECT "a;""b;"'), (17, "c")]),
        ("a /* ; /* ; */ ; */ b; c", [(0, "a /* ; /* ; */ ; */ b"), (23, "c")]),
        ("a -- ;\n b; c", [(0, "a -- ;\n b"), (11, "c")]),
        ("a $$ ; $$; b", [(0, "a $$ ; $$"), (11, "b")]),
        ("a $x$ ; $$ ; $x$; b", [(0, "a $x$ ; $$ ; $x$"), (18, "b")]),
        ("a$x$;b", [(0, "a$x$"), (5, "b")]),
        ("f(1);g", [(0, "f(1)"), (5, "g")]),
        ("a 'open ; b", [(0, "a 'open ; b")]),
        ("a -- tail", [(0, "a")]),
        ("a - 1;b", [(0, "a - 1"), (6, "b")]),
    ],
)
def test_split(text: str, statements: list[tuple[int, str]]) -> None:
    assert split_statements(text) == statements


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("", True),
        ("  -- note", True),
        ("SELECT 1", False),
        ("SELECT 1;", True),
        ("SELECT 1; -- done", True),
        ("SELECT 1; SELECT", False),
        ("SELECT ';", False),
        ("SELECT ';'", False),
        ("SELECT /* ;", False),
        ("SELECT $$ ;", False),
        ('SELECT ";', False),
        ("SELECT 'a'';';", True),
    ],
)
def test_is_complete(text: str, complete: bool) -> None:
    assert is_complete(text) is complete


def test_unclosed_says_where() -> None:
    assert unclosed("SELECT 'a', 'b") == 12
    assert unclosed("SELECT 'a' /* b") == 11
    assert unclosed("SELECT 'a'") is None
