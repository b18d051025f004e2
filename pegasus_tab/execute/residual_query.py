"""ResidualQuery: our scans as views, the rest in DuckDB, Arrow batches out."""

from typing import TYPE_CHECKING

from pegasus_tab.base.errors import Error
from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.context import Context
from pegasus_tab.execute.errors import arrow_missing
from pegasus_tab.execute.projection import compile_projection, result_columns
from pegasus_tab.execute.result import ResultSet, Streamed
from pegasus_tab.execute.row_source import compile_source
from pegasus_tab.execute.scan import ScanSource
from pegasus_tab.sql.expression import ColumnRef
from pegasus_tab.sql.plan_nodes import Output, ResidualQuery, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa


class ResidualExecutor:
    """A compiled ResidualQuery."""

    def __init__(self, plan: ResidualQuery) -> None:
        self._sql = plan.sql
        self._parameters = plan.parameters
        self._views = {view.name: ViewRows(view.source) for view in plan.views}

    def execute(self, context: Context, bindings: Bindings) -> ResultSet:
        """Begin the query; its types are known only now."""
        try:
            from pegasus_tab.execute.arrow_columns import columns_of
            from pegasus_tab.execute.residual import View
        except ImportError as error:
            raise arrow_missing(error) from error
        views = {
            name: View(rows.arrow_schema(), lambda rows=rows: rows.batches(context, bindings))  # type: ignore[misc]  # the default binds the loop's value
            for name, rows in self._views.items()
        }
        values = [bindings.parameters[index] for index in self._parameters]
        run = context.residual().query(self._sql, views, values, context.deadline)
        try:
            batches = Streamed(run.batches())
        except Error:
            run.close()
            raise
        return ResultSet(columns_of(run.schema), batches=batches, on_close=run.close)


class ViewRows:
    """The rows of one view as Arrow, whatever their access path."""

    def __init__(self, source: Source) -> None:
        types = {column.id: column for column in source.table.schema.columns}
        columns = source.columns or source.table.schema.hash_key[:1]
        references = [ColumnRef(id_, types[id_].type) for id_ in columns]
        self._source = compile_source(source, references)
        self._columns = result_columns(
            [Output(types[one.column].name, one, one.type) for one in references]
        )
        self._project = compile_projection(references, self._source.shape)

    def arrow_schema(self) -> "pa.Schema":
        """Return the schema of the batches."""
        from pegasus_tab.execute.arrow_columns import schema_of

        return schema_of(self._columns)

    def batches(self, context: Context, bindings: Bindings) -> "Iterator[pa.RecordBatch]":
        """Yield the rows that the view's own WHERE keeps."""
        if isinstance(self._source, ScanSource) and self._source.filtered:
            yield from self._source.batches(context, bindings, None)
            return
        from pegasus_tab.execute.arrow_page import batch_of

        for page in self._source.pages(context, bindings, None):
            yield batch_of(self._project(page, bindings), self._columns)
