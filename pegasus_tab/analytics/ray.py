"""A table as a Ray Data source, one read task a partition."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pyarrow as pa

from pegasus_tab.analytics.dataset import TableDataset, TableFragment, open_dataset
from pegasus_tab.analytics.reading import FilterLike
from pegasus_tab.base.errors import NotSupportedError

try:
    import ray.data
    from ray.data.block import BlockMetadata
except ImportError as missing:
    raise NotSupportedError(
        f"reading into Ray needs the package {missing.name}, which is not installed",
        hint="pip install 'pegasus-tab[ray]'",
    ) from missing


class TableDatasource(ray.data.Datasource):  # type: ignore[misc]  # Ray is untyped here
    """What ``ray.data.read_datasource`` reads a table with.

    Args:
        dataset: the table.
        columns: names; None for all.
        filters: as for ``TableDataset.to_table``; evaluated where the partition is read.
    """

    def __init__(
        self,
        dataset: TableDataset,
        columns: Sequence[str] | None = None,
        filters: FilterLike = None,
    ) -> None:
        super().__init__()
        self._dataset = dataset.filter(filters)
        self._columns = list(columns) if columns is not None else dataset.schema.names
        dataset.head(0, self._columns)  # a column that is missing is found out here

    def get_name(self) -> str:
        """Return what Ray shows in its plans."""
        return "PegasusTab"

    def estimate_inmemory_data_size(self) -> int | None:
        """Return None: nobody knows before reading."""
        return None

    def get_read_tasks(
        self, parallelism: int, per_task_row_limit: int | None = None, **_options: Any
    ) -> list[ray.data.ReadTask]:
        """Return one task a partition; ``parallelism`` is a wish that a table has its own mind about.

        Args:
            parallelism: ignored.
            per_task_row_limit: stop a task after so many rows.
        """
        del parallelism
        unknown = BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None)
        return [
            ray.data.ReadTask(
                partial(_read, fragment, self._columns, per_task_row_limit),
                unknown,
                per_task_row_limit=per_task_row_limit,
            )
            for fragment in self._dataset.get_fragments()
        ]


def read_table(
    dsn: str, table: str, columns: Sequence[str] | None = None, filters: FilterLike = None
) -> "ray.data.Dataset":
    """Return a table as a Ray dataset.

    Args:
        dsn: where the workers find the cluster, as for ``pegasus_tab.connect``.
        table: its name.
        columns: names; None for all.
        filters: as for ``TableDataset.to_table``; evaluated where the partition is read.

    Raises:
        ProgrammingError: no such table or column.
        OperationalError: the store cannot be asked.
    """
    with open_dataset(dsn, table) as dataset:
        return ray.data.read_datasource(TableDatasource(dataset, columns, filters))


def _read(fragment: TableFragment, columns: list[str], rows_max: int | None) -> Iterator[pa.Table]:
    """Read one partition block by block; runs in a worker."""
    left = rows_max
    try:
        for batch in fragment.to_batches(columns):
            block = pa.Table.from_batches([batch if left is None else batch.slice(0, left)])
            yield block
            if left is not None:
                left -= block.num_rows
                if left <= 0:
                    return
    finally:
        fragment.close()
