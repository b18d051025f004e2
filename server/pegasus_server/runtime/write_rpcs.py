"""The write RPCs (protocol reference 6.6): from a frame to a write of a replica."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from pegasus_server.runtime.answer import Client
from pegasus_server.runtime.replica import Replica
from pegasus_tab.wire import codes, fast
from pegasus_tab.wire.frame import RequestFrame
from pegasus_tab.wire.messages import (
    CheckAndSetRequest,
    IncrRequest,
    MultiRemoveRequest,
    TabPutRowsRequest,
    decode_arguments,
    decode_blob_argument,
)

ServeWrite = Callable[[Replica, RequestFrame, Client], None]


def put(replica: Replica, frame: RequestFrame, client: Client) -> None:
    """PUT, without message objects."""
    key, value, expire = fast.decode_put(frame)
    replica.put(key, value, expire, frame.seqid, client)


def _multi_put(replica: Replica, frame: RequestFrame, client: Client) -> None:
    replica.multi_put(fast.decode_multi_put(frame), frame, client)


def _remove(replica: Replica, frame: RequestFrame, client: Client) -> None:
    replica.write(decode_blob_argument(frame), frame, client)


def _check_and_mutate(replica: Replica, frame: RequestFrame, client: Client) -> None:
    replica.write(fast.decode_check_and_mutate(frame), frame, client)


def _write(
    request_type: type[MultiRemoveRequest | IncrRequest | CheckAndSetRequest | TabPutRowsRequest],
    replica: Replica,
    frame: RequestFrame,
    client: Client,
) -> None:
    replica.write(decode_arguments(frame, request_type), frame, client)


WRITES: Final[Mapping[bytes, ServeWrite]] = {
    codes.PUT: put,
    codes.REMOVE: _remove,
    codes.MULTI_PUT: _multi_put,
    codes.MULTI_REMOVE: partial(_write, MultiRemoveRequest),
    codes.INCR: partial(_write, IncrRequest),
    codes.CHECK_AND_SET: partial(_write, CheckAndSetRequest),
    codes.CHECK_AND_MUTATE: _check_and_mutate,
    codes.TAB_PUT_ROWS: partial(_write, TabPutRowsRequest),
}
