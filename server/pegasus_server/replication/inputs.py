"""What can happen to a replica: the inputs of its state machine (``step(input) -> effects``)."""

from dataclasses import dataclass
from typing import TypeAlias

from pegasus_tab.base.ids import Decree


@dataclass(frozen=True, slots=True)
class ClientWrites:
    """Writes of one turn, already evaluated into one physical batch.

    Attributes:
        body: the encoded physical batch; opaque here, but bodies may be joined end to end.
        operations: how many client requests it answers, >= 1.
        token: names these writes to the adapter; comes back in Apply and Refuse.
    """

    body: bytes
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
