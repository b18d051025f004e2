"""Rows ready to be written, batch by batch, in the order of the files."""

import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from typing import Final

import numpy as np
import pyarrow as pa

from pegasus_tab.base.errors import DataError, Error
from pegasus_tab.load.ahead import worked_on
from pegasus_tab.load.checked import CheckedFile, opened
from pegasus_tab.load.match import Match
from pegasus_tab.load.reader import Reader, Skipped
from pegasus_tab.load.rejects import EnoughRejected, Rejected, Rejects
from pegasus_tab.load.sieve import Sifted, sift
from pegasus_tab.load.state import FileState, LoadState
from pegasus_tab.load.text import Faults, typed_column
from pegasus_tab.sql.plan_nodes import CopyFrom
from pegasus_tab.sql.plan_write import merges

PARALLEL_MAX_BY_ITSELF: Final = 4
"""Batches made ready at once at most, unless a statement says otherwise; each takes some 50 MiB."""


def parallel_by_itself() -> int:
    """Return how many batches are made ready at once: half the CPUs are for the rest of the machine."""
    return max(1, min(PARALLEL_MAX_BY_ITSELF, (os.cpu_count() or 1) // 2))


@dataclass(slots=True)
class ReadyBatch:
    """Rows of one file that fit, and what is known once they are written.

    Attributes:
        parts: the rows; their columns have the table's names.
        rejected: the rows that do not fit.
        rows: how many of them do.
        end: so many rows of the file are done with this batch.
        file: the file's state.
        name: the file's name.
        numbers: number of each row of the batch before the sieve, for messages.
        fraction: how much of all files was read with this batch, 0 to 1.
        doubtful: so many first rows of the file an earlier run may have written.
        last: nothing of the file comes after it.
    """

    parts: list[Sifted]
    rows: int
    end: int
    file: FileState
    name: str
    numbers: "RowNumbers"
    fraction: float
    doubtful: int = 0
    last: bool = False
    rejected: list[Rejected] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RowNumbers:
    """Numbers of a batch's rows as a user counts them: some were taken out before."""

    reader: Reader
    begin: int
    places: Sequence[int] | None

    def of(self, row: int) -> int:
        """Return the number of a row of the batch."""
        return self.reader.number(self.place(row))

    def place(self, row: int) -> int:
        """Return how many rows of the file come before a row of the batch, as a state counts them."""
        return self.begin + (row if self.places is None else self.places[row])


def ready_batches(
    plan: CopyFrom,
    files: Sequence[CheckedFile],
    format_: str,
    state: LoadState,
    rejects: Rejects,
) -> Generator[ReadyBatch]:
    """Yield the rows of all files that a state does not name as done.

    Raises:
        TooManyRejects: more rows do not fit than allowed.
        BadFile: a file is damaged.
    """
    total = sum(one.file.bytes for one in files) or 1
    before = 0
    for one in files:
        file_state = state.begun(one.file)
        if not file_state.done:
            with opened(plan, one.file, format_) as reader:
                source = _File(plan, one, reader, file_state, rejects)
                for batch in source.batches(text=format_ == "csv"):
                    source.reject(batch)
                    batch.fraction = (before + batch.fraction * one.file.bytes) / total
                    yield batch
        before += one.file.bytes


class _File:
    """One open file."""

    def __init__(
        self,
        plan: CopyFrom,
        checked: CheckedFile,
        reader: Reader,
        state: FileState,
        rejects: Rejects,
    ) -> None:
        self._schema = plan.table.schema
        # Only a blind upsert may write the pairs of a row one by one.
        self._whole = plan.on_conflict != "upsert" or merges(
            plan.table.schema, checked.match.columns
        )
        self._checked = checked
        self._name = checked.file.name
        self._reader = reader
        self._state = state
        self._rejects = rejects
        self._parallel = plan.parallel or parallel_by_itself()
        self._doubtful = state.tried
        self._skipped: list[Skipped] = []

    def batches(self, *, text: bool) -> Iterator[ReadyBatch]:
        end = self._state.rows
        make_ready = partial(self._ready, text=text)
        for batch in worked_on(self._numbered(), make_ready, self._parallel):
            yield batch
            end = batch.end
        # Only this tells that nothing comes any more; it is written once all before it is.
        numbers = RowNumbers(self._reader, end, None)
        yield ReadyBatch([], 0, end, self._state, self._name, numbers, 1.0, last=True)

    def reject(self, batch: ReadyBatch) -> None:
        """Set aside the rows of a batch that do not fit, and those that could not even be cut.

        Raises:
            TooManyRejects, TargetError: see ``Rejects.add``.
        """
        self._skipped += self._reader.take_skipped()
        end = None if batch.last else self._reader.number(batch.end - 1)
        while self._skipped and (end is None or self._skipped[0][0] < end):
            number, fault = self._skipped.pop(0)
            batch.rejected.append(Rejected(number, DataError(fault, sqlstate="22P04"), {}))
        for one in sorted(batch.rejected, key=attrgetter("row")):
            self._rejects.add(self._name, *one)

    def _numbered(self) -> Iterator[tuple[int, pa.RecordBatch]]:
        first = self._state.rows
        for batch in self._reader.batches(self._checked.match.names, first):
            yield first, batch
            first += batch.num_rows

    def _ready(self, numbered: tuple[int, pa.RecordBatch], *, text: bool) -> ReadyBatch:
        """Make rows ready; several threads do so at once, so it changes nothing of the file."""
        first, batch = numbered
        end = first + batch.num_rows
        fraction = end / self._reader.rows if self._reader.rows else self._reader.read_fraction()
        numbers = RowNumbers(self._reader, first, None)
        ready = ReadyBatch([], 0, end, self._state, self._name, numbers, fraction, self._doubtful)
        names = [column.name for column in self._checked.match.columns]
        given = pa.RecordBatch.from_arrays(batch.columns, names=names)
        with suppress(EnoughRejected):  # whoever takes the batch finds them to be too many
            self._fill(ready, given, text=text)
        return ready

    def _fill(self, ready: ReadyBatch, given: pa.RecordBatch, *, text: bool) -> None:
        left = self._rejects.left

        def reject(row: int, fault: Error) -> None:
            values = given.slice(row, 1).to_pylist()[0]
            ready.rejected.append(Rejected(ready.numbers.of(row), fault, values))
            if left is not None and len(ready.rejected) > left:
                raise EnoughRejected

        batch = given
        if text:
            batch, faults = _typed(batch, self._checked.match)
            for row, fault in sorted(faults.items()):
                reject(row, fault)
            if faults:
                kept = np.setdiff1d(np.arange(batch.num_rows), list(faults))
                batch, given = batch.take(pa.array(kept)), given.take(pa.array(kept))
                ready.numbers = RowNumbers(self._reader, ready.numbers.begin, kept.tolist())
        ready.parts = sift(self._schema, batch, reject, whole=self._whole)
        ready.rows = sum(part.batch.num_rows for part in ready.parts)


def _typed(batch: pa.RecordBatch, match: Match) -> tuple[pa.RecordBatch, Faults]:
    faults: Faults = {}
    arrays = [
        typed_column(column, array, faults)
        for column, array in zip(match.columns, batch.columns, strict=True)
    ]
    names = [column.name for column in match.columns]
    return pa.RecordBatch.from_arrays(arrays, names=names), faults
