"""The physical batch as bytes: the body of a mutation in the log.

One format byte, then the changes as MessagePack, a list of (key, stored value or nil) pairs. It
holds only what must happen to the engine, absolute expiries and timestamps included, so applying
it needs no clock and gives the same on every replica (A16 of reference/reliability.md 2.1).
"""

import msgspec

from pegasus_server.storage.engine import Change, PhysicalBatch

FORMAT = 1
"""Readers keep knowing every format there ever was; writers use the newest."""

_FORMAT_BYTE = bytes((FORMAT,))
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[bytes, bytes | None]]).decode


class BatchDamaged(Exception):  # noqa: N818 -- says what is the case
    """The bytes are no physical batch; the log they come from is damaged or from a newer server."""


def encode(batch: PhysicalBatch) -> bytes:
    """Write a batch as bytes.

    Args:
        batch: changes in order, may be empty.

    Returns:
        The body.
    """
    return _FORMAT_BYTE + _encode(batch)


def decode(body: bytes) -> list[Change]:
    """Read a batch back.

    Args:
        body: as made by ``encode``.

    Returns:
        The changes in order.

    Raises:
        BatchDamaged: it is something else.
    """
    if body[:1] != _FORMAT_BYTE:
        raise BatchDamaged(
            f"physical batch of format {body[0] if body else 'nothing'}, this server knows {FORMAT};"
            " start the newer server, or relearn the replica"
        )
    try:
        return _decode(memoryview(body)[1:])
    except msgspec.DecodeError as error:
        raise BatchDamaged(f"physical batch is damaged ({error}); relearn the replica") from None
