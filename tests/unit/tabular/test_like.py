"""LIKE patterns that trip simple matchers."""

import pytest

from pegasus_tab.base.errors import DataError
from pegasus_tab.tabular.like import lower_case, matcher, parse_pattern


def test_a_lone_escape_at_the_end_is_refused() -> None:
    with pytest.raises(DataError, match="ends with its escape character") as refusal:
        parse_pattern("a\\")
    assert refusal.value.sqlstate == "22025"


@pytest.mark.parametrize(
    ("pattern", "text", "wanted"),
    [
        ("", "", True),
        ("", "a", False),
        ("%", "line\nline", True),
        ("a_c", "a\nc", True),
        ("100\\%", "100%", True),
        ("100\\%", "100x", False),
        ("a%a", "a", False),
        ("ab%ba", "aba", False),
        ("%ab%ab", "abab", True),
        ("%ab%ab", "ab", False),
        ("%a.c%", "abc", False),
    ],
)
def test_like(pattern: str, text: str, wanted: bool) -> None:
    assert matcher(pattern, ignore_case=False).matches(text) is wanted


def test_ilike_lowers_character_by_character() -> None:
    assert matcher("stra_e", ignore_case=True).matches("STRA\u00dfE")
    assert not matcher("strasse", ignore_case=True).matches("STRA\u00dfE")
    assert lower_case("\u0130\u03a3") == "i\u03c3"


def test_many_wildcards_do_not_backtrack() -> None:
    """With backtracking this needs longer than the universe has been there."""
    assert not matcher("%a" * 40 + "%b", ignore_case=False).matches("a" * 2000)
