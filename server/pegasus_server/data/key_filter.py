"""Filters on hash keys and sort keys (protocol reference 6.2)."""

from collections.abc import Callable

from pegasus_tab.wire.codes import FilterType

KeyFilter = Callable[[bytes], bool]
FILTER_TYPES = frozenset(FilterType)


def key_filter(filter_type: int, pattern: bytes) -> KeyFilter | None:
    """Make the test of a key.

    Args:
        filter_type: a FilterType.
        pattern: what to look for.

    Returns:
        The test, or None when every key passes: no filter, or an empty pattern.
    """
    if not pattern:
        return None
    match filter_type:
        case FilterType.MATCH_ANYWHERE:
            return lambda key: pattern in key
        case FilterType.MATCH_PREFIX:
            return lambda key: key.startswith(pattern)
        case FilterType.MATCH_POSTFIX:
            return lambda key: key.endswith(pattern)
        case _:
            return None


def bounds(
    start: bytes, stop: bytes, *, start_inclusive: bool, stop_inclusive: bool
) -> tuple[bytes, bytes]:
    """Turn a range with inclusive or exclusive ends into (lower inclusive, upper exclusive).

    The key right after k is k with a zero byte. A range that holds nothing gives lower >= upper.
    """
    return start if start_inclusive else start + b"\0", stop + b"\0" if stop_inclusive else stop
