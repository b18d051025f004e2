"""The engine as it will be once every prepared mutation is applied: what writes are evaluated on.

INCR and CHECK_AND_* read before they write. Reading the engine alone would miss the mutations that
are prepared and not yet applied, and two of them in flight would both start from the old value.
"""

from collections.abc import Sequence
from typing import Protocol

from pegasus_server.storage.engine import Change


class PointView(Protocol):
    """Something that can be asked for one row: an engine, or the overlay over it."""

    def get(self, key: bytes) -> bytes | None:
        """Return the stored value (header included), or None."""


class Overlay:
    """An engine with the prepared, not yet applied changes on top.

    Invariant: ``_prepared`` holds, for each key with changes in flight, their values in order; a
    key without any is not in it.

    Args:
        engine: what is applied already.
    """

    def __init__(self, engine: PointView) -> None:
        self._engine = engine
        self._prepared: dict[bytes, list[bytes | None]] = {}

    def get(self, key: bytes) -> bytes | None:
        """Return the value the key will have once all prepared changes are applied."""
        values = self._prepared.get(key)
        return self._engine.get(key) if values is None else values[-1]

    def prepare(self, changes: Sequence[Change]) -> None:
        """Put changes on top, in order."""
        prepared = self._prepared
        for key, value in changes:
            values = prepared.get(key)
            if values is None:
                prepared[key] = [value]
            else:
                values.append(value)

    def settle(self, changes: Sequence[Change]) -> None:
        """Take off the oldest changes, which the engine has applied now."""
        for key, value in changes:
            values = self._prepared[key]
            settled = values.pop(0)
            assert settled == value, "changes settle in the order they were prepared"
            if not values:
                del self._prepared[key]

    def withdraw(self, changes: Sequence[Change]) -> None:
        """Take off the newest changes, which will never happen (their mutation was refused).

        Nothing may have been evaluated on top of them, except what is withdrawn with them.
        """
        for key, value in reversed(changes):
            values = self._prepared[key]
            withdrawn = values.pop()
            assert withdrawn == value, "only the newest changes can be withdrawn"
            if not values:
                del self._prepared[key]
