"""Integers as text: equal to the C library's strtoll with base 0."""

import ctypes
import errno

import hypothesis.strategies as st
from hypothesis import given

from pegasus_server.data.integer_text import parse_int64

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.strtoll.restype = ctypes.c_longlong
LIBC.strtoll.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p), ctypes.c_int]

TEXTS = st.one_of(
    st.binary(max_size=6),
    st.text("0123456789abcdefxX+- \t\n", max_size=24).map(str.encode),
    st.integers(-(2**70), 2**70).map(lambda number: b"%d" % number),
    st.integers(-(2**66), 2**66).map(lambda number: b"%s%#x" % (b"", number)),
    st.integers(0, 2**66).map(lambda number: b"0%o" % number),
)


def strtoll(text: bytes) -> int | None:
    """Do as the ancestor does: no error, and the whole text read."""
    buffer = ctypes.create_string_buffer(text)
    end = ctypes.c_void_p()
    ctypes.set_errno(0)
    number: int = LIBC.strtoll(ctypes.addressof(buffer), ctypes.byref(end), 0)
    read = (end.value or 0) - ctypes.addressof(buffer)
    if not text or read != len(text) or ctypes.get_errno() == errno.ERANGE:
        return None
    return number


@given(TEXTS)
def test_reads_what_strtoll_reads(text: bytes) -> None:
    assert parse_int64(text) == strtoll(text)
