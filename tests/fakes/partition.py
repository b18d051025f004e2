"""A partition of a table in memory, for tests of what the data RPCs mean."""

from typing import Any

from pegasus_server.data.identity import ReplicaIdentity
from pegasus_server.data.overlay import Overlay
from pegasus_server.data.time_budget import TimeBudget
from pegasus_server.data.value import encode_value, expire_of, user_data
from pegasus_server.data.writes import WriteRequest, evaluate
from pegasus_server.storage.engine import ROW_KEYS_END, Change
from pegasus_server.storage.memory import MemoryEngine
from pegasus_tab.base.ids import Decree, Gpid
from pegasus_tab.wire.keys import decode_key, encode_key


class Partition:
    """An engine with rows put in by name, writes that are applied at once, and a clock by hand."""

    def __init__(self) -> None:
        self.engine = MemoryEngine()
        self.identity = ReplicaIdentity(Gpid(2, 3), "127.0.0.1:34801")
        self.now = 1000
        self.timestamp_us = 1_700_000_000_000_000
        self.default_ttl = 0
        self.seconds = 0.0

    def put(self, hash_key: bytes, sort_key: bytes, value: bytes, expire: int = 0) -> None:
        stored = encode_value(value, expire, 0)
        self.apply([(encode_key(hash_key, sort_key), stored)])

    def apply(self, changes: list[Change]) -> Decree:
        decree = Decree(self.engine.applied_decree + 1)
        self.engine.apply(changes, decree)
        return decree

    def write(self, request: WriteRequest) -> Any:
        """Evaluate and apply; the class of the answer follows from the request's."""
        evaluation = evaluate(
            request,
            Overlay(self.engine),
            self.identity,
            self.now,
            self.timestamp_us,
            self.default_ttl,
        )
        return evaluation.respond(self.apply(evaluation.changes))

    def rows(self) -> dict[tuple[bytes, bytes], tuple[bytes, int]]:
        """All stored rows, expired ones too: (hash key, sort key) -> (user data, expiry)."""
        return {
            decode_key(key): (user_data(stored), expire_of(stored))
            for key, stored in self.engine.scan(b"", ROW_KEYS_END)
        }

    def budget(self, seconds_max: float = 30.0) -> TimeBudget:
        return TimeBudget(lambda: self.seconds, seconds_max)

    def budget_of_looks(self, looks: int) -> TimeBudget:
        """Make a budget that is spent at the given look at its clock, counted from 1."""
        seconds = iter([0.0] * looks)
        return TimeBudget(lambda: next(seconds, 100.0), 30.0)
