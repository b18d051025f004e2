"""Clients' requests at a replica: evaluated as the runtime does, answered with the same meaning."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from pegasus_server.data.evaluation import WriteResponse
from pegasus_server.data.identity import ReplicaIdentity
from pegasus_server.data.reads import get, multi_get
from pegasus_server.data.scan_context import begin_scan
from pegasus_server.data.time_budget import TimeBudget
from pegasus_server.simulator.history import RequestId
from pegasus_server.storage.engine import Change, Engine
from pegasus_tab.base.ids import Decree
from pegasus_tab.wire.messages_read import MultiGetRequest
from pegasus_tab.wire.messages_scan import GetScannerRequest


@dataclass(frozen=True, slots=True)
class GetRequest:
    """GET of an encoded key; a name for what is bare bytes on the wire."""

    key: bytes


@dataclass(frozen=True, slots=True)
class WriteToken:
    """A client's write inside a mutation.

    Attributes:
        client: whom to answer.
        request_id: what.
        changes: as evaluated.
        respond: makes the answer.
    """

    client: str
    request_id: RequestId
    changes: list[Change]
    respond: Callable[[Decree], WriteResponse]


ReadRequest: TypeAlias = GetRequest | MultiGetRequest | GetScannerRequest


def read(engine: Engine, request: ReadRequest, identity: ReplicaIdentity, now: int) -> object:
    """Answer a read from the engine.

    Args:
        engine: the rows.
        request: what is asked; a scan must fit into one page.
        identity: the replica, for the answer.
        now: the primary's clock, seconds.
    """
    match request:
        case GetRequest():
            return get(engine, request.key, now, identity)
        case MultiGetRequest():
            return multi_get(engine, request, now, _UNLIMITED, identity)
        case GetScannerRequest():
            page, rest = begin_scan(request, None).step(engine, now, _UNLIMITED)
            assert rest is None, "a scan of the simulator fits into one page"
            return page.response(identity)


_UNLIMITED = TimeBudget(lambda: 0.0)
