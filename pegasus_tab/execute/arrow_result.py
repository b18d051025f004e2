"""Results as Arrow and pandas objects; the packages are imported when they are first wanted."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pegasus_tab.base.errors import NotSupportedError
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
    schema = schema_of(result.columns or ())
    for batch in batches:
        # A column of unknown type is what the first batch with a value of it says.
        fields = [
            found if pa.types.is_null(known.type) else known
            for known, found in zip(schema, batch.schema, strict=True)
        ]
        schema = pa.schema(fields)
    return pa.Table.from_batches([_cast(batch, schema) for batch in batches], schema)


def _cast(batch: "pa.RecordBatch", schema: "pa.Schema") -> "pa.RecordBatch":
    if batch.schema == schema:
        return batch
    import pyarrow as pa

    arrays = [
        array if array.type == field.type else array.cast(field.type)
        for array, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def data_frame(result: ResultSet, rest: Iterator[Page] | None) -> Any:
    """Return the result, or the rest of it, as a pandas DataFrame; arguments as above."""
    if find_spec("pandas") is None:
        raise NotSupportedError(
            "this needs the package pandas, which is not installed",
            hint="pip install pandas; the rows as Arrow do without it",
        )
    return table(result, rest).to_pandas()
