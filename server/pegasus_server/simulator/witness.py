"""What the simulator sees of the servers' doings; the judges implement it."""

from collections.abc import Sequence
from typing import Protocol

from pegasus_server.replication.mutation import Change
from pegasus_server.simulator.history import RequestId
from pegasus_tab.base.cluster import ReplicaStatus
from pegasus_tab.base.ids import Ballot, Decree, Gpid


class Witness(Protocol):
    """Hears of everything a judge might want to know; it changes nothing."""

    def note_life(self, node: str, event: str) -> None:
        """A process started, died, stopped or went on."""

    def note_logged(
        self, node: str, gpid: Gpid, ballot: Ballot, decree: Decree, timestamp_us: int, body: bytes
    ) -> None:
        """A replica asked for a mutation to be logged."""

    def note_applied(
        self,
        node: str,
        gpid: Gpid,
        decree: Decree,
        changes: Sequence[Change],
    ) -> None:
        """A replica is about to apply a mutation."""

    def note_carried(
        self,
        gpid: Gpid,
        decree: Decree,
        changes: Sequence[Change],
        request_ids: Sequence[RequestId],
    ) -> None:
        """A primary gave these clients' writes a decree; the mutation may or may not commit."""

    def note_status(self, node: str, gpid: Gpid, status: ReplicaStatus, ballot: Ballot) -> None:
        """A replica is something else now."""

    def note_read(self, node: str, gpid: Gpid, ballot: Ballot, decree: Decree) -> None:
        """A primary answered a read from an engine that shows ``decree``."""

    def note_acknowledged(self, node: str, gpid: Gpid, decree: Decree) -> None:
        """A primary answered the writes of a decree."""
