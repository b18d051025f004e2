"""Every RPC's way in: which partition, may it be served now, and who serves it.

The admission checks stand in the order of protocol reference 7, because their order decides which
error a client sees, and by that whether it asks meta again.
"""

import logging
from collections.abc import Mapping

from pegasus_server.runtime.answer import Client
from pegasus_server.runtime.meta_rpcs import ServeMeta
from pegasus_server.runtime.read_rpcs import READS, ServeRead, get
from pegasus_server.runtime.replica import SILENCE, LogDisk, Replica
from pegasus_server.runtime.turn import Turn
from pegasus_server.runtime.write_rpcs import WRITES, ServeWrite, put
from pegasus_server.storage.engine import EngineDamaged
from pegasus_tab.base.errors import DataError
from pegasus_tab.base.limits import PUT_ROWS_REQUEST_BYTES_MAX, WRITE_REQUEST_BYTES_MAX
from pegasus_tab.wire import codes
from pegasus_tab.wire.errors import RemoteProtocolError
from pegasus_tab.wire.frame import RequestFrame, encode_response

logger = logging.getLogger(__name__)


class Dispatch:
    """Serves the requests of all connections.

    Args:
        replicas: the partitions served here, by gpid; changed from outside.
        faults: the partitions that should be and cannot; changed from outside.
        meta: meta's RPCs.
        disk: the log's thread, asked whether it takes writes.
        turn: the node's turn.
        damaged: framework error name for requests to a partition whose data is damaged.

    Attributes:
        writes_refused: framework error name all writes get, None normally; set while the disk
            is almost full and while the node stops.
    """

    def __init__(
        self,
        replicas: Mapping[tuple[int, int], Replica],
        faults: Mapping[tuple[int, int], str],
        meta: Mapping[bytes, ServeMeta],
        disk: LogDisk,
        turn: Turn,
        damaged: str = codes.ERR_CORRUPTION,
    ) -> None:
        self._damaged = damaged
        self.writes_refused: str | None = None
        self._replicas = replicas
        self._faults = faults
        self._meta = meta
        self._disk = disk
        self._turn = turn

    def serve(self, frame: RequestFrame, client: Client) -> bool:
        """Serve one request; whatever goes wrong becomes its answer.

        Returns:
            True if the request may have taken long, so that it is worth looking at the clock.
        """
        name = frame.name
        try:
            if name == codes.GET:
                return self._read(get, frame, client)
            if name == codes.PUT:
                return self._write(put, frame, client)
            if (read := READS.get(name)) is not None:
                self._read(read, frame, client)
            elif (write := WRITES.get(name)) is not None:
                self._write(write, frame, client)
            elif (meta := self._meta.get(name)) is not None:
                meta(frame, client)
            else:
                refuse(frame, client, codes.ERR_HANDLER_NOT_FOUND)
        except (RemoteProtocolError, DataError) as error:
            logger.warning("%s refused: %s", name.decode("ascii", "replace"), error.message)
            refuse(frame, client, codes.ERR_INVALID_PARAMETERS)
        except Exception:
            logger.exception("%s failed", name.decode("ascii", "replace"))
            refuse(frame, client, codes.ERR_LOCAL_APP_FAILURE)
        return True

    def _read(self, read: ServeRead, frame: RequestFrame, client: Client) -> bool:
        replica = self._replicas.get(frame[2:4])
        if replica is None:
            self._refuse_missing(frame, client)
        elif replica.read_refusal is not None:
            refuse(frame, client, replica.read_refusal)
        else:
            try:
                reply = read(replica, frame, self._turn.now)
            except EngineDamaged as error:
                replica.fail(str(error))
                refuse(frame, client, self._damaged)
                return False
            # The lease counts now, after the engine was read (A13).
            if not replica.may_reply_read():
                refuse(frame, client, codes.ERR_INVALID_STATE)
            elif reply is not None:
                client.send(reply)
        return False

    def _write(self, write: ServeWrite, frame: RequestFrame, client: Client) -> bool:
        replica = self._replicas.get(frame[2:4])
        if replica is None:
            self._refuse_missing(frame, client)
        elif replica.write_refusal is not None:
            refuse(frame, client, replica.write_refusal)
        elif frame.end - frame.offset > WRITE_REQUEST_BYTES_MAX and not _has_room(frame):
            refuse(frame, client, codes.ERR_INVALID_DATA)
        elif self.writes_refused is not None:
            refuse(frame, client, self.writes_refused)
        elif not replica.is_taking and (replica.is_full or self._disk.refusal is not None):
            # Asked once per turn: what a turn brings is bounded by the buffer it was received in.
            refuse(frame, client, codes.ERR_CAPACITY_EXCEEDED)
        else:
            try:
                write(replica, frame, client)
            except EngineDamaged as error:
                replica.fail(str(error))
                refuse(frame, client, self._damaged)
        return False

    def _refuse_missing(self, frame: RequestFrame, client: Client) -> None:
        is_faulty = frame[2:4] in self._faults
        refuse(frame, client, self._damaged if is_faulty else codes.ERR_OBJECT_NOT_FOUND)


def _has_room(frame: RequestFrame) -> bool:
    """Tell whether a request that is larger than others may be is still not too large."""
    size = frame.end - frame.offset
    return frame.name == codes.TAB_PUT_ROWS and size <= PUT_ROWS_REQUEST_BYTES_MAX


def refuse(frame: RequestFrame, client: Client, error: str) -> None:
    """Answer a request with a framework error, or not at all if that is SILENCE."""
    # CLEAR_SCANNER is never answered, not even with an error (protocol reference 8.3).
    if error != SILENCE and frame.name != codes.CLEAR_SCANNER:
        client.send(encode_response(frame.name, frame.seqid, b"", codes.safe_error(error)))
