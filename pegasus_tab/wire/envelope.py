"""The one-field struct around every argument and result (protocol reference 2.1)."""

import struct
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from pegasus_tab.wire.binary import BLOB, I64, STOP, STRUCT, cut_short, skip
from pegasus_tab.wire.errors import RemoteProtocolError
from pegasus_tab.wire.thrift_struct import Struct

_ARGUMENT_STRUCT: Final = bytes((STRUCT, 0, 1))
_ARGUMENT_I64: Final = bytes((I64.code, 0, 1))
_RESULT_STRUCT: Final = bytes((STRUCT, 0, 0))
_STOP: Final = bytes((STOP,))
_BLOB_ARGUMENT: Final = struct.Struct(">3sI")

S = TypeVar("S", bound=Struct)
T = TypeVar("T")


class Stretch(Protocol):
    """A struct's place in a buffer; request and response frames are such."""

    @property
    def body(self) -> bytes:
        """The buffer."""

    @property
    def offset(self) -> int:
        """Where the struct begins."""

    @property
    def end(self) -> int:
        """Where it ends."""


def arguments(encoded: bytes) -> bytes:
    """Wrap an encoded request struct as an args struct."""
    return _ARGUMENT_STRUCT + encoded + _STOP


def result(encoded: bytes) -> bytes:
    """Wrap an encoded response struct as a result struct."""
    return _RESULT_STRUCT + encoded + _STOP


def encode_blob_argument(value: bytes) -> bytes:
    """Make the args struct of GET, REMOVE, TTL (a key) or SORTKEY_COUNT (a hash key)."""
    return _BLOB_ARGUMENT.pack(_ARGUMENT_STRUCT, len(value)) + value + _STOP


def encode_i64_argument(value: int) -> bytes:
    """Make the args struct of CLEAR_SCANNER (a context id)."""
    return _ARGUMENT_I64 + I64.write(value) + _STOP


def decode_arguments(frame: Stretch, message: type[S]) -> S:
    """Read a request's argument.

    Args:
        frame: a request frame.
        message: the type its RPC takes.

    Returns:
        The argument.

    Raises:
        RemoteProtocolError: the args struct is not that.
    """
    return _unwrap(frame, _ARGUMENT_STRUCT, message.read)


def decode_result(frame: Stretch, message: type[S]) -> S:
    """Read a reply's result; only replies with ERR_OK have one.

    Args:
        frame: a response frame.
        message: the type its RPC answers with.

    Returns:
        The result.

    Raises:
        RemoteProtocolError: the result struct is not that.
    """
    return _unwrap(frame, _RESULT_STRUCT, message.read)


def decode_blob_argument(frame: Stretch) -> bytes:
    """Read the blob of GET, REMOVE, TTL or SORTKEY_COUNT; RemoteProtocolError if it is not one."""
    return _unwrap(frame, _ARGUMENT_STRUCT, BLOB.read)


def decode_i64_argument(frame: Stretch) -> int:
    """Read the context id of CLEAR_SCANNER; RemoteProtocolError if it is not one."""
    return _unwrap(frame, _ARGUMENT_I64, I64.read)


def _unwrap(frame: Stretch, head: bytes, read: Callable[[bytes, int, int], tuple[T, int]]) -> T:
    data, at, end = frame.body, frame.offset, frame.end
    if data[at : min(at + 3, end)] != head:
        raise RemoteProtocolError(
            f"arguments or result begin {data[at : min(at + 3, end)].hex()}, expected {head.hex()}"
        )
    value, at = read(data, at + 3, end)
    while at < end and data[at] != STOP:
        at = skip(data[at], data, at + 3, end)
    if at >= end:
        raise cut_short("arguments or result", at, end)
    if at + 1 < end:
        raise RemoteProtocolError(f"{end - at - 1} bytes too many behind arguments or result")
    return value
