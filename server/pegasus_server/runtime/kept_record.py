"""A replica's side file as several threads change it: flushes and ballots do not wait for each other."""

import threading
from pathlib import Path

from msgspec.structs import replace

from pegasus_server.storage.side_file import ReplicaRecord, write_side_file
from pegasus_tab.base.ids import Ballot, Decree, Signature


class KeptRecord:
    """What a replica remembers outside its engine, on disk. Every call blocks; any thread.

    Invariant: the file holds what the last call that returned put there.

    Args:
        path: the side file.
        record: what it holds.
    """

    def __init__(self, path: Path, record: ReplicaRecord) -> None:
        self._path = path
        self._record = record
        self._lock = threading.Lock()

    def note_ballot(self, ballot: Ballot, signature: Signature, *, suspect: bool) -> None:
        """Remember what a PersistBallot bears (A6).

        Raises:
            OSError: the disk refused; the old record is still there.
        """
        with self._lock:
            self._write(replace(self._record, ballot=ballot, signature=signature, suspect=suspect))

    def note_durable(self, durable: Decree) -> None:
        """Remember up to where the engine is on disk; only after its flush returned.

        Raises:
            OSError: the disk refused; the old record is still there.
        """
        with self._lock:
            self._write(replace(self._record, durable_decree=durable))

    def _write(self, record: ReplicaRecord) -> None:
        write_side_file(self._path, record)
        self._record = record
