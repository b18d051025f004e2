"""A backup policy and its round under way, as they are stored."""

from dataclasses import dataclass, replace
from typing import Literal

Step = Literal["backup", "prune"]


@dataclass(frozen=True, slots=True)
class Errand:
    """One job that a round needs: back a table up, or verify that and remove what is too old."""

    table: str
    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One time that a policy is carried out, table by table.

    Invariant: no table is in ``waiting`` and ``failed`` at once, or twice in one of them.

    Attributes:
        number: counts from 1 within the policy.
        began: unix seconds.
        waiting: what is to be done, in order; the first is being done.
        failed: what failed, to be tried again once nothing waits.
        tries: how often failed errands were tried again.
        retry_at: unix seconds before which they are not.
    """

    number: int
    began: int
    waiting: tuple[Errand, ...]
    failed: tuple[Errand, ...] = ()
    tries: int = 0
    retry_at: int = 0

    def __post_init__(self) -> None:
        """Assert the invariant."""
        tables = [errand.table for errand in (*self.waiting, *self.failed)]
        assert len(tables) == len(set(tables)), self


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is backed up where, how often, and how it stands.

    Attributes:
        id: never given twice.
        name: of the policy.
        tables: names; empty for all tables there are when a round begins.
        target: folder or URL.
        every_seconds: from one round's beginning to the next, >= 1.
        keep: so many backups of a table are kept at least, >= 1.
        bytes_per_second: how fast a server writes; 0 for no limit.
        next_at: unix seconds of the next round.
        is_paused: no round begins.
        rounds: begun so far.
        round: the one under way, None between rounds.
        damaged: tables whose latest backup cannot be relied on; their next one is a full one.
        succeeded: unix seconds at which a round last ended without a fault; 0 for never.
        fault: what the last round met, or the one under way meets; empty for none.
    """

    id: int
    name: str
    tables: tuple[str, ...]
    target: str
    every_seconds: int
    keep: int
    bytes_per_second: int
    next_at: int
    is_paused: bool = False
    rounds: int = 0
    round: Round | None = None
    damaged: tuple[str, ...] = ()
    succeeded: int = 0
    fault: str = ""

    def with_table_damaged(self, table: str, *, is_damaged: bool) -> "Policy":
        """Return the policy with a table marked, or not any more."""
        others = tuple([each for each in self.damaged if each != table])
        return replace(self, damaged=(*others, table) if is_damaged else others)


@dataclass(frozen=True, slots=True)
class StoredPolicies:
    """All policies of a cluster: one record, so that each change is one write.

    Attributes:
        last_id: the highest id given so far.
        policies: in order of their making.
    """

    last_id: int = 0
    policies: tuple[Policy, ...] = ()
