"""The deadline of one statement: what is left of it, rests, and waits page by page."""

from collections.abc import Iterator

import pytest

from pegasus_tab.base.errors import OperationalError
from pegasus_tab.execute.deadline import Deadline


class Clock:
    """Monotonic seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_is_fixed_when_it_begins() -> None:
    clock = Clock()
    deadline = Deadline(1000, clock)
    deadline.begin()
    assert deadline.left_ms() == 1000
    clock.now += 0.75
    assert deadline.left_ms() == 250
    clock.now += 0.2499
    assert deadline.left_ms() == 1, "never 0: a request cannot wait for nothing"
    clock.now += 0.01
    with pytest.raises(OperationalError, match="its timeout of 1000 ms") as caught:
        deadline.left_ms()
    assert (caught.value.sqlstate, caught.value.retryable) == ("HYT00", False)


def test_while_it_rests_each_request_has_the_whole_time() -> None:
    clock = Clock()
    deadline = Deadline(1000, clock)
    assert deadline.left_ms() == 1000
    deadline.begin()
    deadline.rest()
    clock.now += 3600
    assert deadline.left_ms() == 1000


def test_each_item_is_a_wait_of_its_own() -> None:
    clock = Clock()
    deadline = Deadline(1000, clock)
    left: list[int] = []
    ended: list[bool] = []

    def pages() -> Iterator[str]:
        try:
            for page, seconds in (("a", 0.25), ("b", 0.5), ("c", 2)):
                clock.now += seconds
                left.append(deadline.left_ms())
                yield page
        finally:
            ended.append(True)

    timed = deadline.during(pages())
    for page in ("a", "b"):
        assert next(timed) == page
        clock.now += 3600  # the reader is in no hurry
    with pytest.raises(OperationalError):
        next(timed)
    assert left == [750, 500]
    assert ended == [True]


def test_leaving_early_ends_the_source() -> None:
    ended: list[bool] = []

    def pages() -> Iterator[int]:
        try:
            yield 1
            yield 2
        finally:
            ended.append(True)

    timed = Deadline(1000, Clock()).during(pages())
    next(timed)
    timed.close()  # type: ignore[attr-defined]  # a generator
    assert ended == [True]
