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
    """

    committed: tuple[Mutation, ...]
    undecided: tuple[Mutation, ...]


def recover(durable: Decree, records: Iterable[tuple[Mutation, Decree]]) -> Recovered:
    """Sort out one replica's log records.

    Per decree the highest ballot stands (reliability reference 2.5). What follows a hole was never
    acknowledged. Everything up to the highest commit point on record is committed: a replica
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
        run.append(following)
    split = min(noted - durable, len(run))
    return Recovered(tuple(run[:split]), tuple(run[split:]))
