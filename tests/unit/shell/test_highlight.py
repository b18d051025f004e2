"""Colouring never changes the text."""

from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.document import Document

from pegasus_shell.highlight import SqlLexer, runs


@given(st.text(alphabet="aS'\"-/*\\?:;1.\n T", max_size=60))
def test_runs_give_the_text_back(text: str) -> None:
    assert "".join(part for _, part in runs(text)) == text


@given(st.text(alphabet="a'\n-*/", max_size=40))
def test_lines_give_the_text_back(text: str) -> None:
    line = SqlLexer().lex_document(Document(text))
    count = text.count("\n") + 1
    assert "\n".join("".join(fragment[1] for fragment in line(i)) for i in range(count)) == text


def test_words_get_their_colour() -> None:
    styles = {part: style for style, part in runs("SELECT x FROM t WHERE k = 'a' AND n > 1.5 -- c")}
    assert styles["SELECT"] == "class:sql.keyword"
    assert styles["'a'"] == "class:sql.string"
    assert styles["1.5"] == "class:sql.number"
    assert styles["-- c"] == "class:sql.comment"
    assert styles["x"] == ""
