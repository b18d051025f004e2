"""How long one statement may keep its user waiting for the store."""

import math
from collections.abc import Callable, Iterator
from typing import TypeVar

from pegasus_tab.base.errors import OperationalError
from pegasus_tab.kv.failure import TIMEOUT_EXPIRED

T = TypeVar("T")


class Deadline:
    """The end of a wait: of a statement's execution, then of each fetch that has to wait.

    It is fixed by ``begin``; every request and DuckDB get what is left of it. It *rests* while nobody
    waits, that is while the program works with the rows it has: each request that goes out then has
    the whole time.

    Args:
        timeout_ms: length of a wait, >= 1.
        now: monotonic seconds.
    """

    __slots__ = ("_end", "_now", "timeout_ms")

    def __init__(self, timeout_ms: int, now: Callable[[], float]) -> None:
        self.timeout_ms = timeout_ms
        self._now = now
        self._end: float | None = None

    def begin(self) -> None:
        """Begin a wait: the deadline is the timeout from now."""
        self._end = self._now() + self.timeout_ms / 1000

    def rest(self) -> None:
        """End a wait."""
        self._end = None

    def left_ms(self) -> int:
        """Return the milliseconds left for a request, >= 1.

        Raises:
            OperationalError: HYT00, none are left.
        """
        if self._end is None:
            return self.timeout_ms
        left = self._end - self._now()
        if left <= 0:
            raise self.passed()
        return math.ceil(left * 1000)

    def passed(self) -> OperationalError:
        """Build the error of a statement whose deadline passed between two requests."""
        return OperationalError(
            f"the statement takes longer than its timeout of {self.timeout_ms} ms",
            sqlstate=TIMEOUT_EXPIRED,
            hint="ask for less, or give it more time: SET timeout = '5 min', or the timeout argument",
        )

    def during(self, source: Iterator[T]) -> Iterator[T]:
        """Yield from a source, each item within a wait of its own."""
        try:
            while True:
                self.begin()
                try:
                    item = next(source)
                except StopIteration:
                    return
                finally:
                    self.rest()
                yield item
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                close()
