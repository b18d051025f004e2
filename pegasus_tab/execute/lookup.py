"""Rows by their keys: GET for rows of one pair, MULTI_GET for the rest, TTL beside them if wanted.

All requests of a statement go out pipelined, over all partitions they concern. A row is a tuple of
all columns in schema order, followed by the times to live that expressions ask for; columns that no
expression names may be left NULL when reading them would take further pairs.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias

from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.context import Context, codec_of
from pegasus_tab.execute.evaluate import RowShape
from pegasus_tab.execute.wanted import wanted_parts
from pegasus_tab.kv.methods import NO_EXPIRY
from pegasus_tab.kv.multi_get import KeysRead, RangeRead
from pegasus_tab.kv.table_calls import TableCalls
from pegasus_tab.sql.catalog import Table
from pegasus_tab.sql.expression import Expression
from pegasus_tab.tabular.row_codec import Pair, RowCodec
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.messages import MultiGetRequest

Key: TypeAlias = tuple[bytes, bytes]
"""(hash key, family 0 sort key) of a row."""
Target: TypeAlias = tuple[Key, Bindings]
"""A row, and the parameters its MAP cells are named with."""
RowTuple: TypeAlias = tuple[Any, ...]


class RowReader:
    """Reads rows of one table by their keys, with what given expressions need of them.

    Attributes:
        codec: of the table's rows.
        shape: where the rows hold columns and times to live.
        main_only: True when the family 0 pair is all that is read of a row.
    """

    def __init__(self, table: Table, expressions: Iterable[Expression]) -> None:
        schema = table.schema
        self.codec = codec_of(table)
        self._table = table
        self._families = {column.id: column.family for column in schema.columns}
        self._wanted = wanted_parts(schema, expressions)
        self.main_only = self._wanted.main_only
        width = len(schema.columns)
        self.shape = RowShape(
            columns={column.id: place for place, column in enumerate(schema.columns)},
            ttl={column: width + place for place, column in enumerate(self._wanted.ttls)},
        )

    def rows(
        self, context: Context, keys: Sequence[Key], bindings: Bindings
    ) -> list[RowTuple | None]:
        """Read rows in the order of ``keys``; None stands for one that does not exist."""
        found = self.pairs(context, [(key, bindings) for key in keys])
        rows = [self.decode(key, pairs) for key, pairs in zip(keys, found, strict=True)]
        return self.with_ttls(context, keys, rows) if self.shape.ttl else rows

    def pairs(self, context: Context, targets: Sequence[Target]) -> list[list[Pair]]:
        """Read the pairs wanted of each row, in the order of ``targets``; some may not exist."""
        calls = context.calls(self._table)
        if self.main_only:
            return self._main_pairs(context, calls, [key for key, _ in targets])
        if self._wanted.maps:
            ranges = [RangeRead(calls, self._whole_row(key), None) for key, _ in targets]
            context.drain(ranges)
            return [list(read.rows) for read in ranges]
        reads = [
            KeysRead(calls, hash_key, self._sort_keys(sort_key, bindings), no_value=False)
            for (hash_key, sort_key), bindings in targets
        ]
        return _gathered(context, reads)

    def decode(self, key: Key, pairs: Sequence[Pair]) -> RowTuple | None:
        """Return the row of ``pairs``, without times to live; None when it does not exist."""
        if not self.main_only:
            return self.codec.decode(key[0], pairs)
        return self.codec.decode_plain(*key, pairs[0][1]) if pairs else None

    def _main_pairs(
        self, context: Context, calls: TableCalls, keys: Sequence[Key]
    ) -> list[list[Pair]]:
        singles, groups = _grouped(keys)
        reads = [KeysRead(calls, hash_key, group, no_value=False) for hash_key, group in groups]
        values: dict[Key, bytes | None] = {}
        for (hash_key, _), pairs in zip(groups, _gathered(context, reads), strict=True):
            values.update(((hash_key, sort_key), value) for sort_key, value in pairs)
        found = context.results(calls.get_call(encode_key(*key)) for key in singles)
        values.update(zip(singles, found, strict=True))
        return [[] if (value := values.get(key)) is None else [(key[1], value)] for key in keys]

    def _whole_row(self, key: Key) -> MultiGetRequest:
        start, stop = self.codec.row_range(key[1])
        return MultiGetRequest(key[0], start_sortkey=start, start_inclusive=True, stop_sortkey=stop)

    def _sort_keys(self, sort_key: bytes, bindings: Bindings) -> list[bytes]:
        """Return the sort keys of the pairs wanted of one row, family 0 first."""
        assert isinstance(self.codec, RowCodec)
        sort_keys = [sort_key]
        sort_keys += [self.codec.family_key(sort_key, one) for one in self._wanted.families]
        for column, key in self._wanted.cells:
            map_key = key((), bindings)
            if map_key is not None:
                sort_keys.append(self.codec.cell_key(sort_key, column, map_key))
        return sort_keys

    # ---- times to live -----------------------------------------------------------------------

    def with_ttls(
        self, context: Context, keys: Sequence[Key], rows: Sequence[RowTuple | None]
    ) -> list[RowTuple | None]:
        """Return the rows with the wanted times to live behind their columns."""
        calls = context.calls(self._table)
        columns = list(self.shape.ttl)
        asked = (
            calls.ttl_call(encode_key(hash_key, self._pair_key(sort_key, column)))
            for hash_key, sort_key in keys
            for column in columns
        )
        seconds = context.results(asked)
        ttls = [tuple(_ttl(next(seconds)) for _ in columns) for _ in keys]
        return [None if row is None else (*row, *ttl) for row, ttl in zip(rows, ttls, strict=True)]

    def _pair_key(self, sort_key: bytes, column: int) -> bytes:
        family = self._families[column]
        return self.codec.family_key(sort_key, family) if family else sort_key


def _ttl(seconds: int | None) -> int | None:
    return None if seconds == NO_EXPIRY else seconds


def _grouped(keys: Sequence[Key]) -> tuple[list[Key], list[tuple[bytes, list[bytes]]]]:
    """Split keys into those for a GET each, and groups of several that share a hash key."""
    singles: list[Key] = []
    groups: list[tuple[bytes, list[bytes]]] = []
    for hash_key, members in groupby(sorted(keys), key=itemgetter(0)):
        sort_keys = [sort_key for _, sort_key in members]
        # An empty hash key places each row by its sort key: no request can cover two of them.
        if len(sort_keys) > 1 and hash_key:
            groups.append((hash_key, sort_keys))
        else:
            singles += [(hash_key, sort_key) for sort_key in sort_keys]
    return singles, groups


class _Gathered:
    """A KeysRead that keeps its pages."""

    def __init__(self, read: KeysRead) -> None:
        self.pairs: list[Pair] = []
        self.next_call = read.next_call
        self.closing_call = read.closing_call
        self._accept = read.accept

    def accept(self, result: object) -> None:
        self.pairs += self._accept(result)


def _gathered(context: Context, reads: Sequence[KeysRead]) -> list[list[Pair]]:
    gathering = [_Gathered(read) for read in reads]
    context.drain(gathering)
    return [read.pairs for read in gathering]
