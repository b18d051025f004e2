"""INSERT and UPSERT.

UPSERT of whole rows is blind: grouped puts, no read (put_stream.py). INSERT is one CHECK_AND_MUTATE a
row that passes when the row does not exist; a request can test only one key, so a statement of several
rows is not atomic, and its error says how many rows are in. An UPSERT that must keep columns it does
not list reads first (merge.py).
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from pegasus_tab.base.errors import DataError, IntegrityError, ProgrammingError
from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.context import Context, codec_of
from pegasus_tab.execute.evaluate import compile_expression
from pegasus_tab.execute.merge import MergeWriter
from pegasus_tab.execute.put_stream import WRITE_WINDOW, EncodedRow, PutStream, chunked
from pegasus_tab.execute.result import Page, ResultSet
from pegasus_tab.execute.row_input import FullRow, RowInput
from pegasus_tab.execute.strict import Evaluator
from pegasus_tab.kv.call import Call
from pegasus_tab.kv.table_calls import TableCalls
from pegasus_tab.sql.plan_nodes import Insert
from pegasus_tab.tabular.refusal import shown
from pegasus_tab.tabular.row_codec import Pair, RowCodec
from pegasus_tab.tabular.schema import Kind
from pegasus_tab.wire.codes import CasCheckType, MutateOperation, Status
from pegasus_tab.wire.messages import CheckAndMutateRequest, Mutate

DUPLICATE = "23505"

# Reading an enum's member costs 0.15 us, as much as a call, so those of every row are kept.
_PUT: Final = int(MutateOperation.PUT)
_NOT_EXIST: Final = int(CasCheckType.VALUE_NOT_EXIST)

TimedRow: TypeAlias = tuple[FullRow, int]
"""(row, time to live in seconds; 0 for the table's default)."""


class _Numbered:
    """Rows that count themselves, so that an error can say which one is at fault.

    Attributes:
        number: rows taken so far; the last one taken is the one being encoded.
        ended: True once there were no more.
    """

    def __init__(self, rows: Iterator[TimedRow]) -> None:
        self._rows = rows
        self.number = 0
        self.ended = False

    def __iter__(self) -> Iterator[TimedRow]:
        return self

    def __next__(self) -> TimedRow:
        self.number += 1
        try:
            return next(self._rows)
        except StopIteration:
            self.ended = True
            raise


class InsertExecutor:
    """A compiled Insert.

    Args:
        plan: the plan.
        query: the compiled query that feeds the rows, None for VALUES.
    """

    def __init__(self, plan: Insert, query: "Any | None" = None) -> None:
        self._plan = plan
        self._table = plan.table
        self._codec = codec_of(plan.table)
        self._input = RowInput(plan)
        self._query = query
        self._reads_itself = query is not None and _reads_itself(plan)
        self._ttl = None if plan.ttl is None else compile_expression(plan.ttl)
        self._families = _families(plan)
        self._merge = MergeWriter(plan) if plan.merge else None

    def execute(self, context: Context, bindings: Bindings) -> ResultSet:
        """Write the statement's rows."""
        return self._write(context, self._rows(context, (bindings,)))

    def execute_many(self, context: Context, executions: Iterable[Bindings]) -> ResultSet:
        """Write the rows of many executions as one stream; the rowcount is their sum."""
        return self._write(context, self._rows(context, executions), numbered=True)

    @property
    def takes_rows(self) -> bool:
        """True when each set of parameters is a row as it stands, for ``write_rows``."""
        return self._input.takes_parameters and self._ttl is None and self._query is None

    def write_rows(self, context: Context, rows: Iterable[tuple[Any, ...]]) -> ResultSet:
        """Write sets of parameters as rows, without binding each; only when ``takes_rows``.

        The row codec brings the values into their columns' form, so nothing is lost but time.
        """
        assert self.takes_rows
        complete = self._input.completed
        return self._write(context, ((complete(row), 0) for row in rows), numbered=True)

    def _write(
        self, context: Context, rows: Iterator[TimedRow], *, numbered: bool = False
    ) -> ResultSet:
        reader = _Numbered(rows)
        try:
            return ResultSet.of_change(self._written(context, reader))
        except (DataError, IntegrityError) as error:
            if numbered and not reader.ended and error.sqlstate != DUPLICATE:
                error.message = f"row {reader.number}: {error.message}"
            raise

    def _written(self, context: Context, rows: Iterator[TimedRow]) -> int:
        if self._merge is not None:
            return self._merge.write(context, rows)
        if self._plan.mode == "upsert":
            chunks = chunked(self._encoded(rows))
            stream = PutStream(context.calls(self._table), self._table, chunks)
            return stream.write(context)
        return self._insert(context, rows)

    # ---- rows --------------------------------------------------------------------------------

    def _rows(self, context: Context, executions: Iterable[Bindings]) -> Iterator[TimedRow]:
        for bindings in executions:
            ttl_seconds = time_to_live(self._ttl, bindings)
            if self._query is None:
                for row in self._input.rows(bindings):
                    yield row, ttl_seconds
            else:
                for row in self._query_rows(context, bindings):
                    yield row, ttl_seconds

    def _query_rows(self, context: Context, bindings: Bindings) -> Iterator[FullRow]:
        assert self._query is not None
        result = self._query.execute(context, bindings)
        try:
            found, wanted = len(result.columns or ()), self._input.given
            if found != wanted:
                raise ProgrammingError(
                    f"{wanted} columns, but the query has {found}", sqlstate="42601"
                )
            pages: Iterable[Page] = result.pages()
            if self._reads_itself:
                # Else a scan would come upon the rows it feeds, and never end.
                pages = list(pages)
            for page in pages:
                for row in page:
                    yield self._input.completed(row)
        finally:
            result.close()

    def _encoded(self, rows: Iterable[TimedRow]) -> Iterator[EncodedRow]:
        codec, families = self._codec, self._families
        if families == [0]:
            key, encode_value = codec.key, codec.encode_value
            for row, ttl_seconds in rows:
                hash_key, sort_key = key(row)
                yield hash_key, [(sort_key, encode_value(row))], ttl_seconds
            return
        assert isinstance(codec, RowCodec)
        for row, ttl_seconds in rows:
            hash_key, sort_key = codec.key(row)
            pairs = [
                (codec.family_key(sort_key, family), codec.encode_value(row, family))
                for family in families
            ]
            yield hash_key, pairs, ttl_seconds

    # ---- INSERT ------------------------------------------------------------------------------

    def _insert(self, context: Context, rows: Iterable[TimedRow]) -> int:
        """Write rows that do not exist yet; return how many there were of them."""
        table_calls = context.calls(self._table)
        under_way: deque[FullRow] = deque()
        stopped = False

        def calls() -> Iterator[Call[Any]]:
            for row, ttl_seconds in rows:
                if stopped:
                    return
                call = self._insert_call(table_calls, row, ttl_seconds)
                under_way.append(row)
                yield call

        inserted, duplicate = 0, None
        for response in context.writes(calls(), WRITE_WINDOW):
            row = under_way.popleft()
            if response.error == Status.OK:
                inserted += 1
            elif self._plan.mode == "insert" and duplicate is None:
                # Requests under way are still answered, so that the count is right.
                duplicate, stopped = row, True
        if duplicate is not None:
            raise self._duplicate(duplicate, inserted)
        return inserted

    def _insert_call(self, calls: TableCalls, row: FullRow, ttl_seconds: int) -> Call[Any]:
        codec = self._codec
        hash_key, sort_key = codec.key(row)
        pairs = [(sort_key, codec.encode_value(row))] if codec.plain else codec.encode(row)
        steps = puts(pairs, calls.expiry(ttl_seconds))
        # By position: names cost as much as the rest of the message.
        request = CheckAndMutateRequest(hash_key, sort_key, _NOT_EXIST, b"", steps)
        return calls.check_and_mutate_call(request)

    def _duplicate(self, row: FullRow, inserted: int) -> IntegrityError:
        others = f"; {inserted} other rows of this statement were inserted" if inserted else ""
        return IntegrityError(
            f'table "{self._table.name}" has a row with the key {self._key_text(row)} already{others}',
            sqlstate=DUPLICATE,
            hint="UPSERT overwrites it, INSERT ... ON CONFLICT DO NOTHING leaves it",
        )

    def _key_text(self, row: FullRow) -> str:
        schema = self._table.schema
        ids = [*schema.hash_key, *(part.column for part in schema.sort_key)]
        places = {column.id: place for place, column in enumerate(schema.columns)}
        names = {column.id: column.name for column in schema.columns}
        return "(" + ", ".join(f"{names[id_]} = {shown(row[places[id_]])}" for id_ in ids) + ")"


def _reads_itself(plan: Insert) -> bool:
    """Tell whether the query that feeds the rows reads the table they go to."""
    from pegasus_tab.sql.explain import sources

    return any(source.table.app_id == plan.table.app_id for source in sources(plan))


def puts(pairs: Sequence[Pair], expiry: int) -> list[Mutate]:
    """Return the steps of a CHECK_AND_MUTATE that write these pairs."""
    return [Mutate(_PUT, sort_key, value, expiry) for sort_key, value in pairs]


def time_to_live(ttl: Evaluator | None, bindings: Bindings) -> int:
    """Return the seconds of USING TTL, 0 for the table's default.

    Raises:
        DataError: 22023, it is not a positive integer.
    """
    seconds = None if ttl is None else ttl((), bindings)
    if seconds is None:
        return 0
    if type(seconds) is not int or seconds < 1:
        raise DataError(
            f"a time to live must be a positive number of seconds, not {seconds!r}",
            sqlstate="22023",
            hint="leave USING TTL out to keep the row for good",
        )
    return seconds


def _families(plan: Insert) -> list[int]:
    """Return the scalar families that a blind UPSERT writes: those of its columns, and family 0."""
    columns = {column.id: column for column in plan.table.schema.columns}
    listed = [columns[id_] for id_ in plan.columns]
    return sorted({0} | {column.family for column in listed if column.type.kind is not Kind.MAP})
