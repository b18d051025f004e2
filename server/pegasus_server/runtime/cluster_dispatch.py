"""The way in of a replica server's requests: reads are answered only under a live lease."""

from collections.abc import Mapping

from pegasus_server.runtime.answer import Client
from pegasus_server.runtime.dispatch import Dispatch, refuse
from pegasus_server.runtime.hosted_replica import HostedReplica
from pegasus_server.runtime.meta_rpcs import ServeMeta
from pegasus_server.runtime.read_rpcs import ServeRead
from pegasus_server.runtime.replica import LogDisk
from pegasus_server.runtime.turn import Turn
from pegasus_server.storage.engine import EngineDamaged
from pegasus_tab.wire import codes
from pegasus_tab.wire.frame import RequestFrame


class ClusterDispatch(Dispatch):
    """Serves the requests of all connections of a replica server.

    Args:
        replicas: the partitions held here, by gpid; changed from outside.
        faults: the partitions that cannot be used; changed from outside.
        meta: meta's RPCs; none on a server that is no meta server.
        disk: the log's thread, asked whether it takes writes.
        turn: the server's turn.
    """

    def __init__(
        self,
        replicas: Mapping[tuple[int, int], HostedReplica],
        faults: Mapping[tuple[int, int], str],
        meta: Mapping[bytes, ServeMeta],
        disk: LogDisk,
        turn: Turn,
    ) -> None:
        super().__init__(replicas, faults, meta, disk, turn)
        self._hosted = replicas

    def _read(self, read: ServeRead, frame: RequestFrame, client: Client) -> bool:
        replica = self._hosted.get(frame[2:4])
        if replica is None:
            self._refuse_missing(frame, client)
        elif replica.read_refusal is not None:
            refuse(frame, client, replica.read_refusal)
        else:
            try:
                reply = read(replica, frame, self._turn.now)
            except EngineDamaged as error:
                replica.fail(str(error))
                refuse(frame, client, codes.ERR_INVALID_STATE)
                return False
            # The lease counts now, after the engine was read (A13).
            if not replica.may_reply_read():
                refuse(frame, client, codes.ERR_INVALID_STATE)
            elif reply is not None:
                client.send(reply)
        return False
