import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegasus_tab.kv.retry import NOT_EXECUTED, Reaction, RetryPolicy, reaction
from pegasus_tab.wire import codes


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_waits_grow_between_their_bounds(attempts: int, fraction: float) -> None:
    policy = RetryPolicy(delay_ms_first=10, delay_ms_max=1000)
    wait = policy.delay_seconds(attempts, fraction)
    assert 0.005 <= wait <= 1.0
    assert policy.delay_seconds(attempts + 1, fraction) >= wait


def test_waits_double() -> None:
    policy = RetryPolicy(delay_ms_first=10, delay_ms_max=1000)
    assert [policy.delay_seconds(n, 0.0) for n in (1, 2, 3, 8)] == [0.005, 0.01, 0.02, 0.5]


def test_whatever_is_repeated_was_not_executed() -> None:
    names = [value for name, value in vars(codes).items() if name.startswith("ERR_")]
    repeated = {name for name in names if reaction(name) is not Reaction.FAIL}
    assert codes.ERR_INVALID_STATE in repeated
    assert repeated <= NOT_EXECUTED
    assert codes.ERR_TIMEOUT not in NOT_EXECUTED
    assert codes.ERR_OK not in NOT_EXECUTED


@pytest.mark.parametrize("numbers", [{"delay_ms_first": 0}, {"calls_max": 0}, {"delay_ms_max": 1}])
def test_contradictory_numbers_are_refused(numbers: dict[str, int]) -> None:
    with pytest.raises(AssertionError):
        RetryPolicy(**numbers)
