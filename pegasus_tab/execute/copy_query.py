"""COPY (query) TO: a query's rows as one file, written by the client."""

import secrets
from contextlib import closing
from dataclasses import dataclass

from pegasus_tab.base.errors import Error
from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.context import Context
from pegasus_tab.execute.errors import arrow_missing
from pegasus_tab.execute.executor import Executor
from pegasus_tab.execute.progress import Progress
from pegasus_tab.execute.result import ResultSet
from pegasus_tab.execute.transfer import absolute
from pegasus_tab.sql.plan_nodes import CopyQuery


@dataclass(frozen=True, slots=True)
class CopyQueryExecutor:
    """A compiled CopyQuery; ``query`` is the executor of what it writes."""

    plan: CopyQuery
    query: Executor

    def execute(self, context: Context, bindings: Bindings) -> ResultSet:
        """Write the file under a temporary name, then give it its own, which must be free."""
        try:
            from pegasus_tab.execute.arrow_result import record_batch_reader
            from pegasus_tab.export.errors import NameTaken
            from pegasus_tab.export.filesystem import open_target
            from pegasus_tab.export.metered_stream import MeteredStream
            from pegasus_tab.export.part_formats import PART_TYPES
        except ImportError as error:
            raise arrow_missing(error) from error
        folder, _, name = absolute(self.plan.target).rpartition("/")
        target = open_target(folder or "/")
        if target.exists(name):
            raise NameTaken(
                f"file {target.shown(name)} exists already", hint="Remove it, or name another."
            )
        temporary = f"_{name}.{secrets.token_hex(4)}.tmp"
        rows = 0
        context.deadline.rest()
        with closing(self.query.execute(context, bindings)) as result:
            result.read_within(context.deadline)
            reader = record_batch_reader(result, None)
            try:
                with closing(MeteredStream(target.create(temporary))) as stream:
                    part = PART_TYPES[self.plan.format](stream, reader.schema, ())
                    for batch in reader:
                        part.write(batch)
                        rows += batch.num_rows
                        if context.progress is not None:
                            context.progress(Progress(rows, bytes=stream.bytes))
                    part.close()
                target.publish(temporary, name)
            except BaseException as error:
                _remove(target.remove, temporary, error)
                raise
        return ResultSet.of_change(rows)


def _remove(remove: object, temporary: str, cause: BaseException) -> None:
    """Remove what is left of a file that was not finished; the first error is the one to tell."""
    assert callable(remove)
    try:
        remove(temporary)
    except Error as error:
        cause.add_note(f"{temporary} stays: {error.message}")
