"""When engines are flushed, so that a restart replays little and the log stays small."""

from collections.abc import Callable

FLUSH_LOOK_SECONDS = 1.0
LOW_SPACE_SECONDS = 5.0
"""Time between two flushes while the disk has little room."""


class Flushing:
    """Starts a flush of all engines when it is time, or the log or the disk is too full.

    A flush may take long; the next one starts only after it.

    Args:
        flush_seconds: longest time between two flushes.
        log_bytes_max: log size at which engines are flushed at once.
        log_bytes: reads the log's size.
        is_space_low: tells whether the disk has little room.
        flush: flushes all engines with unflushed writes and calls back when done.
        delete_segments: deletes what the log no longer needs.
    """

    def __init__(
        self,
        *,
        flush_seconds: float,
        log_bytes_max: int,
        log_bytes: Callable[[], int],
        is_space_low: Callable[[], bool],
        flush: Callable[[Callable[[], None]], None],
        delete_segments: Callable[[], None],
    ) -> None:
        self._flush_seconds = flush_seconds
        self._log_bytes_max = log_bytes_max
        self._log_bytes = log_bytes
        self._is_space_low = is_space_low
        self._flush = flush
        self._delete_segments = delete_segments
        self._waited = 0.0
        self._is_flushing = False

    def look(self) -> None:
        """Flush if it is time; call every FLUSH_LOOK_SECONDS."""
        self._waited += FLUSH_LOOK_SECONDS
        if self._is_flushing:
            return
        wait_seconds = LOW_SPACE_SECONDS if self._is_space_low() else self._flush_seconds
        if self._waited >= wait_seconds or self._log_bytes() >= self._log_bytes_max:
            self._waited = 0.0
            self._is_flushing = True
            self._flush(self._on_flushed)

    def _on_flushed(self) -> None:
        self._is_flushing = False
        self._delete_segments()
