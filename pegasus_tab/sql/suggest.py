"""Did-you-mean for names that are not there."""

from collections.abc import Iterable
from difflib import get_close_matches

CUTOFF = 0.6
"""Share of characters that must agree; difflib's own default, which keeps unrelated names out."""
NAME_LENGTH_MAX = 128
"""Longer names are not compared: difflib's time grows with the square of the length."""


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """Return ``did you mean "x"?`` for the candidate nearest to ``name``, or None."""
    if len(name) > NAME_LENGTH_MAX:
        return None
    spellings = {candidate.lower(): candidate for candidate in sorted(candidates)}
    matches = get_close_matches(name.lower(), spellings, n=1, cutoff=CUTOFF)
    return f'did you mean "{spellings[matches[0]]}"?' if matches else None
