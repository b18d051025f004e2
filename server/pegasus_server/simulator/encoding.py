"""Some messages between servers travel as bytes: encoded and read back by the servers' own codec.

The network carries values, because encoding all of them would take most of a run's time. A share
is enough for every kind of message to come by in every state it can be in.
"""

from pegasus_server.meta.messages import FromMeta, ToMeta
from pegasus_server.runtime.carried_batch import BatchEncoder
from pegasus_server.runtime.peer_frame import NO_PARTITION, PeerFrameReader
from pegasus_server.runtime.peer_messages import decode_message, encode_message
from pegasus_server.simulator.entropy import Stream
from pegasus_server.simulator.parcels import ReplicaParcel
from pegasus_tab.base.ids import Gpid

PER_CENT = 100


class Encoding:
    """Sends messages through the codec, now and then.

    Invariant: what arrives is encoded like what was sent.

    Args:
        share: how many of them, per cent.
        stream: draws which.
    """

    def __init__(self, share: int, stream: Stream) -> None:
        self._share = share
        self._stream = stream
        self._batches = BatchEncoder()

    def carry(self, message: object) -> object:
        """Return what the receiver gets: the message, or what its bytes say."""
        if self._stream.below(PER_CENT) >= self._share:
            return message
        if isinstance(message, ReplicaParcel):
            return ReplicaParcel(message.gpid, self._again(message.message, message.gpid))  # type: ignore[arg-type]  # of the same type
        if isinstance(message, ToMeta | FromMeta):
            return self._again(message, NO_PARTITION)
        return message

    def _again(self, message: object, gpid: Gpid) -> object:
        data = encode_message(message, gpid, self._batches)
        (frame,) = PeerFrameReader().feed(data)
        assert frame.gpid == gpid
        decoded = decode_message(frame)
        assert type(decoded) is type(message)
        assert encode_message(decoded, gpid, BatchEncoder()) == data, "the codec changed a message"
        return decoded
