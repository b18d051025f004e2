"""The configurations of all partitions, changed by compare-and-set on the store (A8).

Theory of operation. A change goes to the store with the version the record must still have; until
the store confirmed it, nobody hears of it, and no other change of that partition begins. When the
outcome is unknown the record is read back before anything else: it is either the new one (the
confirmation got lost), or the old one (write again), or somebody else's, and then this meta server
no longer leads.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pegasus_server.meta.partition import PartitionRecord
from pegasus_server.meta.store_effects import PersistConfig, ReadConfig
from pegasus_server.meta.store_inputs import ConfigPersisted, ConfigRead, PersistUnknown
from pegasus_tab.base.ids import Gpid


@dataclass(frozen=True, slots=True)
class Versioned:
    """A record and the store's version of it, None while the store has none."""

    record: PartitionRecord
    version: int | None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The store holds ``after`` now; it may be spoken of."""

    gpid: Gpid
    before: PartitionRecord
    after: PartitionRecord


@dataclass(frozen=True, slots=True)
class Superseded:
    """Somebody else changed the record: this meta server does not lead any more."""

    gpid: Gpid


@dataclass(slots=True)
class _Change:
    """A change under way; ``is_reading`` while its outcome is being looked up."""

    record: PartitionRecord
    is_reading: bool = False


StoreAnswer: TypeAlias = ConfigPersisted | PersistUnknown | ConfigRead
StoreRequest: TypeAlias = PersistConfig | ReadConfig
Outcome: TypeAlias = Confirmed | Superseded


class PartitionConfigurations:
    """Every partition's record, as the store holds it.

    Invariants: a record's ballot never falls, and rises by one at most with each change; at most
    one change per partition is under way.
    """

    def __init__(self, stored: Mapping[Gpid, Versioned]) -> None:
        self._stored = dict(sorted(stored.items()))
        self._changes: dict[Gpid, _Change] = {}

    def __iter__(self) -> Iterator[Gpid]:
        return iter(self._stored)

    def __contains__(self, gpid: Gpid) -> bool:
        return gpid in self._stored

    def __len__(self) -> int:
        return len(self._stored)

    def record(self, gpid: Gpid) -> PartitionRecord:
        """Return what the store holds."""
        return self._stored[gpid].record

    def records(self) -> Iterator[tuple[Gpid, PartitionRecord]]:
        """Go through all partitions in the order they came."""
        return ((gpid, each.record) for gpid, each in self._stored.items())

    def stored(self) -> dict[Gpid, Versioned]:
        """Return every record with its version."""
        return dict(self._stored)

    @property
    def is_any_changing(self) -> bool:
        """Tell whether any change is under way."""
        return bool(self._changes)

    def is_changing(self, gpid: Gpid) -> bool:
        """Tell whether a change is under way."""
        return gpid in self._changes

    def add(self, gpid: Gpid, record: PartitionRecord) -> None:
        """Take a partition the store does not know yet; its first change will create it."""
        assert gpid not in self._stored
        self._stored[gpid] = Versioned(record, None)

    def forget(self, gpids: Iterable[Gpid]) -> None:
        """Drop partitions whose table is purged."""
        for gpid in gpids:
            self._stored.pop(gpid, None)
            self._changes.pop(gpid, None)

    def change(self, gpid: Gpid, record: PartitionRecord) -> list[StoreRequest]:
        """Begin a change."""
        before = self._stored[gpid].record
        assert gpid not in self._changes, "one change at a time"
        assert before.config.ballot <= record.config.ballot <= before.config.ballot + 1, "A8"
        self._changes[gpid] = _Change(record)
        return [self._persist(gpid)]

    def restore(self, gpid: Gpid, record: PartitionRecord) -> list[StoreRequest]:
        """Begin to write what was rebuilt of a partition, over whatever the store has of it."""
        self._stored.setdefault(gpid, Versioned(record, None))
        self._changes[gpid] = _Change(record)
        return [self._persist(gpid)]

    def _persist(self, gpid: Gpid) -> PersistConfig:
        return PersistConfig(gpid, self._changes[gpid].record, self._stored[gpid].version)

    def on_answer(self, answer: StoreAnswer) -> tuple[list[StoreRequest], Outcome | None]:
        """Take the store's answer.

        Returns:
            What to ask it next, and the outcome once there is one. Answers that nobody waits for
            (the table was purged) give neither.
        """
        change = self._changes.get(answer.gpid)
        if change is None:
            return [], None
        match answer:
            case ConfigPersisted():
                return [], self._confirm(answer.gpid, change, answer.version)
            case PersistUnknown():
                change.is_reading = True
                return [ReadConfig(answer.gpid)], None
            case ConfigRead():
                return self._on_read(answer, change)

    def _confirm(self, gpid: Gpid, change: _Change, version: int) -> Confirmed:
        before = self._stored[gpid].record
        self._stored[gpid] = Versioned(change.record, version)
        del self._changes[gpid]
        return Confirmed(gpid, before, change.record)

    def _on_read(
        self, answer: ConfigRead, change: _Change
    ) -> tuple[list[StoreRequest], Outcome | None]:
        if not change.is_reading:
            return [], None
        stored = self._stored[answer.gpid]
        if answer.version == stored.version:
            change.is_reading = False
            return [self._persist(answer.gpid)], None
        if answer.version is not None and answer.record == change.record:
            return [], self._confirm(answer.gpid, change, answer.version)
        return [], Superseded(answer.gpid)
