"""The read RPCs (protocol reference 6.5, 8): from a frame to the reply's bytes."""

from collections.abc import Callable, Mapping
from typing import Final

from pegasus_server.data.value import is_expired, user_data
from pegasus_server.runtime.replica import Replica
from pegasus_tab.wire import fast
from pegasus_tab.wire.codes import Status
from pegasus_tab.wire.frame import RequestFrame

ServeRead = Callable[[Replica, RequestFrame, int], bytes]


def get(replica: Replica, frame: RequestFrame, now: int) -> bytes:
    """GET: the one read with a path of its own, for speed."""
    stored = replica.engine.get(fast.decode_get(frame))
    gpid, server = replica.identity
    if stored is None or is_expired(stored, now):
        return fast.get_response(frame.seqid, Status.NOT_FOUND, b"", gpid, server)
    return fast.get_response(frame.seqid, Status.OK, user_data(stored), gpid, server)


READS: Final[Mapping[bytes, ServeRead]] = {}
