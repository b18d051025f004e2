"""DELETE of rows, wholly, or of single MAP cells.

The rowcount is exact: each row is removed by a CHECK_AND_MUTATE that passes only while the row is
there and, where WHERE tests more than the key, still what was tested.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.conditional import Change, ConditionalWriter, Guard, targets_of
from pegasus_tab.execute.context import Context
from pegasus_tab.execute.evaluate import compile_expression, compile_predicate
from pegasus_tab.execute.lookup import RowReader, RowTuple, Target
from pegasus_tab.execute.result import ResultSet
from pegasus_tab.execute.targets import TargetRows
from pegasus_tab.execute.wanted import whole_row
from pegasus_tab.kv.call import Call
from pegasus_tab.sql.plan_nodes import Delete
from pegasus_tab.tabular.row_codec import Pair
from pegasus_tab.wire.codes import CasCheckType, MutateOperation, Status
from pegasus_tab.wire.messages import CheckAndMutateRequest, Mutate


class DeleteExecutor:
    """A compiled Delete."""

    def __init__(self, plan: Delete) -> None:
        table = plan.source.table
        self._table = table
        self._targets = TargetRows(plan.source)
        conjuncts = (*plan.source.pushed, *plan.source.residual)
        keys = [one.map_key for one in plan.cells if one.map_key is not None]
        # Whatever a row holds goes with it, so all of it is read, unless single cells are meant.
        read = keys if plan.cells else whole_row(table.schema)
        self._reader = RowReader(table, (*read, *conjuncts))
        self._codec = self._reader.codec
        self._predicate = compile_predicate(conjuncts, self._reader.shape)
        self._cells = [
            (one.column, compile_expression(one.map_key, self._reader.shape))
            for one in plan.cells
            if one.map_key is not None
        ]
        self._blind = self._codec.plain and self._predicate is None
        self._writer = ConditionalWriter(table, self._reader, self._decide, keeps_ttl=False)

    def execute(self, context: Context, bindings: Bindings) -> ResultSet:
        """Remove the statement's rows or cells."""
        return self.execute_many(context, (bindings,))

    def execute_many(self, context: Context, executions: Iterable[Bindings]) -> ResultSet:
        """Remove those of many executions, pipelined; the rowcount is their sum."""
        targets = (
            target
            for bindings in executions
            for target in targets_of(self._targets.keys(context, bindings), bindings)
        )
        if self._blind:
            return ResultSet.of_change(self._delete_blindly(context, targets))
        return ResultSet.of_change(self._writer.write(context, targets))

    def _delete_blindly(self, context: Context, targets: Iterable[Target]) -> int:
        """Remove rows of one pair each, without reading them."""
        calls = context.calls(self._table)

        def removals() -> Iterator[Call[Any]]:
            for (hash_key, sort_key), _ in targets:
                request = CheckAndMutateRequest(
                    hash_key=hash_key,
                    check_sort_key=sort_key,
                    check_type=CasCheckType.VALUE_EXIST,
                    mutate_list=[Mutate(MutateOperation.DELETE, sort_key)],
                )
                yield calls.check_and_mutate_call(request)

        return sum(answer.error == Status.OK for answer in context.writes(removals()))

    def _decide(
        self, target: Target, row: RowTuple | None, pairs: Sequence[Pair], _seconds: int | None
    ) -> Change | None:
        key, bindings = target
        if row is None:
            return None
        if self._predicate is not None and self._predicate(row, bindings) is not True:
            return None
        if self._cells:
            deletes = [
                self._codec.cell_key(key[1], column, map_key(row, bindings))  # type: ignore[union-attr]  # raw tables have no MAP
                for column, map_key in self._cells
            ]
        else:
            deletes = sorted((sort_key for sort_key, _ in pairs), key=len)
        stored = dict(pairs)
        guard = Guard(key[1], CasCheckType.VALUE_BYTES_EQUAL, stored[key[1]])
        return Change(guard, deletes=deletes)
