"""One row by its whole key, as straight-line code: the hottest statement there is."""

from typing import Any

from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.context import Context
from pegasus_tab.execute.evaluate import compile_predicate
from pegasus_tab.execute.lookup import RowReader
from pegasus_tab.execute.projection import LimitWindow, compile_projection, result_columns
from pegasus_tab.execute.result import Page, ResultSet
from pegasus_tab.execute.seek import compile_parts
from pegasus_tab.sql.plan_nodes import PointGet, Select
from pegasus_tab.tabular.errors import ImpossibleKey
from pegasus_tab.wire.keys import encode_key


class PointSelect:
    """SELECT of one row that is one pair: a single GET.

    Args:
        plan: a Select over a PointGet.
        access: its access path.
        reader: of the plan's table and expressions; ``main_only`` and without times to live.
    """

    def __init__(self, plan: Select, access: PointGet, reader: RowReader) -> None:
        assert reader.main_only
        assert not reader.shape.ttl
        self._table = plan.source.table
        self._codec = reader.codec
        self._hash_key = compile_parts(access.hash_key)
        self._sort_key = compile_parts(access.sort_key)
        conjuncts = (*plan.source.pushed, *plan.source.residual)
        self._predicate = compile_predicate(conjuncts, reader.shape)
        self._project = compile_projection([one.expression for one in plan.output], reader.shape)
        self._columns = result_columns(plan.output)
        self._window = LimitWindow(plan.limit, plan.offset)
        self._windowed = plan.limit is not None or plan.offset is not None

    def execute(self, context: Context, bindings: Bindings) -> ResultSet:
        """Read the row and return it, or nothing."""
        row = self._row(context, bindings)
        if row is not None and self._predicate is not None:
            row = row if self._predicate(row, bindings) is True else None
        rows: Page = [] if row is None else self._project([row], bindings)
        if self._windowed:
            offset, limit = self._window.bounds(bindings)
            rows = rows[offset : None if limit is None else offset + limit]
        return ResultSet.of_rows(self._columns, rows)

    def _row(self, context: Context, bindings: Bindings) -> tuple[Any, ...] | None:
        hash_values = [part((), bindings) for part in self._hash_key]
        sort_values = [part((), bindings) for part in self._sort_key]
        if None in hash_values or None in sort_values:
            return None
        try:
            hash_key = self._codec.hash_key(hash_values)
            sort_key = self._codec.sort_key(sort_values)
        except ImpossibleKey:
            return None
        key = encode_key(hash_key, sort_key)
        value = context.result(context.calls(self._table).get_call(key))
        return None if value is None else self._codec.decode_plain(hash_key, sort_key, value)


def compile_point(plan: Select) -> PointSelect | None:
    """Return the straight executor of a Select, None for one that is more than a plain point read."""
    source = plan.source
    if not isinstance(source.access, PointGet) or plan.order or plan.distinct:
        return None
    expressions = (*(one.expression for one in plan.output), *source.pushed, *source.residual)
    reader = RowReader(source.table, expressions)
    if not reader.main_only or reader.shape.ttl:
        return None
    return PointSelect(plan, source.access, reader)
