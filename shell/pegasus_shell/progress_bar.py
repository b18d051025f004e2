"""One line that shows how far a long statement is, redrawn in place; only on a terminal."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TextIO

import pegasus_tab
from pegasus_tab.execute.progress import Progress

REDRAW_SECONDS: Final = 0.1
_WIDTH: Final = 24
_CLEAR_LINE: Final = "\r\x1b[K"


class ProgressBar:
    """See the module's text.

    Args:
        stream: the terminal.
        now: monotonic seconds.
    """

    def __init__(self, stream: TextIO, now: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._now = now
        self._begin = now()
        self._draw_at = self._begin
        self._drawn = False

    def show(self, progress: Progress) -> None:
        """Draw the line, unless that was done a moment ago."""
        now = self._now()
        if now < self._draw_at:
            return
        self._draw_at = now + REDRAW_SECONDS
        self._drawn = True
        self._stream.write(_CLEAR_LINE + line(progress, now - self._begin))
        self._stream.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._drawn:
            self._drawn = False
            self._stream.write(_CLEAR_LINE)
            self._stream.flush()


def line(progress: Progress, seconds: float) -> str:
    """Return the text of the line.

    Args:
        progress: how far it is.
        seconds: since the beginning.
    """
    parts = [f"{progress.rows:,} rows"]
    if seconds > 0:
        parts.append(f"{progress.rows / seconds:,.0f} rows/s")
    if progress.bytes:
        parts.append(f"{progress.bytes / 1e6:,.1f} MB")
    if progress.rejected:
        parts.append(f"{progress.rejected:,} rejected")
    if progress.fraction is not None:
        parts.insert(0, _bar(progress.fraction))
        if progress.fraction > 0:
            parts.append(f"{_clock(seconds / progress.fraction - seconds)} left")
    return "  ".join(parts)


def _bar(fraction: float) -> str:
    done = min(_WIDTH, int(fraction * _WIDTH))
    return f"[{'#' * done}{'.' * (_WIDTH - done)}] {min(fraction, 1.0):4.0%}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def shown_progress(connection: pegasus_tab.Connection, stream: TextIO) -> Iterator[ProgressBar]:
    """Show on a terminal how far the statements of a block are."""
    bar = ProgressBar(stream)
    connection.session.progress_handler = bar.show
    try:
        yield bar
    finally:
        connection.session.progress_handler = None
        bar.clear()
