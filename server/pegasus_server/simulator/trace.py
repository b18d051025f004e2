"""What happened in a run: a digest to compare runs with, and the last lines for a reader."""

from collections import deque
from hashlib import blake2b

LINES_KEPT = 400


class Trace:
    """A hash over every event, and the tail of them as text.

    Args:
        keeps_all: keep every line, to print a whole run.
    """

    def __init__(self, *, keeps_all: bool = False) -> None:
        self._hash = blake2b(digest_size=8)
        self.lines: deque[str] = deque(maxlen=None if keeps_all else LINES_KEPT)

    def note(self, time_us: int, line: str) -> None:
        """Note one event."""
        text = f"{time_us / 1e6:.6f} {line}"
        self._hash.update(text.encode())
        self.lines.append(text)

    def tail(self, *, whole: bool) -> list[str]:
        """Return the last lines, or all that are kept."""
        lines = list(self.lines)
        return lines if whole else lines[-LINES_KEPT:]

    @property
    def digest(self) -> str:
        """Name what happened so far; two runs of one seed must agree."""
        return self._hash.hexdigest()
