import pytest

from pegasus_tab.base.errors import DataError
from pegasus_tab.base.limits import EPOCH_UNIX_SECONDS
from pegasus_tab.kv.expiry import EXPIRY_MAX, expiry

NOW = 1_700_000_000.9


def test_seconds_from_now_become_seconds_since_2016() -> None:
    assert expiry(0, NOW) == 0
    assert expiry(1, NOW) == 1_700_000_001 - EPOCH_UNIX_SECONDS


def test_the_longest_life_ends_in_2084() -> None:
    longest = EXPIRY_MAX + EPOCH_UNIX_SECONDS - 1_700_000_000
    assert expiry(longest, NOW) == EXPIRY_MAX
    with pytest.raises(DataError, match="out of range"):
        expiry(longest + 1, NOW)


def test_a_negative_life_is_refused() -> None:
    with pytest.raises(DataError, match="-1 seconds"):
        expiry(-1, NOW)
