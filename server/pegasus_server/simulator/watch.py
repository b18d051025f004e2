"""The witness of a world: writes the trace and asks the judges."""

from collections.abc import Sequence
from zlib import crc32

from pegasus_server.replication.mutation import Change
from pegasus_server.simulator.clock import Clock
from pegasus_server.simulator.history import RequestId
from pegasus_server.simulator.judges import Judges
from pegasus_server.simulator.trace import Trace
from pegasus_tab.base.cluster import ReplicaStatus
from pegasus_tab.base.ids import Ballot, Decree, Gpid


class Watch:
    """Hears of everything; the line is written before a judge may end the run.

    Args:
        clock: true time.
        trace: where lines go.
        judges: whom to ask.
    """

    def __init__(self, clock: Clock, trace: Trace, judges: Judges) -> None:
        self._clock = clock
        self._trace = trace
        self._judges = judges

    def note(self, line: str) -> None:
        """Write a line."""
        self._trace.note(self._clock.now_us, line)

    def note_life(self, node: str, event: str) -> None:
        """See Witness."""
        self.note(f"{node} {event}")

    def note_logged(
        self, node: str, gpid: Gpid, ballot: Ballot, decree: Decree, timestamp_us: int, body: bytes
    ) -> None:
        """See Witness."""
        self.note(f"{node} {gpid} log {ballot}.{decree} {crc32(body):08x}")
        self._judges.note_logged(node, gpid, ballot, decree, timestamp_us, body)

    def note_carried(
        self,
        gpid: Gpid,
        decree: Decree,
        changes: Sequence[Change],
        request_ids: Sequence[RequestId],
    ) -> None:
        """See Witness."""
        self.note(f"{gpid} decree {decree} carries {request_ids}")
        self._judges.note_carried(gpid, decree, changes, request_ids)

    def note_applied(
        self, node: str, gpid: Gpid, decree: Decree, changes: Sequence[Change]
    ) -> None:
        """See Witness."""
        self.note(f"{node} {gpid} apply {decree}")
        self._judges.note_applied(node, gpid, decree, changes)

    def note_status(self, node: str, gpid: Gpid, status: ReplicaStatus, ballot: Ballot) -> None:
        """See Witness."""
        self.note(f"{node} {gpid} {status} ballot {ballot}")
        self._judges.note_status(node, gpid, status, ballot)

    def note_read(self, node: str, gpid: Gpid, ballot: Ballot, decree: Decree) -> None:
        """See Witness."""
        self.note(f"{node} {gpid} read ballot {ballot} decree {decree}")
        self._judges.note_read(node, gpid, ballot, decree)

    def note_acknowledged(self, node: str, gpid: Gpid, decree: Decree) -> None:
        """See Witness."""
        self.note(f"{node} {gpid} acknowledges {decree}")
        self._judges.note_acknowledged(gpid, decree)
