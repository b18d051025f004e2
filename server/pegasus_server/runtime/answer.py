"""An answer that is owed: to whom, to which request, and what it says once the decree is known."""

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeAlias

from pegasus_server.storage.engine import Change
from pegasus_tab.base.ids import Decree
from pegasus_tab.wire.codes import Status
from pegasus_tab.wire.thrift_struct import Struct


class Client(Protocol):
    """The connection a request came on, as far as answering it goes.

    Attributes:
        local_host: the address of ours that it reached.
    """

    local_host: str

    def send(self, reply: bytes) -> None:
        """Send a whole reply frame at the end of the turn; nothing if the client is gone."""


Answer: TypeAlias = tuple[Client, bytes, int, Callable[[Decree], Struct] | Status]
"""One write's answer: to whom, the request's RPC name and number, and the outcome.

The outcome makes the response from the decree the write got; for PUT and MULTI_PUT it is just a
status. A plain tuple because there is one for every PUT.
"""


class TurnWrites(NamedTuple):
    """The writes of one turn to one partition: the token that travels through the primary.

    Attributes:
        changes: their joined changes, in order of arrival.
        answers: what is owed for them.
    """

    changes: list[Change]
    answers: list[Answer]
