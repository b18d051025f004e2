"""Where the shell writes: data to stdout, everything else to stderr."""

import contextlib
import errno
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TextIO

from pegasus_tab.base.errors import DataError, Error, OperationalError

if TYPE_CHECKING:
    import pegasus_tab
    from pegasus_shell.progress_bar import ProgressBar

FLUSH_LINES = 1000
"""Lines joined to one write: few system calls, and the first rows still show at once."""


class Narration:
    """The two streams of one shell.

    Args:
        data: rows go here and nothing else.
        talk: row counts, timings, notices and errors.
        quiet: say only errors.
        json_errors: print an error as one JSON object (for scripts).
    """

    def __init__(
        self,
        data: TextIO | None = None,
        talk: TextIO | None = None,
        *,
        quiet: bool = False,
        json_errors: bool = False,
    ) -> None:
        self.data = data or sys.stdout or ClosedOutput()
        self.talk = talk or sys.stderr or io.StringIO()
        self.quiet = quiet
        self.json_errors = json_errors
        self._bar: ProgressBar | None = None

    @property
    def terminal(self) -> TextIO | None:
        """Where a line may be drawn and redrawn; None when quiet or when no terminal shows it."""
        return self.talk if self.talk.isatty() and not self.quiet else None

    @contextlib.contextmanager
    def progress(self, connection: "pegasus_tab.Connection") -> Iterator[None]:
        """Show how far long statements of a block are; does nothing when quiet or off a terminal."""
        terminal = self.terminal
        if terminal is None:
            yield
            return
        from pegasus_shell.progress_bar import shown_progress

        with shown_progress(connection, terminal) as bar:
            self._bar = bar
            try:
                yield
            finally:
                self._bar = None

    def rows(self, lines: Iterable[str]) -> None:
        """Write lines of data in large pieces; the first piece is small, so that it shows at once.

        Raises:
            OperationalError: the output cannot be written: disk full, closed.
            DataError: the output's encoding has no place for a character.
            BrokenPipeError: the reader of the output went away.
        """
        for piece in pieces(lines):
            with self.writing():
                self.data.write(piece)
        with self.writing():
            self.data.flush()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Turn what the output stream raises into errors for the user."""
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            if self.data is sys.stdout:
                give_up_stdout()
            raise OperationalError(
                f"cannot write the output: {error.strerror}", sqlstate="58030"
            ) from error
        except UnicodeEncodeError as error:
            raise DataError(
                f"the output's encoding {error.encoding} has no place for "
                f"{error.object[error.start]!a}",
                sqlstate="22P05",
                hint="set PYTHONIOENCODING=utf-8",
            ) from error

    def say(self, text: str) -> None:
        """Write one line of narration unless quiet."""
        if self._bar is not None:
            self._bar.clear()
        if not self.quiet:
            print(text, file=self.talk, flush=True)

    def fault(self, error: Error) -> None:
        """Write an error: severity, SQLSTATE, text with caret and hint."""
        if self.json_errors:
            fields = {
                "error": error.message,
                "sqlstate": error.sqlstate,
                "hint": error.hint,
                "position": error.position,
                "retryable": error.retryable,
                "ambiguous": error.ambiguous,
            }
            print(json.dumps(fields), file=self.talk, flush=True)
            return
        print(f"ERROR {error.sqlstate}:  {error}", file=self.talk, flush=True)
        if error.ambiguous:
            print("NOTE:  the write may have been applied all the same", file=self.talk, flush=True)


def pieces(lines: Iterable[str]) -> Iterator[str]:
    """Join lines to pieces of FLUSH_LINES, the first one after a single line of rows."""
    waiting: list[str] = []
    for line in lines:
        waiting.append(line)
        if len(waiting) >= FLUSH_LINES:
            yield "\n".join(waiting) + "\n"
            waiting.clear()
    if waiting:
        yield "\n".join(waiting) + "\n"


@contextlib.contextmanager
def unbroken_pipe() -> Iterator[None]:
    """End quietly when the reader of our output went away (``| head``)."""
    try:
        yield
    except BrokenPipeError:
        give_up_stdout()


def give_up_stdout() -> None:
    """Send what is still buffered nowhere: Python flushes at exit and would complain once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class ClosedOutput(io.StringIO):
    """Stands for a stdout that was closed before the start (``>&-``): every write fails."""

    def write(self, _: str) -> int:
        """Refuse."""
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
