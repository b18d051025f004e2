"""Durability classes: what has happened to a mutation when its write is acknowledged.

======================  ==============================================  ==========================
class                   acknowledged after                              survives
======================  ==============================================  ==========================
``sync`` (default)      fdatasync returned                              any crash or power loss
``interval:<ms>``       write() returned; fdatasync at least every ms   a crash of the process
``os``                  write() returned                                a crash of the process
======================  ==============================================  ==========================

Source: reference/reliability.md 4.
"""

from dataclasses import dataclass
from typing import Literal, Self

INTERVAL_MS_DEFAULT = 1000
INTERVAL_MS_MAX = 3_600_000


@dataclass(frozen=True, slots=True)
class Durability:
    """One durability class.

    Attributes:
        kind: the class's name.
        interval_ms: longest time between two syncs; 0 unless kind is "interval".
    """

    kind: Literal["sync", "interval", "os"]
    interval_ms: int = 0

    def __post_init__(self) -> None:
        assert (self.kind == "interval") == (self.interval_ms > 0)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the setting as an operator writes it.

        Args:
            text: ``sync``, ``os``, ``interval`` or ``interval:<ms>``.

        Raises:
            ValueError: anything else; the text says what is allowed.
        """
        name, colon, rest = text.strip().partition(":")
        if name == "sync" and not colon:
            return cls("sync")
        if name == "os" and not colon:
            return cls("os")
        if name == "interval" and not colon:
            return cls("interval", INTERVAL_MS_DEFAULT)
        if name == "interval" and rest.isascii() and rest.isdigit():
            interval_ms = int(rest)
            if 1 <= interval_ms <= INTERVAL_MS_MAX:
                return cls("interval", interval_ms)
        raise ValueError(
            f"durability is sync, os or interval:<ms> with 1 <= ms <= {INTERVAL_MS_MAX}, not {text!r}"
        )

    @property
    def warning(self) -> str | None:
        """Say what a weaker class can lose, one line for the operator at start; None for sync."""
        if self.kind == "sync":
            return None
        span = f"{self.interval_ms} ms" if self.kind == "interval" else "seconds"
        return (
            f"durability={self.text}: acknowledged writes of the last {span} are lost"
            " if the machine (not just this process) goes down"
        )

    @property
    def text(self) -> str:
        """Write the class as ``parse`` reads it."""
        return f"interval:{self.interval_ms}" if self.kind == "interval" else self.kind
