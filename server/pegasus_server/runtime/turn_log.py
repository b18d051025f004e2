"""The log as replicas see it: what they submit in one turn goes to the disk thread in one piece."""

from collections.abc import Callable
from typing import Protocol

from pegasus_server.mutation_log.mutation import Mutation
from pegasus_server.runtime.disk import GROUP_BYTES_MAX, GROUP_MUTATIONS_MAX, Entry
from pegasus_server.runtime.turn import Turn


class GroupDisk(Protocol):
    """The disk thread, as far as it is needed here; see ``DiskThread``."""

    @property
    def refusal(self) -> str | None:
        """Why new writes should be refused now, None when they are welcome."""

    def submit_group(self, entries: list[Entry]) -> None:
        """Have mutations logged, in their order; each callback is called once its own is."""


class TurnLog:
    """Collects the mutations of a turn.

    One by one, the first would wake the disk thread, which would then sync it alone while the
    others are still being made: several syncs, deliveries and rounds of replies instead of one.
    What fills a group does not wait for the turn's end.

    Args:
        disk: the log's thread.
        turn: the node's turn; mutations are submitted within one only.
    """

    def __init__(self, disk: GroupDisk, turn: Turn) -> None:
        self._disk = disk
        self._turn = turn
        self._entries: list[Entry] = []
        self._bytes = 0

    @property
    def refusal(self) -> str | None:
        """Why new writes should be refused now, None when they are welcome."""
        return self._disk.refusal

    def submit(self, mutation: Mutation, done: Callable[[], None]) -> None:
        """Have a mutation logged; ``done`` is called once it is, in the reactor's thread."""
        if not self._entries:
            self._turn.logging.append(self)
        self._entries.append((mutation, done))
        self._bytes += len(mutation.body)
        if len(self._entries) >= GROUP_MUTATIONS_MAX or self._bytes >= GROUP_BYTES_MAX:
            self.end_turn()

    def end_turn(self) -> None:
        """Hand over what was collected and not handed over yet."""
        entries, self._entries, self._bytes = self._entries, [], 0
        if entries:
            self._disk.submit_group(entries)
