"""Signed 64-bit integers as text, read as C's ``strtoll`` with base 0 reads them (protocol reference 6.6)."""

import re

INT64_MIN = -(2**63)
INT64_MAX = 2**63 - 1
_TEXT_BYTES_MAX = 4096
"""Leading zeros make any length legal; longer text than this is refused, for converting it is slow."""

_INTEGER = re.compile(rb"[ \t\n\v\f\r]*([+-]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))")


def parse_int64(text: bytes) -> int | None:
    """Read an integer; the whole text must be one.

    Args:
        text: spaces, a sign, then decimal digits, 0x and hexadecimal ones, or 0 and octal ones.

    Returns:
        The number, or None when the text is no integer or the number does not fit in 64 bits.
    """
    if len(text) > _TEXT_BYTES_MAX:
        return None
    match = _INTEGER.fullmatch(text)
    if match is None:
        return None
    sign, hexadecimal, octal, decimal = match.groups()
    if decimal is not None:
        number = int(decimal)
    elif hexadecimal is not None:
        number = int(hexadecimal, 16)
    else:
        number = int(octal, 8)
    number = -number if sign == b"-" else number
    return number if INT64_MIN <= number <= INT64_MAX else None
