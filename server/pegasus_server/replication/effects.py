"""What a replica asks its adapter to do, in the order given."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pegasus_server.replication.inputs import Change
from pegasus_tab.base.ids import Ballot, Decree


@dataclass(frozen=True, slots=True)
class AppendLog:
    """Append a mutation to the shared log; answer with LogAppended once it is on disk."""

    ballot: Ballot
    decree: Decree
    timestamp_us: int
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class Apply:
    """Apply a committed mutation to the engine, answer with Applied, then answer its clients.

    Attributes:
        decree: one above the decree applied before.
        changes: the joined physical batches.
        tokens: the ClientWrites this mutation carries, in order of arrival.
    """

    decree: Decree
    changes: Sequence[Change]
    tokens: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer these clients with a framework error; nothing was written and nothing will be."""

    error: str
    token: object


PrimaryEffect: TypeAlias = AppendLog | Apply | Refuse
