"""Time to live, as callers give it, to the absolute expiry that is stored (protocol reference 5.2)."""

from typing import Final

from pegasus_tab.base.errors import DataError
from pegasus_tab.base.limits import EPOCH_UNIX_SECONDS

EXPIRY_MAX: Final = 0x7FFF_FFFF
"""Seconds since 2016; expiries travel as a signed 32-bit number, which ends in January 2084."""


def expiry(ttl_seconds: int, now: float) -> int:
    """Compute the moment at which a row written now expires.

    Args:
        ttl_seconds: seconds from now, 0 for never.
        now: unix seconds.

    Returns:
        Seconds since 2016-01-01 UTC, 0 for never.

    Raises:
        DataError: the number is negative or lies too far ahead.
    """
    if ttl_seconds == 0:
        return 0
    moment = int(now) + ttl_seconds - EPOCH_UNIX_SECONDS
    if ttl_seconds < 0 or not 0 < moment <= EXPIRY_MAX:
        raise DataError(
            f"a time to live of {ttl_seconds} seconds is out of range",
            sqlstate="22003",
            hint="give a positive number of seconds that ends before the year 2084, or 0 for never",
        )
    return moment
