"""What a cached plan is given at each execution: the parameters, and one reading of the clock."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)


class Bindings:
    """Parameters of one execution, and its ``now()``.

    The clock is read at most once, so every row of a statement sees the same moment (SQL: a
    statement's CURRENT_TIMESTAMP is stable).

    Args:
        parameters: bound values in placeholder order, already of the placeholders' types.
        clock: seconds since 1970-01-01 UTC.
    """

    __slots__ = ("_clock", "_now", "parameters")

    def __init__(self, parameters: tuple[Any, ...], clock: Callable[[], float]) -> None:
        self.parameters = parameters
        self._clock = clock
        self._now: datetime | None = None

    @property
    def now(self) -> datetime:
        """The moment of this execution, naive UTC with microseconds."""
        if self._now is None:
            self._now = _EPOCH + timedelta(microseconds=round(self._clock() * 1e6))
        return self._now
