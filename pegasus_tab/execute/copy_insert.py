"""COPY ... FROM with ON_CONFLICT ignore and fail: rows whose keys do not exist, one by one.

Each row is one CHECK_AND_MUTATE, as INSERT is. When a load with ``fail`` ends early, rows behind those
that the state file counts as done may be written. The state file says how far that can go before they
are sent; a further run compares the rows up to there that exist by their values, and those that are
equal are its own.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from pegasus_tab.base.errors import IntegrityError
from pegasus_tab.execute.context import Context
from pegasus_tab.execute.insert import DUPLICATE, puts
from pegasus_tab.execute.put_stream import WRITE_WINDOW
from pegasus_tab.kv.call import Call
from pegasus_tab.sql.plan_nodes import CopyFrom
from pegasus_tab.tabular.row_codec import Pair
from pegasus_tab.wire.codes import CasCheckType, Status
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.messages import CheckAndMutateRequest

if TYPE_CHECKING:
    from pegasus_tab.load.ready import ReadyBatch


class _Sent(NamedTuple):
    """A row that was sent; without pairs it stands for the end of its batch.

    Attributes:
        batch: where it is from.
        row: its number there.
        hash_key: of its pairs.
        pairs: what was to be written, main pair first.
    """

    batch: "ReadyBatch"
    row: int
    hash_key: bytes = b""
    pairs: Sequence[Pair] = ()


class RowInserter:
    """Writes the rows of one load.

    Args:
        context: of the statement.
        plan: likewise.
        begin: called before the first row of a batch is sent.
        done: called once all rows of a batch, and so of all before it, are answered; with the number of
            those that were written.

    Attributes:
        written: rows written of batches that are not done.
        existing: rows left out as their keys exist.
        repeated: rows left out as an earlier run wrote them.
    """

    def __init__(
        self,
        context: Context,
        plan: CopyFrom,
        begin: "Callable[[ReadyBatch], None]",
        done: "Callable[[ReadyBatch, int], None]",
    ) -> None:
        self._context = context
        self._calls = context.calls(plan.table)
        self._plan = plan
        self._begin = begin
        self._done = done
        self._under_way: deque[_Sent] = deque()
        self.written = 0
        self.existing = 0
        self.repeated = 0

    def write(self, batches: "Iterator[ReadyBatch]") -> None:
        """Write everything.

        Raises:
            IntegrityError: 23505, a row's key exists and the plan says fail.
            Error: what one of the requests met.
        """
        for response in self._context.writes(self._row_calls(batches), WRITE_WINDOW):
            self._settle()
            sent = self._under_way.popleft()
            if response.error == Status.OK:
                self.written += 1
            elif self._plan.on_conflict == "ignore":
                self.existing += 1
            elif self._is_doubtful(sent.batch, sent.row) and self._is_there(sent):
                self.repeated += 1
            else:
                raise self._duplicate(sent)
        self._settle()

    def _settle(self) -> None:
        while self._under_way and not self._under_way[0].pairs:
            batch = self._under_way.popleft().batch
            written, self.written = self.written, 0
            self._done(batch, written)

    def _row_calls(self, batches: "Iterator[ReadyBatch]") -> Iterator[Call[Any]]:
        absent = int(CasCheckType.VALUE_NOT_EXIST)
        expiry = self._calls.expiry(self._plan.ttl_seconds)
        for batch in batches:
            self._begin(batch)
            for sent in _rows(batch):
                request = CheckAndMutateRequest(
                    sent.hash_key, sent.pairs[0][0], absent, b"", puts(sent.pairs, expiry)
                )
                self._under_way.append(sent)
                yield self._calls.check_and_mutate_call(request)
            self._under_way.append(_Sent(batch, -1))

    def _is_doubtful(self, batch: "ReadyBatch", row: int) -> bool:
        return batch.numbers.place(row) < batch.doubtful

    def _is_there(self, sent: _Sent) -> bool:
        """Tell whether the table has the very values of a row."""
        reads = (self._calls.get_call(encode_key(sent.hash_key, key)) for key, _ in sent.pairs)
        return [*self._context.results(reads)] == [value for _, value in sent.pairs]

    def _duplicate(self, sent: _Sent) -> IntegrityError:
        number = sent.batch.numbers.of(sent.row)
        return IntegrityError(
            f'{sent.batch.name}: row {number}: table "{self._plan.table.name}" has a '
            "row with its key already",
            sqlstate=DUPLICATE,
            hint="ON_CONFLICT upsert overwrites it, ON_CONFLICT ignore leaves it",
        )


def _rows(batch: "ReadyBatch") -> Iterator[_Sent]:
    from pegasus_tab.tabular.arrow_encoded import as_lists

    for part in batch.parts:
        hash_keys, sort_keys, values, owners = as_lists(part.pairs)
        count = part.batch.num_rows
        starts = range(count + 1) if owners is None else _starts(owners, count)
        for row, (start, end) in enumerate(pairwise(starts)):
            pairs = list(zip(sort_keys[start:end], values[start:end], strict=True))
            yield _Sent(batch, part.first + row, hash_keys[start], pairs)


def _starts(owners: Sequence[int], rows: int) -> list[int]:
    """Return where the pairs of each row begin, and the end of the last."""
    starts = [0] * rows + [len(owners)]
    for place in range(len(owners) - 1, -1, -1):
        starts[owners[place]] = place
    return starts
