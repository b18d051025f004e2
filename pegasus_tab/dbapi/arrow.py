"""Results as Arrow and pandas objects; the packages are imported when they are first wanted."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pegasus_tab.execute.errors import arrow_missing
from pegasus_tab.execute.result import Page, ResultSet

if TYPE_CHECKING:
    import pyarrow as pa


def record_batch_reader(result: ResultSet, rest: Iterator[Page] | None) -> "pa.RecordBatchReader":
    """Return the result, or the rest of it, as a stream.

    Args:
        result: the result.
        rest: unread pages when some were read already, None when none was.

    Raises:
        NotSupportedError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa

        from pegasus_tab.execute.arrow_columns import schema_of
    except ImportError as error:
        raise arrow_missing(error) from error
    columns = result.columns or ()
    batches = result.batches() if rest is None else result.rest_batches(rest)
    if any(column.type is None for column in columns):
        # The values decide such a column's type, so all of them are looked at first.
        return table(result, rest).to_reader()
    return pa.RecordBatchReader.from_batches(schema_of(columns), batches)


def table(result: ResultSet, rest: Iterator[Page] | None) -> "pa.Table":
    """Return the result, or the rest of it, as a table; arguments as above."""
    try:
        import pyarrow as pa

        from pegasus_tab.execute.arrow_columns import schema_of
    except ImportError as error:
        raise arrow_missing(error) from error
    batches = list(result.batches() if rest is None else result.rest_batches(rest))
    if not batches:
        return schema_of(result.columns or ()).empty_table()
    tables = [pa.Table.from_batches([batch]) for batch in batches]
    return pa.concat_tables(tables, promote_options="permissive")


def data_frame(result: ResultSet, rest: Iterator[Page] | None) -> Any:
    """Return the result, or the rest of it, as a pandas DataFrame; arguments as above."""
    if find_spec("pandas") is None:
        raise arrow_missing(ImportError(name="pandas"))
    return table(result, rest).to_pandas()
