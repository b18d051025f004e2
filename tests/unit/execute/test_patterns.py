"""LIKE patterns: wildcards, escapes, and the shapes that avoid a regular expression."""

import pytest

from pegasus_tab.execute.patterns import like_matcher


@pytest.mark.parametrize(
    ("pattern", "matches", "misses"),
    [
        ("", [""], ["a"]),
        ("%", ["", "a\nb"], []),
        ("%%", ["", "ab"], []),
        ("ab%", ["ab", "abc"], ["xab"]),
        ("%ab", ["ab", "xab"], ["abx"]),
        ("%ab%", ["ab", "xaby"], ["axb"]),
        ("a_c", ["abc", "a\nc"], ["ac", "abbc"]),
        ("a%c", ["ac", "abbc"], ["acb"]),
        ("a\\%c", ["a%c"], ["abc"]),
        ("a\\\\", ["a\\"], ["a"]),
        ("a.c*", ["a.c*"], ["abcc"]),
        ("\\a", ["a"], ["\\a"]),
        ("=%", ["=x"], ["x"]),
    ],
)
def test_like(pattern: str, matches: list[str], misses: list[str]) -> None:
    match = like_matcher(pattern)
    assert [text for text in matches + misses if match(text)] == matches


def test_ilike_ignores_case_in_every_shape() -> None:
    for pattern, text in (("AB%", "abc"), ("%bC", "aBc"), ("a_C", "AxC")):
        assert like_matcher(pattern, ignore_case=True)(text)
        assert not like_matcher(pattern)(text)
