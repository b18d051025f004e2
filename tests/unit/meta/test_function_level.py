"""When meta stands still by itself."""

import pytest

from pegasus_server.meta.function_level import FreezeNumbers, FunctionLevel, effective_level


@pytest.mark.parametrize(
    ("alive", "known", "is_frozen"),
    [(0, 0, True), (1, 1, False), (1, 2, False), (1, 3, True), (2, 3, False), (2, 5, True)],
)
def test_meta_freezes_below_half_of_the_servers(alive: int, known: int, is_frozen: bool) -> None:
    level = effective_level(FunctionLevel.LIVELY, alive, known, FreezeNumbers())
    assert level == (FunctionLevel.FREEZED if is_frozen else FunctionLevel.LIVELY)


def test_a_minimum_of_living_servers_can_be_asked_for() -> None:
    numbers = FreezeNumbers(alive_min=3, alive_percent_min=0)
    assert effective_level(FunctionLevel.STEADY, 2, 2, numbers) == FunctionLevel.FREEZED
    assert effective_level(FunctionLevel.STEADY, 3, 9, numbers) == FunctionLevel.STEADY


@pytest.mark.parametrize("fields", [{"alive_min": 0}, {"alive_percent_min": 101}])
def test_numbers_out_of_range_are_refused(fields: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        FreezeNumbers(**fields)
