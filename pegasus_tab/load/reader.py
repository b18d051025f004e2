"""Files as record batches: one face for Parquet, Arrow and CSV."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol

import pyarrow as pa

from pegasus_tab.base.errors import Error
from pegasus_tab.base.limits import MIB
from pegasus_tab.load.errors import BadFile
from pegasus_tab.load.files import SourceFile

BATCH_ROWS: Final = 32_768
"""Rows made ready at once: what lies near each other is cheap to write, and a batch comes into order."""
BATCH_BYTES: Final = 16 * MIB
"""Likewise, so that a load takes little memory however wide its rows are."""

Skipped = tuple[int, str]
"""Number (from 1) and fault of a row that could not even be cut into columns."""


class Reader(Protocol):
    """An open file.

    Attributes:
        schema: names and types of its columns.
        rows: how many rows it has, None when only reading tells.
    """

    schema: pa.Schema
    rows: int | None

    def batches(self, columns: Sequence[str], first: int) -> Iterator[pa.RecordBatch]:
        """Yield the rows from number ``first`` (from 0) on, with those columns in that order.

        Raises:
            BadFile: the file is damaged.
        """

    def take_skipped(self) -> list[Skipped]:
        """Return the rows left out since the last call."""

    def number(self, row: int) -> int:
        """Return the number a user counts for the row that ``batches`` gave as the ``row``-th."""

    def read_fraction(self) -> float:
        """Return how much of the file was read so far, 0 to 1; for formats without ``rows``."""

    def close(self) -> None:
        """Close the file."""


@contextmanager
def reading(file: SourceFile, what: str) -> Iterator[None]:
    """Turn what pyarrow raises about a file into an error that names it.

    Raises:
        BadFile: instead of pyarrow's error.
    """
    try:
        yield
    except Error:
        raise
    except UnicodeDecodeError as error:
        raise BadFile(
            f"{file.name} cannot be read as {what}: it is not UTF-8 text", hint=_hint("", what)
        ) from error
    except (pa.ArrowException, OSError, EOFError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise BadFile(
            f"{file.name} cannot be read as {what}: {reason[0]}", hint=_hint(reason[0], what)
        ) from error


def _hint(reason: str, what: str) -> str:
    text = reason.lower()
    if "decrypt" in text or "encrypted" in text:
        return "encrypted files are not read; decrypt it first"
    if "straddl" in text:
        return "a row takes more than 1 MiB, or a quote is not closed"
    if "codec" in text and "support" in text:
        return "write it with another compression"
    return f"check that it is a whole {what} file"


def batch_rows(rows: int, bytes_: int) -> int:
    """Return how many rows a batch has, given that so many take so many bytes; at least 1."""
    return max(1, min(BATCH_ROWS, rows * BATCH_BYTES // max(1, bytes_)))


def rebatched(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Cut large batches into pieces of BATCH_ROWS and about BATCH_BYTES; leave out empty ones."""
    for batch in batches:
        rows = batch_rows(batch.num_rows, batch.nbytes)
        for start in range(0, batch.num_rows, rows):
            yield batch.slice(start, rows)


def after(batches: Iterator[pa.RecordBatch], first: int) -> Iterator[pa.RecordBatch]:
    """Leave out the first rows."""
    for batch in batches:
        if first >= batch.num_rows:
            first -= batch.num_rows
            continue
        yield batch.slice(first) if first else batch
        first = 0
