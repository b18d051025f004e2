"""What clients asked and what they were told, in order (reliability reference 5.1).

Each operation has a call and, unless its outcome is unknown for good, a return. A *fail* is an
error raised before a decree existed: the operation did not happen. Everything else that is no
answer stays open: it may have happened, or may yet.
"""

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any, TypeAlias

from pegasus_tab.base.ids import Ballot, Decree, Gpid


@unique
class Verb(StrEnum):
    """What was asked for."""

    GET = "get"
    SET = "set"
    DELETE = "del"
    INCREMENT = "incr"
    COMPARE_AND_SET = "cas"
    MULTI_SET = "mput"
    MULTI_DELETE = "mdel"
    MULTI_GET = "mget"
    SCAN = "scan"


WHOLE_HASH_KEY = frozenset({Verb.MULTI_SET, Verb.MULTI_DELETE, Verb.MULTI_GET})
"""Verbs that concern several sort keys in one step."""
READS = frozenset({Verb.GET, Verb.MULTI_GET, Verb.SCAN})


@unique
class End(StrEnum):
    """How an operation ended."""

    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "info"


RequestId: TypeAlias = tuple[int, int]
"""(client, sequence): names an operation; also part of every value it writes."""


@dataclass(slots=True)
class Operation:
    """One operation of one client.

    Attributes:
        request_id: its name.
        gpid: the partition it went to.
        verb: what was asked for.
        hash_key: of the rows.
        sort_keys: the rows, in order; none for a scan, which reads a whole partition.
        argument: values per sort key, the increment, or (expected, new) of a compare-and-set.
        call_us: true time of the call.
        return_us: true time of the answer; None if the outcome is unknown.
        end: how it ended.
        outcome: the answer: a value or None (get), dict of rows (mget), dict of those by hash key
            (scan), new number (incr), whether it was set (cas), None otherwise.
        decree: of the mutation that carried it; 0 for reads.
        ballot: the server's when it answered.
        node: who answered.
        expires_s: second, of true time, at which what is set expires; 0 for never.
    """

    request_id: RequestId
    gpid: Gpid
    verb: Verb
    hash_key: bytes
    sort_keys: tuple[bytes, ...]
    argument: Any
    call_us: int
    return_us: int | None = None
    end: End = End.UNKNOWN
    outcome: Any = None
    decree: Decree = Decree(0)  # noqa: RUF009 - a NewType call makes no object
    ballot: Ballot = Ballot(0)  # noqa: RUF009 - a NewType call makes no object
    node: str = ""
    expires_s: int = 0


class History:
    """All operations of a run, in order of their calls."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []

    def begin(self, operation: Operation) -> Operation:
        """Note a call."""
        self.operations.append(operation)
        return operation

    @property
    def unknown(self) -> int:
        """Count the operations whose outcome nobody learned."""
        return sum(each.end is End.UNKNOWN for each in self.operations)

    def json_lines(self) -> Iterator[str]:
        """Write one line per call and per return, in order of time."""
        events: list[tuple[int, int, Operation, str]] = []
        for index, each in enumerate(self.operations):
            events.append((each.call_us, index, each, "call"))
            if each.return_us is not None:
                events.append((each.return_us, index, each, str(each.end)))
        events.sort(key=lambda event: (event[0], event[1]))
        for sequence, (time_us, _, operation, kind) in enumerate(events):
            yield json.dumps(_line(sequence, time_us, operation, kind))


def _line(sequence: int, time_us: int, operation: Operation, kind: str) -> dict[str, Any]:
    line: dict[str, Any] = {
        "i": sequence,
        "c": operation.request_id[0],
        "t": kind,
        "m": time_us * 1000,
        "op": str(operation.verb),
        "hk": _text(operation.hash_key),
        "sk": [_text(each) for each in operation.sort_keys],
        "rid": list(operation.request_id),
    }
    if kind == "call":
        line["arg"] = _plain(operation.argument)
        if operation.expires_s:
            line["expires"] = operation.expires_s
    else:
        line["out"] = _plain(operation.outcome)
        gpid, ballot = str(operation.gpid), operation.ballot
        line["srv"] = {
            "gpid": gpid,
            "ballot": ballot,
            "decree": operation.decree,
            "node": operation.node,
        }
    return line


def _text(data: bytes) -> str:
    return b64encode(data).decode()


def _plain(value: Any) -> Any:
    """Render a value as JSON knows it, bytes as base64."""
    if isinstance(value, bytes):
        return _text(value)
    if isinstance(value, dict):
        return {_text(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
