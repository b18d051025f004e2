"""What of a table a caller of the PyArrow interface wants, turned into what to ask and to give."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads

from pegasus_tab.analytics.access import TableAccess
from pegasus_tab.analytics.pushdown import Pushdown, pushdown
from pegasus_tab.base.errors import ProgrammingError
from pegasus_tab.execute.scan_pages import ScanWish
from pegasus_tab.tabular.arrow import arrow_schema

Columns: TypeAlias = Sequence[str] | Mapping[str, pc.Expression] | None
"""Names of columns, or expressions by name, as PyArrow's scanners take them; None for all."""
FilterLike: TypeAlias = "pc.Expression | Sequence[Any] | None"
"""A PyArrow expression, or the nested lists of ``[("a", ">", 5)]`` that pandas and Dask use."""

_FETCH_ANY = 1
"""Columns fetched when none is wanted: a batch without columns has no number of rows."""


def expression_of(filter_: FilterLike) -> pc.Expression | None:
    """Return a filter as an expression.

    Raises:
        ProgrammingError: 42601, it is a text.
    """
    if filter_ is None or isinstance(filter_, pc.Expression):
        return filter_
    if isinstance(filter_, str):
        raise ProgrammingError(
            f"a filter is an expression of PyArrow, not the text {filter_!r}",
            hint='write pyarrow.compute.field("km") > 2.5, or [("km", ">", 2.5)]',
        )
    from pyarrow.parquet import filters_to_expression  # noqa: PLC0415 -- seldom used, and large

    return filters_to_expression(filter_)


@dataclass(frozen=True)
class Reading:
    """Rows and columns of some partitions, as one scanner gives them.

    Attributes:
        access: the way to the table.
        partitions: their indexes.
        filter: which rows, None for all.
    """

    access: TableAccess
    partitions: tuple[int, ...]
    filter: pc.Expression | None = None

    @property
    def schema(self) -> pa.Schema:
        """All columns of the table."""
        schema = self.access.table.schema
        return arrow_schema(schema, [column.id for column in schema.columns])

    def filtered(self, filter_: FilterLike) -> "Reading":
        """Return the same with a further filter."""
        more = expression_of(filter_)
        if more is None:
            return self
        both = more if self.filter is None else self.filter & more
        return Reading(self.access, self.partitions, both)

    def scanner(self, columns: Columns, rows_max: int | None = None) -> pads.Scanner:
        """Return a scanner; it fetches the columns it needs and reads once.

        Raises:
            ProgrammingError: 42703, a column that the table does not have.
        """
        pushed = self._pushdown()
        ids = self._fetched(columns, pushed)
        limit = rows_max if pushed.exact else None
        wish = ScanWish(ids, pushed.filter, limit)
        schema = arrow_schema(self.access.table.schema, ids)
        batches: Generator[pa.RecordBatch] = self.access.batches(wish, self.partitions)
        reader = pa.RecordBatchReader.from_batches(schema, batches)
        wanted = columns if columns is None or isinstance(columns, Mapping) else list(columns)
        return pads.Scanner.from_batches(reader, columns=wanted, filter=self.filter)

    def count(self) -> int:
        """Return the number of rows; the servers count when the filter is all theirs."""
        pushed = self._pushdown()
        if not pushed.exact:
            return int(self.scanner([]).count_rows())
        ids = tuple(column.id for column in self.access.table.schema.columns)[:_FETCH_ANY]
        wish = ScanWish(ids, pushed.filter, count_only=True)
        return self.access.count(wish, self.partitions)

    def head(self, rows: int, columns: Columns) -> pa.Table:
        """Return the first rows; no more than these are read of each partition."""
        return self.scanner(columns, rows).head(rows)

    def _pushdown(self) -> Pushdown:
        return pushdown(self.filter, self.access.table.schema, self.schema)

    def _fetched(self, columns: Columns, pushed: Pushdown) -> tuple[int, ...]:
        """Return the ids of the columns to fetch: those wanted and those that PyArrow filters by."""
        living = self.access.table.schema.columns
        all_ids = tuple(column.id for column in living)
        filtering = pushed.columns
        if columns is None or isinstance(columns, Mapping) or filtering is None:
            return all_ids
        by_name = {column.name: column.id for column in living}
        if isinstance(columns, str):
            raise ProgrammingError(
                f"columns are a list of names, not the text {columns!r}",
                hint=f"write [{columns!r}]",
            )
        for name in columns:
            if name not in by_name:
                raise ProgrammingError(
                    f'column "{name}" of table "{self.access.table.name}" does not exist',
                    sqlstate="42703",
                    hint=f"its columns are {', '.join(by_name)}",
                )
        names = dict.fromkeys([*columns, *sorted(filtering)])
        return tuple(by_name[name] for name in names) or all_ids[:_FETCH_ANY]
