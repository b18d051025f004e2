"""Read, decide, write back if unchanged: the loop behind UPDATE, DELETE and merging UPSERT.

Each round reads the rows still to do, pipelined, lets the statement decide what to change, and sends
one CHECK_AND_MUTATE a row that tests the pair the decision rests on. Rows that somebody changed in
between go through another round, a bounded number of times.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from pegasus_tab.base.errors import OperationalError
from pegasus_tab.base.limits import BATCH_OPERATIONS_MAX
from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.context import Context
from pegasus_tab.execute.lookup import Key, RowReader, RowTuple, Target
from pegasus_tab.execute.put_requests import PAIR_OVERHEAD_BYTES, REQUEST_BYTES_MAX
from pegasus_tab.sql.catalog import Table
from pegasus_tab.tabular.row_codec import Pair
from pegasus_tab.wire.codes import CasCheckType, MutateOperation, Status
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.messages import CheckAndMutateRequest, Mutate

ROUNDS_MAX = 20
ROWS_PER_ROUND = 256
PAUSE_SECONDS_MAX = 0.05
"""Longest wait between two rounds."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What must still hold when the change is applied."""

    sort_key: bytes
    type: CasCheckType
    operand: bytes = b""


@dataclass(frozen=True, slots=True)
class Change:
    """What to do to one row.

    Attributes:
        guard: tested together with the change.
        puts: pairs to write.
        deletes: sort keys to remove; more than a request takes are removed ahead of the guard's.
        ttl_seconds: time to live of the pairs written; 0 is the table's default.
    """

    guard: Guard
    puts: Sequence[Pair] = ()
    deletes: Sequence[bytes] = field(default=())
    ttl_seconds: int = 0


Decision: TypeAlias = Callable[[Target, RowTuple | None, Sequence[Pair], int | None], Change | None]
"""(which row, the row or None, its pairs, its seconds to live) -> the change, None to leave it alone.

The seconds are NO_EXPIRY for a row that never expires, None for one that is gone by now, and None
for all rows of a writer that keeps no time to live.
"""


class ConditionalWriter:
    """Runs the loop for one statement.

    Args:
        table: whose rows.
        reader: reads the pairs that a decision needs.
        decide: the statement's part.
        keeps_ttl: read each row's time to live, which ``decide`` then keeps.
    """

    def __init__(
        self, table: Table, reader: RowReader, decide: Decision, *, keeps_ttl: bool
    ) -> None:
        self._table = table
        self._reader = reader
        self._decide = decide
        self._keeps_ttl = keeps_ttl

    def write(self, context: Context, targets: Iterable[Target]) -> int:
        """Change rows, in their order where one comes twice; return how many were changed.

        Raises:
            OperationalError: 40001, other writers changed the same rows again and again.
        """
        return sum(self._write_round(context, batch) for batch in _without_repeats(targets))

    def _write_round(self, context: Context, targets: list[Target]) -> int:
        changed = 0
        for round_number in range(ROUNDS_MAX):
            if round_number:
                time.sleep(_pause_seconds(round_number, context.monotonic()))
            changes = self._changes(context, targets)
            self._remove_surplus(context, changes)
            calls = context.calls(self._table)
            answers = context.writes(
                calls.check_and_mutate_call(self._request(context, target[0], change))
                for target, change in changes
            )
            targets = [
                target
                for (target, _), answer in zip(changes, answers, strict=True)
                if answer.error == Status.TRY_AGAIN
            ]
            changed += len(changes) - len(targets)
            if not targets:
                return changed
        raise OperationalError(
            f"{len(targets)} rows kept changing under this statement; {changed} were written",
            sqlstate="40001",
            hint="run the statement again, or with fewer writers on the same rows",
            retryable=True,
        )

    def _changes(self, context: Context, targets: list[Target]) -> list[tuple[Target, Change]]:
        keys = [key for key, _ in targets]
        found = self._reader.pairs(context, targets)
        rows = [self._reader.decode(key, pairs) for key, pairs in zip(keys, found, strict=True)]
        if self._reader.shape.ttl:
            rows = self._reader.with_ttls(context, keys, rows)
        ttls: Iterable[int | None] = [None] * len(targets)
        if self._keeps_ttl:
            calls = context.calls(self._table)
            ttls = context.results(calls.ttl_call(encode_key(*key)) for key in keys)
        decisions = (
            (target, self._decide(target, row, pairs, ttl))
            for target, row, pairs, ttl in zip(targets, rows, found, ttls, strict=True)
        )
        return [(target, change) for target, change in decisions if change is not None]

    def _remove_surplus(self, context: Context, changes: list[tuple[Target, Change]]) -> None:
        """Remove ahead what the guarded request has no room for; the row itself stays till then."""
        calls = context.calls(self._table)
        surplus = (
            calls.multi_remove_call(hash_key, part)
            for ((hash_key, _), _), change in changes
            for part in _surplus(change)
        )
        for _ in context.writes(surplus):
            pass

    def _request(self, context: Context, key: Key, change: Change) -> CheckAndMutateRequest:
        expiry = context.calls(self._table).expiry(change.ttl_seconds)
        steps = [Mutate(MutateOperation.DELETE, one) for one in _last_deletes(change)]
        steps += [Mutate(MutateOperation.PUT, *pair, expiry) for pair in change.puts]
        return CheckAndMutateRequest(
            hash_key=key[0],
            check_sort_key=change.guard.sort_key,
            check_type=change.guard.type,
            check_operand=change.guard.operand,
            mutate_list=steps,
        )


def _pause_seconds(round_number: int, now: float) -> float:
    """Return how long to wait before a further round, so that rivals do not meet again at once.

    Longer with each round; the microseconds of ``now`` set writers apart, who never read them alike.
    """
    return min(PAUSE_SECONDS_MAX, 0.002 * round_number) * (now * 1e6 % 1000) / 1000


def _last_deletes(change: Change) -> Sequence[bytes]:
    """Return the deletes that go with the guarded request: the first ones, the row's own among them."""
    room = BATCH_OPERATIONS_MAX - len(change.puts)
    size = sum(len(key) + len(value) + PAIR_OVERHEAD_BYTES for key, value in change.puts)
    size += len(change.guard.operand)
    for count, sort_key in enumerate(change.deletes):
        size += len(sort_key) + PAIR_OVERHEAD_BYTES
        if count and (count >= room or size > REQUEST_BYTES_MAX):
            return change.deletes[:count]
    return change.deletes


def _surplus(change: Change) -> Iterator[list[bytes]]:
    rest = change.deletes[len(_last_deletes(change)) :]
    part: list[bytes] = []
    size = 0
    for sort_key in rest:
        part.append(sort_key)
        size += len(sort_key) + PAIR_OVERHEAD_BYTES
        if len(part) == BATCH_OPERATIONS_MAX or size > REQUEST_BYTES_MAX // 2:
            yield part
            part, size = [], 0
    if part:
        yield part


def _without_repeats(targets: Iterable[Target]) -> Iterator[list[Target]]:
    """Cut targets into batches in which no row comes twice."""
    batch: dict[Key, Target] = {}
    for target in targets:
        if target[0] in batch or len(batch) == ROWS_PER_ROUND:
            yield list(batch.values())
            batch = {}
        batch[target[0]] = target
    if batch:
        yield list(batch.values())


def targets_of(keys: Iterable[Key], bindings: Bindings) -> Iterator[Target]:
    """Return the rows of one execution."""
    return ((key, bindings) for key in keys)
