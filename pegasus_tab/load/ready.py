"""Rows ready to be written, batch by batch, in the order of the files."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pegasus_tab.base.errors import DataError, Error
from pegasus_tab.load.ahead import ahead
from pegasus_tab.load.checked import CheckedFile, opened
from pegasus_tab.load.match import Match
from pegasus_tab.load.reader import Reader
from pegasus_tab.load.rejects import Rejects
from pegasus_tab.load.sieve import Sifted, sift
from pegasus_tab.load.state import FileState, LoadState
from pegasus_tab.load.text import Faults, typed_column
from pegasus_tab.sql.plan_nodes import CopyFrom
from pegasus_tab.sql.plan_write import merges


@dataclass(slots=True)
class ReadyBatch:
    """Rows of one file that fit, and what is known once they are written.

    Attributes:
        parts: the rows; their columns have the table's names.
        rows: how many there are.
        end: so many rows of the file are done with this batch.
        file: the file's state.
        name: the file's name.
        numbers: number of each row of the batch before the sieve, for messages.
        fraction: how much of all files was read with this batch, 0 to 1.
        last: nothing of the file comes after it.
    """

    parts: list[Sifted]
    rows: int
    end: int
    file: FileState
    name: str
    numbers: "RowNumbers"
    fraction: float
    last: bool = False


@dataclass(frozen=True, slots=True)
class RowNumbers:
    """Numbers of a batch's rows as a user counts them: some were taken out before."""

    reader: Reader
    begin: int
    places: Sequence[int] | None

    def of(self, row: int) -> int:
        """Return the number of a row of the batch."""
        place = row if self.places is None else self.places[row]
        return self.reader.number(self.begin + place)


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

    def batches(self, *, text: bool) -> Iterator[ReadyBatch]:
        first = self._state.rows
        names = self._checked.match.names
        for batch in ahead(self._reader.batches(names, first)):
            self._reject_skipped()
            yield self._ready(batch, first, text=text)
            first += batch.num_rows
        self._reject_skipped()
        # Only this tells that nothing comes any more; it is written once all before it is.
        numbers = RowNumbers(self._reader, first, None)
        yield ReadyBatch([], 0, first, self._state, self._name, numbers, 1.0, last=True)

    def _ready(self, batch: pa.RecordBatch, first: int, *, text: bool) -> ReadyBatch:
        end = first + batch.num_rows
        names = [column.name for column in self._checked.match.columns]
        given = pa.RecordBatch.from_arrays(batch.columns, names=names)
        numbers = RowNumbers(self._reader, first, None)
        batch = given
        if text:
            batch, faults = _typed(batch, self._checked.match)
            for row, fault in sorted(faults.items()):
                self._reject(given, numbers, row, fault)
            if faults:
                kept = np.setdiff1d(np.arange(batch.num_rows), list(faults))
                batch, given = batch.take(pa.array(kept)), given.take(pa.array(kept))
                numbers = RowNumbers(self._reader, first, kept.tolist())
        parts = sift(
            self._schema,
            batch,
            lambda row, fault: self._reject(given, numbers, row, fault),
            whole=self._whole,
        )
        rows = sum(part.batch.num_rows for part in parts)
        fraction = end / self._reader.rows if self._reader.rows else self._reader.read_fraction()
        return ReadyBatch(parts, rows, end, self._state, self._name, numbers, fraction)

    def _reject(self, given: pa.RecordBatch, numbers: RowNumbers, row: int, fault: Error) -> None:
        values = given.slice(row, 1).to_pylist()[0]
        self._rejects.add(self._name, numbers.of(row), fault, values)

    def _reject_skipped(self) -> None:
        for number, fault in self._reader.take_skipped():
            self._rejects.add(self._name, number, DataError(fault, sqlstate="22P04"), {})


def _typed(batch: pa.RecordBatch, match: Match) -> tuple[pa.RecordBatch, Faults]:
    faults: Faults = {}
    arrays = [
        typed_column(column, array, faults)
        for column, array in zip(match.columns, batch.columns, strict=True)
    ]
    names = [column.name for column in match.columns]
    return pa.RecordBatch.from_arrays(arrays, names=names), faults
