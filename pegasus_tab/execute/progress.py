"""How far a long statement is, for whoever shows it."""

from collections.abc import Callable
from typing import TypeAlias

from pegasus_tab.base.record import record


@record
class Progress:
    """A moment of a statement that takes long.

    Attributes:
        rows: done so far.
        rejected: rows that did not fit.
        fraction: of the whole work that is done, 0 to 1; None when nobody knows.
        bytes: written so far; 0 when they are not counted.
    """

    rows: int
    rejected: int = 0
    fraction: float | None = None
    bytes: int = 0


ProgressHandler: TypeAlias = Callable[[Progress], None]
