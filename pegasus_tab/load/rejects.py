"""Rows that do not fit: counted, written aside with the reason, and refused when they are too many."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TextIO

from pegasus_tab.base.errors import Error
from pegasus_tab.export.errors import TargetError
from pegasus_tab.load.errors import TooManyRejects


class EnoughRejected(Exception):  # noqa: N818 -- says what it is
    """More rows of a batch do not fit than may be rejected; the rest need not be looked at."""


class Rejected(NamedTuple):
    """A row that does not fit: its number (from 1), the reason, its values."""

    row: int
    reason: Error
    values: Mapping[str, object]


class Rejects:
    """See the module's text.

    Args:
        path: a local file that takes one JSON object a line: ``file``, ``row`` (from 1), ``reason``,
            ``sqlstate`` and ``values``. Lines are added to what is there. None for nowhere.
        count_max: how many rows may be rejected, None for any number.

    Attributes:
        count: rows rejected so far.
    """

    def __init__(self, path: str | None, count_max: int | None) -> None:
        self.path = path
        self.count = 0
        self._count_max = count_max
        self._stream: TextIO | None = None

    @property
    def left(self) -> int | None:
        """How many more rows may be rejected, None for any number."""
        return None if self._count_max is None else self._count_max - self.count

    def add(self, file: str, row: int, reason: Error, values: Mapping[str, object]) -> None:
        """Take a row aside.

        Raises:
            TooManyRejects: one more than allowed; this row is written aside all the same.
            TargetError: the file cannot be written.
        """
        self.count += 1
        if self.path is not None:
            self._write(
                {
                    "file": file,
                    "row": row,
                    "reason": reason.message,
                    "sqlstate": reason.sqlstate,
                    "values": values,
                }
            )
        if self._count_max is not None and self.count > self._count_max:
            raise self._too_many(file, row, reason)

    def flush(self) -> None:
        """Hand all lines so far to the system, before a state file says that their rows are done.

        Raises:
            TargetError: the file cannot be written.
        """
        if self._stream is not None:
            with self._writing():
                self._stream.flush()

    def close(self) -> None:
        """Finish the file; raises as ``flush``."""
        if self._stream is not None:
            stream, self._stream = self._stream, None
            with self._writing():
                stream.close()

    def _write(self, entry: Mapping[str, object]) -> None:
        with self._writing():
            if self._stream is None:
                assert self.path is not None
                self._stream = Path(self.path).open("a", encoding="utf-8")  # noqa: SIM115 -- open while the load runs; see close
            self._stream.write(json.dumps(entry, default=_shown) + "\n")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TargetError(
                f"rejected rows cannot be written to {self.path}: {error.strerror}"
            ) from error

    def _too_many(self, file: str, row: int, reason: Error) -> TooManyRejects:
        allowed = self._count_max
        beyond = "" if not allowed else f", and as many as MAX_REJECTS allows before it ({allowed})"
        return TooManyRejects(
            f"{file}: row {row}: {reason.message}{beyond}",
            sqlstate=reason.sqlstate,
            hint=reason.hint or "REJECTS 'file' sets such rows aside, MAX_REJECTS says how many",
        )


def _shown(value: object) -> str:
    """Return a value that JSON has no form for; bytes are mostly the text of a CSV file."""
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    return str(value)
