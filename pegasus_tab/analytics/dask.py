"""A table as a Dask DataFrame, one task a partition."""

from typing import TYPE_CHECKING

from pegasus_tab.analytics.dataset import TableFragment, open_dataset
from pegasus_tab.analytics.reading import FilterLike
from pegasus_tab.base.errors import NotSupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import dask.dataframe
    import pandas as pd


def read_table(
    dsn: str, table: str, columns: "Sequence[str] | None" = None, filters: FilterLike = None
) -> "dask.dataframe.DataFrame":
    """Return a table as a Dask DataFrame whose partitions are the table's.

    Each partition is read by the worker that needs it, from the servers. Columns that the computation
    turns out not to use are not fetched.

    Args:
        dsn: where the workers find the cluster, as for ``pegasus_tab.connect``.
        table: its name.
        columns: names; None for all.
        filters: as for ``TableDataset.to_table``; evaluated where the partition is read.

    Raises:
        NotSupportedError: Dask is not installed.
        ProgrammingError: no such table or column.
        OperationalError: the store cannot be asked.
    """
    try:
        from dask.dataframe import from_map  # noqa: PLC0415 -- Dask is optional
    except ImportError as error:
        raise NotSupportedError(
            f"reading into Dask needs the package {error.name}, which is not installed",
            hint="pip install 'pegasus-tab[dask]'",
        ) from error
    with open_dataset(dsn, table) as dataset:
        wanted = list(columns) if columns is not None else dataset.schema.names
        # A head of no rows has the columns checked and costs one request.
        meta = dataset.head(0, wanted).to_pandas()
        fragments = list(dataset.get_fragments(filters))
    make: Callable[..., dask.dataframe.DataFrame] = from_map
    return make(_read, fragments, columns=wanted, meta=meta, label=f"read-{table}")


def _read(fragment: TableFragment, columns: "Sequence[str]") -> "pd.DataFrame":
    """Read one partition; runs in a worker."""
    try:
        frame: pd.DataFrame = fragment.to_table(list(columns)).to_pandas()
    finally:
        fragment.close()
    return frame
