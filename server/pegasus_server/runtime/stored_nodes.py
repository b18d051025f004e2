"""Records as nodes of ZooKeeper: read many of them, decode them, cut them into transactions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

import msgspec
from twisted.internet.defer import Deferred, FirstError, gatherResults

from pegasus_server.runtime.zookeeper import ZooKeeperSession

READS_AT_ONCE = 128
TRANSACTION_BYTES_MAX = 700_000
"""Records of one transaction; ZooKeeper takes 1 MiB (jute.maxbuffer)."""

Record = TypeVar("Record")


class ContentError(Exception):
    """A node does not hold what a meta server writes there; the text names it."""


@dataclass(frozen=True, slots=True)
class StoredNode:
    """A node as it was read."""

    path: str
    data: bytes
    version: int


async def get_all(session: ZooKeeperSession, paths: Sequence[str]) -> list[StoredNode]:
    """Read many nodes, in the order given; raises KeeperError."""
    nodes: list[StoredNode] = []
    for start in range(0, len(paths), READS_AT_ONCE):
        part = paths[start : start + READS_AT_ONCE]
        asked = [Deferred.fromCoroutine(session.get(path)) for path in part]
        try:
            found = await gatherResults(asked, consumeErrors=True)
        except FirstError as first:
            raise cast("BaseException", first.subFailure.value) from first
        nodes += [StoredNode(path, *each) for path, each in zip(part, found, strict=True)]
    return nodes


def decode_node(path: str, data: bytes, kind: type[Record]) -> Record:
    """Read a record; raises ContentError."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, AssertionError) as error:
        raise ContentError(f"{path} is damaged: {error}") from error


def parts(records: Mapping[int, bytes]) -> Iterator[list[tuple[int, bytes]]]:
    """Cut records into what one transaction takes; one that is too large by itself stands alone."""
    part: list[tuple[int, bytes]] = []
    size = 0
    for key, data in records.items():
        if part and size + len(data) > TRANSACTION_BYTES_MAX:
            yield part
            part, size = [], 0
        part.append((key, data))
        size += len(data)
    if part:
        yield part
