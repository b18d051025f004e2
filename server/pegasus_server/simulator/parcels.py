"""What travels over the simulated network besides the messages of meta."""

from dataclasses import dataclass
from typing import TypeAlias

from pegasus_server.replication.messages import Message
from pegasus_server.replication.mutation import Mutation
from pegasus_server.simulator.history import RequestId
from pegasus_server.storage.memory import MemoryEngine
from pegasus_tab.base.cluster import PartitionConfig
from pegasus_tab.base.ids import Ballot, Decree, Gpid

OK = ""
"""In place of an error name."""

FileContent: TypeAlias = tuple[Mutation, ...] | MemoryEngine
"""Of a private log, or of a checkpoint; nobody changes either."""


@dataclass(frozen=True, slots=True)
class ReplicaParcel:
    """A message between replicas of one partition."""

    gpid: Gpid
    message: Message


@dataclass(frozen=True, slots=True)
class ClientQuestion:
    """A request of a client, as decoded from the wire."""

    request_id: RequestId
    gpid: Gpid
    request: object


@dataclass(frozen=True, slots=True)
class ClientAnswer:
    """The answer to it.

    Attributes:
        request_id: of the question.
        error: OK, a framework error that promises nothing happened, or UNKNOWN_OUTCOME.
        response: as the data layer gives it, None with an error.
        ballot: of the server.
        decree: of the mutation, 0 for reads.
    """

    request_id: RequestId
    error: str
    response: object
    ballot: Ballot
    decree: Decree


UNKNOWN_OUTCOME = "ERR_TIMEOUT"


@dataclass(frozen=True, slots=True)
class RouteQuestion:
    """A client asks a meta server who holds a partition."""

    request_id: RequestId
    gpid: Gpid


@dataclass(frozen=True, slots=True)
class RouteAnswer:
    """The configuration, None from a server that does not know."""

    gpid: Gpid
    config: PartitionConfig | None


@dataclass(frozen=True, slots=True)
class FileQuestion:
    """A learner asks for a file."""

    gpid: Gpid
    name: str
    ticket: int


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """The file, None if it is gone."""

    gpid: Gpid
    name: str
    ticket: int
    content: FileContent | None
