"""What the shared log holds of one replica that failed, taken out of it into one piece of its own.

A segment goes when every replica has on disk what is in it (A14). A replica that failed will never
say so before it is opened again, which a restart of the server does; were there no other copy, all
segments since would stay until then, and fill the disk. So its mutations are copied out of the
segments that are closed, and kept with the replica; the next start puts them back into the log.

The piece is one block of the log's own format (``record``), as of a segment with no other.
"""

from collections.abc import Sequence
from itertools import takewhile
from typing import Final

from pegasus_server.mutation_log.folder import LogFolder
from pegasus_server.mutation_log.mutation import ContentOf, Mutation
from pegasus_server.mutation_log.opening import read_segments
from pegasus_server.mutation_log.record import BlockPlace, decode_body, decode_head, encode_block
from pegasus_server.mutation_log.replay import ReplicaReplay, recover
from pegasus_tab.base.ids import Decree, Gpid

_ID: Final = b"remains1"
_PLACE: Final = BlockPlace(_ID, 0, 0, 0, 0)


class RemainderDamaged(Exception):  # noqa: N818 -- says what is the case
    """The bytes are no remainder of this replica, or damaged."""


def gather(
    folder: LogFolder,
    owner: tuple[str, str],
    gpid: Gpid,
    durable: Decree,
    before: int,
    content_of: ContentOf,
) -> ReplicaReplay:
    """Collect what closed segments hold of a replica above its durable decree. Blocks.

    Args:
        folder: of the log; another thread may append to it meanwhile.
        owner: ids of cluster and node, which the segments must carry.
        gpid: the replica, which logs nothing any more.
        durable: its durable decree; no segment that holds more of it may be deleted meanwhile.
        before: number of the segment being written, which is not looked at.
        content_of: what two records of one (ballot, decree) must have in common (A7).

    Raises:
        LogRefusedError: a segment cannot be read.
    """
    readings = read_segments(folder, *owner)
    closed = takewhile(lambda each: each.number < before, readings)
    return recover(closed, {gpid: durable}, content_of=content_of).replay.replicas[gpid]


def encode_remainder(mutations: Sequence[Mutation]) -> bytes:
    """Encode mutations of one replica, at least one, ascending and without a hole."""
    assert mutations, "there is no empty remainder"
    block = encode_block(_PLACE, mutations)
    return block.head + block.body


def decode_remainder(data: bytes, gpid: Gpid) -> list[Mutation]:
    """Read a remainder back.

    Raises:
        RemainderDamaged: it is damaged, or of another replica.
    """
    head = decode_head(data, 0, _ID)
    if head is None:
        raise RemainderDamaged(f"what the log held of replica {gpid} has a damaged head")
    mutations, damaged = decode_body(data, head)
    if damaged or not mutations:
        raise RemainderDamaged(f"of what the log held of replica {gpid}, a part is damaged")
    first = mutations[0].decree
    for number, each in enumerate(mutations):
        if each.gpid != gpid or each.decree != first + number:
            raise RemainderDamaged(f"what lies with replica {gpid} is of another one")
    return mutations
