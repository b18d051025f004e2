"""What a replicated mutation's log record carries before its batch: its birth and a commit point.

``recover`` needs both. Sixteen bytes, little-endian: u64 born, u64 committed; the batch follows.
"""

import struct

from pegasus_tab.base.ids import Ballot, Decree

_HEAD = struct.Struct("<QQ")


def join(born: Ballot, committed: Decree, batch: bytes) -> bytes:
    """Make the body of a log record from an AppendLog and its encoded batch."""
    return _HEAD.pack(born, committed) + batch


def split(body: bytes) -> tuple[Ballot, Decree, bytes]:
    """Take the body of a log record apart.

    Returns:
        Birth, commit point, and the encoded batch.

    Raises:
        ValueError: the body is too short to be one.
    """
    if len(body) < _HEAD.size:
        raise ValueError(f"a log body of {len(body)} bytes has no room for birth and commit point")
    born, committed = _HEAD.unpack_from(body)
    return Ballot(born), Decree(committed), body[_HEAD.size :]


def content(body: bytes) -> bytes:
    """Return what (ballot, decree) names of a body: all but the commit point noted beside it (A7)."""
    return body[:8] + body[_HEAD.size :]
