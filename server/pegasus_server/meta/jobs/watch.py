"""What is known of a task beyond what is stored: who said what when. Lost with the leader."""

from dataclasses import dataclass


@dataclass(slots=True)
class TaskWatch:
    """A task under way.

    Attributes:
        attempt: the attempt that all of this is about.
        ordered_us: when the order last left; None before.
        heard_us: when its server last answered, or when the watch began.
        is_known: its server has answered this attempt.
        not_before_us: the next attempt waits until then.
        failures: attempts that failed one after another.
        rows: done so far.
        bytes: written so far.
        rows_total: an estimate; 0 if there is none.
    """

    attempt: int
    heard_us: int
    ordered_us: int | None = None
    is_known: bool = False
    not_before_us: int = 0
    failures: int = 0
    rows: int = 0
    bytes: int = 0
    rows_total: int = 0

    def begin(self, attempt: int, now_us: int) -> None:
        """Begin anew for another attempt."""
        self.attempt = attempt
        self.heard_us = now_us
        self.ordered_us = None
        self.is_known = False
        self.rows = self.bytes = self.rows_total = 0
