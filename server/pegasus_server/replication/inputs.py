"""What can happen to a replica: the inputs of its state machine (``step(input) -> effects``)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pegasus_tab.base.ids import Decree

Change: TypeAlias = tuple[bytes, bytes | None]
"""One change of a physical batch, as the storage engine takes it; opaque here."""


@dataclass(frozen=True, slots=True)
class ClientWrites:
    """Writes of one turn, already evaluated into one physical batch.

    Attributes:
        changes: the physical batch, in order; batches are joined end to end. May be empty.
        bytes: size of its keys and values.
        operations: how many client requests it answers, >= 1.
        token: names these writes to the adapter; comes back in Apply and Refuse.
    """

    changes: Sequence[Change]
    bytes: int
    operations: int
    token: object


@dataclass(frozen=True, slots=True)
class LogAppended:
    """The disk answered: the mutation with this decree is on disk to the configured class."""

    decree: Decree


@dataclass(frozen=True, slots=True)
class Applied:
    """The engine applied this decree; the write is visible to reads."""

    decree: Decree


PrimaryInput: TypeAlias = ClientWrites | LogAppended | Applied
