"""UPSERT that keeps what it does not list: read the row, lay the listed values over it, write back.

A new row gets the defaults of the columns that are not listed. A listed MAP replaces all its cells.
"""

from collections.abc import Iterable, Sequence

from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.conditional import Change, ConditionalWriter, Guard
from pegasus_tab.execute.context import Context
from pegasus_tab.execute.lookup import RowReader, RowTuple, Target
from pegasus_tab.execute.map_cells import map_changes
from pegasus_tab.execute.row_input import FullRow
from pegasus_tab.sql.expression import ColumnRef
from pegasus_tab.sql.plan_nodes import Insert
from pegasus_tab.tabular.row_codec import Pair, RowCodec
from pegasus_tab.tabular.schema import Kind
from pegasus_tab.wire.codes import CasCheckType


class MergeWriter:
    """Writes the rows of a merging UPSERT."""

    def __init__(self, plan: Insert) -> None:
        schema = plan.table.schema
        listed = set(plan.columns)
        self._columns = schema.columns
        self._listed = [column.id in listed for column in schema.columns]
        scalars = [one for one in schema.columns if one.type.kind is not Kind.MAP]
        families = {column.family for column in scalars if column.id in listed} | {0}
        self._families = sorted(families)
        self._maps = [
            (place, column)
            for place, column in enumerate(schema.columns)
            if column.type.kind is Kind.MAP and column.id in listed
        ]
        needed = [ColumnRef(one.id, one.type) for one in scalars if one.family in families]
        needed += [ColumnRef(column.id, column.type) for _, column in self._maps]
        self._reader = RowReader(plan.table, needed)
        assert isinstance(self._reader.codec, RowCodec)  # a raw table's one value is always listed
        self._codec = self._reader.codec
        self._writer = ConditionalWriter(plan.table, self._reader, self._decide, keeps_ttl=False)

    def write(self, context: Context, rows: Iterable[tuple[FullRow, int]]) -> int:
        """Write rows given with their times to live; return how many."""
        # A row and its time to live travel as the parameters of its own target.
        targets = (
            (self._codec.key(row), Bindings((*row, ttl_seconds), context.clock))
            for row, ttl_seconds in rows
        )
        return self._writer.write(context, targets)

    def _decide(
        self, target: Target, old: RowTuple | None, pairs: Sequence[Pair], _seconds: int | None
    ) -> Change:
        (_, sort_key), bindings = target
        *given, ttl_seconds = bindings.parameters
        if old is None:
            return self._new_row(sort_key, given, pairs, ttl_seconds)
        merged = tuple(
            value if listed else kept
            for value, kept, listed in zip(given, old, self._listed, strict=True)
        )
        puts = [
            (self._codec.family_key(sort_key, family), self._codec.encode_value(merged, family))
            for family in self._families
        ]
        deletes: list[bytes] = []
        for place, column in self._maps:
            added, removed = map_changes(self._codec, sort_key, column, old[place], given[place])
            puts += added
            deletes += removed
        guard = Guard(sort_key, CasCheckType.VALUE_BYTES_EQUAL, dict(pairs)[sort_key])
        return Change(guard, puts, deletes, ttl_seconds)

    def _new_row(
        self, sort_key: bytes, given: Sequence[object], pairs: Sequence[Pair], ttl_seconds: int
    ) -> Change:
        row = tuple(
            value if listed else column.default
            for value, column, listed in zip(given, self._columns, self._listed, strict=True)
        )
        puts = self._codec.encode(row)
        # What a cut-off delete may have left of an older row must not become part of this one.
        leftovers = [key for key, _ in pairs if key not in dict(puts)]
        guard = Guard(sort_key, CasCheckType.VALUE_NOT_EXIST)
        return Change(guard, puts, leftovers, ttl_seconds)
