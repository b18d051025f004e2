"""Clients' requests at a replica: evaluated as the runtime does, answered with the same meaning."""

from collections.abc import Callable
from dataclasses import dataclass

from pegasus_server.data.evaluation import WriteResponse
from pegasus_server.data.identity import ReplicaIdentity
from pegasus_server.data.reads import get, multi_get
from pegasus_server.data.time_budget import TimeBudget
from pegasus_server.simulator.history import RequestId
from pegasus_server.storage.engine import Change, Engine
from pegasus_tab.base.ids import Decree
from pegasus_tab.wire.messages_read import MultiGetRequest


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


def read(
    engine: Engine, request: GetRequest | MultiGetRequest, identity: ReplicaIdentity
) -> object:
    """Answer a read from the engine; rows of the simulator never expire."""
    if isinstance(request, GetRequest):
        return get(engine, request.key, 0, identity)
    return multi_get(engine, request, 0, _UNLIMITED, identity)


_UNLIMITED = TimeBudget(lambda: 0.0)
