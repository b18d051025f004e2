"""A call that never returns is given up; any other passes through."""

import threading

import pytest

from pegasus_tab.export.deadline import within


def test_values_and_errors_pass_through() -> None:
    assert within(5, lambda: 7) == 7
    assert within(None, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)


def test_a_call_that_hangs_is_given_up() -> None:
    never = threading.Event()
    with pytest.raises(TimeoutError, match=r"0\.05 s"):
        within(0.05, never.wait)
    never.set()
