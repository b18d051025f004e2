"""What evaluating a write gives: changes for the log, and the answer once they have a decree."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from pegasus_server.data.identity import ReplicaIdentity
from pegasus_server.data.overlay import PointView
from pegasus_server.data.value import (
    encode_value,
    is_expired,
    resolve_expire,
    timetag,
    user_data,
)
from pegasus_server.storage.engine import Change
from pegasus_tab.base.ids import Decree
from pegasus_tab.wire.messages_write import (
    CheckAndResponse,
    IncrResponse,
    MultiRemoveResponse,
    UpdateResponse,
)

WriteResponse: TypeAlias = UpdateResponse | MultiRemoveResponse | IncrResponse | CheckAndResponse


class Evaluation(NamedTuple):
    """A write as decided by the primary; secondaries only apply its changes.

    Attributes:
        changes: what to do to the engine, in order; empty when the write is answered with an
            error status or a failed check.
        respond: makes the answer from the decree of the mutation the write travelled in. It must
            not be given before that mutation is applied, not even for a failed check: the check
            may have read changes that are still in flight.
    """

    changes: list[Change]
    respond: Callable[[Decree], WriteResponse]


class WriteContext(NamedTuple):
    """What a write needs to know besides its request.

    Attributes:
        view: the rows, with all prepared changes on top.
        identity: the replica, for the answer.
        now: the primary's clock, seconds since 2016.
        timestamp_us: of the mutation, microseconds since 1970.
        default_ttl: of the table, seconds; 0 for none.
    """

    view: PointView
    identity: ReplicaIdentity
    now: int
    timestamp_us: int
    default_ttl: int

    def stored(self, value: bytes, expire_ts_seconds: int) -> bytes:
        """Make the stored value of a put."""
        expire = resolve_expire(expire_ts_seconds, self.now, self.default_ttl)
        return encode_value(value, expire, timetag(self.timestamp_us))

    def live(self, key: bytes) -> bytes | None:
        """Return a row's stored value, None when it is missing or expired."""
        stored = self.view.get(key)
        return None if stored is None or is_expired(stored, self.now) else stored

    def live_data(self, key: bytes) -> bytes | None:
        """Return a row's user data, None when it is missing or expired."""
        stored = self.live(key)
        return None if stored is None else user_data(stored)
