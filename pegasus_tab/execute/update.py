"""UPDATE: read each row, assign, write back if the row is still what was read.

The write tests one pair (a CHECK_AND_MUTATE has one test): the pair of the lowest assigned family,
family 0 when only MAP cells are assigned. So two updates of one family of a row never lose each
other; updates of different families of one row are independent, as they are in storage. A row keeps
its time to live unless USING TTL gives another.
"""

from collections.abc import Iterable, Sequence

from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.conditional import Change, ConditionalWriter, Guard, targets_of
from pegasus_tab.execute.context import Context
from pegasus_tab.execute.evaluate import compile_expression, compile_predicate
from pegasus_tab.execute.insert import time_to_live
from pegasus_tab.execute.lookup import RowReader, RowTuple, Target
from pegasus_tab.execute.map_cells import map_changes
from pegasus_tab.execute.result import ResultSet
from pegasus_tab.execute.targets import TargetRows
from pegasus_tab.kv.methods import NO_EXPIRY
from pegasus_tab.sql.expression import ColumnRef, Expression
from pegasus_tab.sql.plan_nodes import Assignment, Update
from pegasus_tab.tabular.row_codec import Pair, RowCodec
from pegasus_tab.tabular.schema import Kind
from pegasus_tab.wire.codes import CasCheckType


class UpdateExecutor:
    """A compiled Update."""

    def __init__(self, plan: Update) -> None:
        table = plan.source.table
        self._columns = {column.id: column for column in table.schema.columns}
        self._places = {column.id: at for at, column in enumerate(table.schema.columns)}
        self._targets = TargetRows(plan.source)
        conjuncts = (*plan.source.pushed, *plan.source.residual)
        self._reader = RowReader(table, (*self._needed(plan.assignments), *conjuncts))
        self._codec = self._reader.codec
        shape = self._reader.shape
        self._predicate = compile_predicate(conjuncts, shape)
        self._scalars = [
            (self._columns[one.column], compile_expression(one.value, shape))
            for one in plan.assignments
            if one.map_key is None and one.value is not None
        ]
        self._cells = [
            (
                one.column,
                compile_expression(one.map_key, shape),
                None if one.value is None else compile_expression(one.value, shape),
            )
            for one in plan.assignments
            if one.map_key is not None
        ]
        self._ttl = None if plan.ttl is None else compile_expression(plan.ttl)
        self._families = sorted(
            {column.family for column, _ in self._scalars if column.type.kind is not Kind.MAP}
        )
        self._writer = ConditionalWriter(
            table, self._reader, self._decide, keeps_ttl=plan.ttl is None
        )

    def execute(self, context: Context, bindings: Bindings) -> ResultSet:
        """Change the statement's rows."""
        return self.execute_many(context, (bindings,))

    def execute_many(self, context: Context, executions: Iterable[Bindings]) -> ResultSet:
        """Change the rows of many executions, pipelined; the rowcount is their sum."""
        targets = (
            target
            for bindings in executions
            for target in targets_of(self._targets.keys(context, bindings), bindings)
        )
        return ResultSet.of_change(self._writer.write(context, targets))

    def _needed(self, assignments: Sequence[Assignment]) -> list[Expression]:
        """Return what is read of a row: what values and keys name, and families written back whole."""
        needed: list[Expression] = []
        for one in assignments:
            column = self._columns[one.column]
            if one.map_key is None:
                needed.append(ColumnRef(one.column, column.type))
            else:
                needed.append(one.map_key)
            if one.value is not None:
                needed.append(one.value)
        return needed

    # ---- one row -----------------------------------------------------------------------------

    def _decide(
        self, target: Target, row: RowTuple | None, pairs: Sequence[Pair], seconds: int | None
    ) -> Change | None:
        key, bindings = target
        if row is None or (self._ttl is None and seconds is None):
            return None
        if self._predicate is not None and self._predicate(row, bindings) is not True:
            return None
        changed = self._assigned(row, bindings)
        stored = dict(pairs)
        puts: list[Pair] = [
            (self._pair_key(key[1], family), self._codec.encode_value(changed, family))
            for family in self._families
        ]
        deletes: list[bytes] = []
        self._assign_maps(key[1], row, changed, puts, deletes)
        self._assign_cells(key[1], row, bindings, puts, deletes)
        if seconds is None:
            ttl_seconds = time_to_live(self._ttl, bindings)
        else:
            ttl_seconds = 0 if seconds == NO_EXPIRY else max(seconds, 1)
        return Change(self._guard(key[1], stored), puts, deletes, ttl_seconds)

    def _assigned(self, row: RowTuple, bindings: Bindings) -> RowTuple:
        changed = list(row[: len(self._columns)])
        for column, evaluate in self._scalars:
            changed[self._places[column.id]] = evaluate(row, bindings)
        return tuple(changed)

    def _assign_maps(
        self,
        sort_key: bytes,
        row: RowTuple,
        changed: RowTuple,
        puts: list[Pair],
        deletes: list[bytes],
    ) -> None:
        for column, _ in self._scalars:
            if column.type.kind is Kind.MAP:
                place = self._places[column.id]
                assert isinstance(self._codec, RowCodec)  # raw tables have no MAP
                added, removed = map_changes(
                    self._codec, sort_key, column, row[place], changed[place]
                )
                puts += added
                deletes += removed

    def _assign_cells(
        self,
        sort_key: bytes,
        row: RowTuple,
        bindings: Bindings,
        puts: list[Pair],
        deletes: list[bytes],
    ) -> None:
        for column, map_key, evaluate in self._cells:
            cell_key = self._codec.cell_key(sort_key, column, map_key(row, bindings))  # type: ignore[union-attr]  # raw tables have no MAP
            value = None if evaluate is None else evaluate(row, bindings)
            if value is None:
                deletes.append(cell_key)
            else:
                puts.append((cell_key, self._codec.encode_cell(column, value)))  # type: ignore[union-attr]

    def _guard(self, sort_key: bytes, stored: dict[bytes, bytes]) -> Guard:
        family = self._families[0] if self._families else 0
        pair_key = self._pair_key(sort_key, family)
        if pair_key not in stored:
            # A family added by ALTER has no pair yet in older rows.
            pair_key = sort_key
        return Guard(pair_key, CasCheckType.VALUE_BYTES_EQUAL, stored[pair_key])

    def _pair_key(self, sort_key: bytes, family: int) -> bytes:
        return self._codec.family_key(sort_key, family) if family else sort_key
