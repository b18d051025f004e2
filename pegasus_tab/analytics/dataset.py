"""A table as a PyArrow dataset, one fragment a partition.

Instances are real ``pyarrow.dataset.Dataset`` and ``Fragment`` objects, because DuckDB and others ask
for the class; every method that would reach into Arrow's own C++ object is replaced here. Functions of
PyArrow that hand that object on (``Scanner.from_dataset``, unions, the right side of a join) would end
the process if a dataset had none. So it has one of a file that does not exist, whose name says what to
do instead: reading it fails with that text.
"""

from collections.abc import Iterator
from typing import Any, Final, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
from pyarrow.fs import LocalFileSystem

from pegasus_tab.analytics.access import open_table
from pegasus_tab.analytics.reading import Columns, FilterLike, Reading
from pegasus_tab.base.errors import NotSupportedError

_UNREADABLE: Final = (
    "(a table is read by its own to_table, scanner or filter, not by Arrow's C++ code)"
)


class _Readable:
    """What a dataset and a fragment have in common.

    Further keyword arguments of PyArrow's methods (batch sizes, threads, readahead) are taken and not
    used: the pages of the servers decide.
    """

    _reading: Reading

    def scanner(
        self,
        columns: Columns = None,
        filter: FilterLike = None,
        **_options: Any,
    ) -> pads.Scanner:
        """Return a scanner over columns and rows; see ``to_table``."""
        return self._reading.filtered(filter).scanner(columns)

    def to_batches(
        self,
        columns: Columns = None,
        filter: FilterLike = None,
        **_options: Any,
    ) -> Iterator[pa.RecordBatch]:
        """Yield record batches; see ``to_table``."""
        return iter(self.scanner(columns, filter).to_batches())

    def to_table(
        self,
        columns: Columns = None,
        filter: FilterLike = None,
        **_options: Any,
    ) -> pa.Table:
        """Read into memory.

        Args:
            columns: names in the wanted order, or expressions by name; None for all. Only they and
                what the filter reads are fetched.
            filter: a PyArrow expression, or lists like ``[("age", ">", 5)]``. Comparisons of a column
                with a constant, ``isin``, null tests, ``starts_with`` and their combinations by
                and, or, not are evaluated by the servers, the rest here.

        Raises:
            ProgrammingError: 42703, no such column.
            OperationalError: the store cannot be read now; 40001, the table's schema has changed.
        """
        return self.scanner(columns, filter).to_table()

    def count_rows(self, filter: FilterLike = None, **_options: Any) -> int:
        """Count rows; the servers do it when they can evaluate the whole filter."""
        return self._reading.filtered(filter).count()

    def head(
        self,
        num_rows: int,
        columns: Columns = None,
        filter: FilterLike = None,
        **_options: Any,
    ) -> pa.Table:
        """Read the first rows; which they are depends on nothing but the data."""
        return self._reading.filtered(filter).head(num_rows, columns)

    def take(self, indices: Any, columns: Columns = None, **_options: Any) -> pa.Table:
        """Read rows by their numbers in the order of ``to_table``; reads everything to find them."""
        return self.to_table(columns).take(indices)

    def close(self) -> None:
        """Close the connection; a further read opens another."""
        self._reading.access.close()

    @property
    def partition_expression(self) -> pc.Expression:
        """True: hash keys decide the partition, which no expression over columns says."""
        return pc.scalar(True)


class TableFragment(_Readable, pads.Fragment):  # type: ignore[misc]  # pyarrow is untyped
    """One partition of a table; it may be pickled and read in another process."""

    def __init__(self, reading: Reading) -> None:  # the class of C++ is not initialised, see above
        self._reading = reading

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle DSN, table, partition and filter."""
        return (TableFragment, (self._reading,))

    @property
    def partition(self) -> int:
        """Index of the partition."""
        return self._reading.partitions[0]

    @property
    def physical_schema(self) -> pa.Schema:
        """All columns of the table."""
        return self._reading.schema

    def __repr__(self) -> str:
        """Name table and partition."""
        return f"<partition {self.partition} of {self._reading.access.table.name}>"


class TableDataset(_Readable, pads.FileSystemDataset):  # type: ignore[misc]  # pyarrow is untyped
    """A table; make one with ``pegasus_tab.dataset``. It may be pickled."""

    def __init__(self, reading: Reading) -> None:
        nowhere, form = LocalFileSystem(), pads.ParquetFileFormat()
        fragment = form.make_fragment(_UNREADABLE, filesystem=nowhere)
        super().__init__([fragment], reading.schema, form, filesystem=nowhere)
        self._reading = reading

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle DSN, table and filter."""
        return (TableDataset, (self._reading,))

    @property
    def schema(self) -> pa.Schema:
        """All columns of the table."""
        return self._reading.schema

    def get_fragments(self, filter: FilterLike = None) -> Iterator[TableFragment]:
        """Yield the partitions in order; each applies the filter to its rows."""
        reading = self._reading.filtered(filter)
        for index in reading.partitions:
            yield TableFragment(Reading(reading.access, (index,), reading.filter))

    def filter(self, expression: FilterLike) -> "TableDataset":
        """Return the rows that an expression keeps, as a dataset; nothing is read yet."""
        return TableDataset(self._reading.filtered(expression))

    def sort_by(self, sorting: Any, **options: Any) -> pads.Dataset:
        """Return the rows in another order; reads everything into memory."""
        return self._in_memory().sort_by(sorting, **options)

    def join(self, right_dataset: Any, keys: Any, *arguments: Any, **options: Any) -> pads.Dataset:
        """Join as PyArrow does; reads everything into memory, of the other one too if it is a table."""
        right = _readable_by_arrow(right_dataset)
        return self._in_memory().join(right, keys, *arguments, **options)

    def join_asof(self, right_dataset: Any, *arguments: Any, **options: Any) -> pads.Dataset:
        """Join as PyArrow does; reads everything into memory, of the other one too if it is a table."""
        right = _readable_by_arrow(right_dataset)
        return self._in_memory().join_asof(right, *arguments, **options)

    def replace_schema(self, schema: pa.Schema) -> Self:
        """Refuse: a table has one schema.

        Raises:
            NotSupportedError: always.
        """
        raise NotSupportedError(
            f"a table's schema cannot be replaced by {schema.names}",
            hint="give to_table the columns you want; ALTER TABLE changes the table",
        )

    def _in_memory(self) -> pads.Dataset:
        return pads.dataset(self.to_table())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        """Name the table."""
        return f"<dataset of table {self._reading.access.table.name}>"


def _readable_by_arrow(dataset: Any) -> Any:
    """Return a dataset that PyArrow's C++ code can read."""
    return dataset._in_memory() if isinstance(dataset, TableDataset) else dataset  # noqa: SLF001 -- one of us


def open_dataset(dsn: str, table: str) -> TableDataset:
    """Return a table as a dataset; see ``pegasus_tab.dataset``."""
    access = open_table(dsn, table)
    return TableDataset(Reading(access, tuple(range(access.table.partition_count))))
