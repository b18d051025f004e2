"""What a replica begins with after a restart: from its engine and log to committed and undecided."""

from collections.abc import Iterable
from dataclasses import dataclass

from pegasus_server.replication.mutation import Mutation
from pegasus_tab.base.ids import Decree


@dataclass(frozen=True, slots=True)
class Recovered:
    """What the log adds to the engine.

    Attributes:
        committed: to be applied to the engine before anything else, in this order.
        undecided: for PrepareList, in decree order, without holes; the next configuration tells
            what becomes of them.
        committed_us: timestamp of the last committed mutation, 0 if the log no longer has it.
    """

    committed: tuple[Mutation, ...]
    undecided: tuple[Mutation, ...]
    committed_us: int


def recover(durable: Decree, records: Iterable[tuple[Mutation, Decree]]) -> Recovered:
    """Sort out one replica's log records.

    Per decree the highest ballot stands (reliability reference 2.5). What follows a hole was never
    acknowledged; what was born under an earlier ballot than the mutation below was never committed:
    it is left over from a primary whose successor went another way. Everything up to the highest commit point on record is committed: a replica
    notes only commit points up to which it held, and logged, every mutation.

    Args:
        durable: decree the engine shows.
        records: mutations as they were appended, each with the ``committed`` of its AppendLog.
    """
    best: dict[Decree, Mutation] = {}
    noted = durable
    for mutation, committed in records:
        noted = max(noted, committed)
        known = best.get(mutation.decree)
        if known is None or mutation.ballot > known.ballot:
            best[mutation.decree] = mutation
    run: list[Mutation] = []
    while following := best.get(Decree(durable + len(run) + 1)):
        if run and following.born < run[-1].born:
            break
        run.append(following)
    split = min(noted - durable, len(run))
    last = best.get(Decree(durable + split))
    committed_us = 0 if last is None else last.timestamp_us
    return Recovered(tuple(run[:split]), tuple(run[split:]), committed_us)
