"""The model a history is checked against: one hash key as an atomic map of sort keys.

A state is a sorted tuple of (sort key, value, second of expiry). Splitting by sort key, where no
operation spans several, keeps objects small. A scan is a read of every hash key of its partition.

A row expires by the clock of whoever is primary. Within what clocks may err it may be there or not,
and may even come back, when a slower clock takes over.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import inf
from typing import TypeAlias

from pegasus_server.simulator.history import READS, WHOLE_HASH_KEY, End, Operation, RequestId, Verb
from pegasus_server.simulator.linearizability import (
    OBJECT_UNKNOWN_SHARE_MAX,
    UNKNOWN_SHARE_MAX,
    Finding,
    Observation,
    Step,
    Verdict,
    check,
)

Rows: TypeAlias = tuple[tuple[bytes, bytes, int], ...]
ObjectName: TypeAlias = tuple[bytes, bytes | None]
"""(hash key, sort key), or (hash key, None) for all its rows."""

NO_ROWS: Rows = ()
US_PER_SECOND = 1_000_000
CLOCK_ERROR_PER_CENT = 2
"""How far a second of expiry is taken to lie from true time; and one second more, for rounding."""


def step(rows: Rows, operation: Operation, is_known: bool) -> list[Rows]:
    """Apply an operation to the rows of its hash key.

    Returns:
        The rows after it; nothing if the client was told something else.
    """
    if any(expires_s for _, _, expires_s in rows):
        rows, doubtful = _by_age(rows, operation)
    else:
        doubtful = ()
    found = []
    for count in range(len(doubtful) + 1):
        for gone in combinations(doubtful, count):
            after = _step(rows, operation, gone, is_known=is_known)
            if after is not None and after not in found:
                found.append(after)
    return found


def _by_age(rows: Rows, operation: Operation) -> tuple[Rows, tuple[bytes, ...]]:
    """Return the rows that may live when an operation runs, and those it touches that may not."""
    last_us = inf if operation.return_us is None else operation.return_us
    living, doubtful = [], []
    for row in rows:
        at_us = row[2] * US_PER_SECOND
        slack_us = at_us * CLOCK_ERROR_PER_CENT // 100 + US_PER_SECOND
        if row[2] == 0 or operation.call_us <= at_us + slack_us:
            living.append(row)
            if row[2] and last_us >= at_us - slack_us and row[0] in operation.sort_keys:
                doubtful.append(row[0])
    return tuple(living), tuple(doubtful)


def _step(
    rows: Rows, operation: Operation, gone: Sequence[bytes], *, is_known: bool
) -> Rows | None:
    """Apply an operation that finds some rows expired; None if it was answered otherwise."""
    before = {key: value for key, value, _ in rows if key not in gone}
    after, outcome = _effect(before, operation)
    if is_known and outcome != operation.outcome:
        return None
    if after is before:
        return rows
    kept = {}
    if _spares(operation):
        kept = {row[0]: row for row in rows if row[0] in gone and row[0] not in after}
    for row in rows:
        if row[0] in after and after[row[0]] is before.get(row[0]):
            kept[row[0]] = row
    expires_s = operation.expires_s
    written = {key: (key, value, expires_s) for key, value in after.items() if key not in kept}
    return tuple(sorted({**kept, **written}.values()))


def _spares(operation: Operation) -> bool:
    """Tell whether an operation leaves a row that it found expired where it is."""
    return operation.verb not in (Verb.DELETE, Verb.MULTI_DELETE, Verb.SET, Verb.MULTI_SET)


def _effect(rows: dict[bytes, bytes], operation: Operation) -> tuple[dict[bytes, bytes], object]:
    """Return the rows after an operation (the same object if it changes none) and its answer."""
    sort_keys, argument = operation.sort_keys, operation.argument
    first = sort_keys[0]
    match operation.verb:
        case Verb.GET:
            return rows, rows.get(first)
        case Verb.MULTI_GET:
            return rows, {key: rows[key] for key in sort_keys if key in rows}
        case Verb.SET | Verb.MULTI_SET:
            return {**rows, **dict(zip(sort_keys, argument, strict=True))}, None
        case Verb.DELETE | Verb.MULTI_DELETE:
            return {key: value for key, value in rows.items() if key not in sort_keys}, None
        case Verb.INCREMENT:
            number = int(rows.get(first, b"0")) + argument
            return {**rows, first: b"%d" % number}, number
        case Verb.COMPARE_AND_SET:
            expected, new = argument
            if rows.get(first, b"") != expected:
                return rows, False
            return {**rows, first: new}, True
        case Verb.SCAN:
            raise AssertionError("scans are taken apart before")


def ordered_step(places: Mapping[RequestId, int]) -> Step[tuple[int, Rows]]:
    """Make a model in which the order of some writes is known: that of their decrees.

    It only asks whether *that* order explains the answers, which is all a store that numbers its
    writes may do; and it leaves a search no choice but where the reads go.

    Args:
        places: 0, 1, 2, ... for each write whose place is known.
    """

    def take(
        state: tuple[int, Rows], operation: Operation, is_known: bool
    ) -> list[tuple[int, Rows]]:
        taken, rows = state
        place = places.get(operation.request_id)
        if place is not None and place != taken:
            return []
        taken += place is not None
        return [(taken, after) for after in step(rows, operation, is_known)]

    return take


@dataclass(frozen=True, slots=True)
class ObjectFinding:
    """What the check of one object gave.

    Attributes:
        name: of the object.
        operations: how many concern it.
        unknown: how many of them have no known outcome.
        finding: of the search.
        suspects: operations the longest explanation leaves out, in order of their calls.
    """

    name: ObjectName
    operations: int
    unknown: int
    finding: Finding
    suspects: tuple[Operation, ...]


def objects(operations: Iterable[Operation]) -> Mapping[ObjectName, list[Operation]]:
    """Sort operations by the object they concern, leaving out those that did not happen."""
    happened = [each for each in operations if each.end is not End.FAIL]
    happened = [each for each in happened if each.verb is not Verb.SCAN] + _scanned(happened)
    whole = {each.hash_key for each in happened if each.verb in WHOLE_HASH_KEY}
    found: dict[ObjectName, list[Operation]] = defaultdict(list)
    for each in happened:
        name = (each.hash_key, None if each.hash_key in whole else each.sort_keys[0])
        found[name].append(each)
    return dict(sorted(found.items(), key=lambda item: (item[0][0], item[0][1] or b"")))


def _scanned(operations: Sequence[Operation]) -> list[Operation]:
    """Take scans apart into reads of every row that anything was ever done to, or that they saw."""
    scans = [each for each in operations if each.verb is Verb.SCAN and each.end is End.OK]
    if not scans:
        return []
    rows: dict[tuple[int, int], dict[bytes, set[bytes]]] = defaultdict(lambda: defaultdict(set))
    whole = {each.hash_key for each in operations if each.verb in WHOLE_HASH_KEY}
    for each in operations:
        if each.verb is not Verb.SCAN:
            rows[each.gpid][each.hash_key].update(each.sort_keys)
    for scan in scans:
        for hash_key, seen in scan.outcome.items():
            rows[scan.gpid][hash_key].update(seen)
    reads = []
    for scan in scans:
        for hash_key, sort_keys in sorted(rows[scan.gpid].items()):
            seen = scan.outcome.get(hash_key, {})
            read = replace(scan, hash_key=hash_key, sort_keys=tuple(sorted(sort_keys)))
            if hash_key in whole:
                reads.append(replace(read, verb=Verb.MULTI_GET, outcome=seen))
            else:
                reads += [
                    replace(read, verb=Verb.GET, sort_keys=(each,), outcome=seen.get(each))
                    for each in read.sort_keys
                ]
    return reads


@dataclass(frozen=True, slots=True)
class Settled:
    """What is known of the writes beside what clients were told.

    Attributes:
        happened: those that took effect.
        order: those whose place among all others is known, in that order.
    """

    happened: frozenset[RequestId]
    order: Mapping[RequestId, int]


def check_objects(
    operations: Iterable[Operation], steps_max: int, settled: Settled | None = None
) -> list[ObjectFinding]:
    """Check every object of a history.

    Args:
        operations: the history.
        steps_max: budget of each object.
        settled: what became of the writes; None if nobody knows more than the clients.
    """
    return [
        _check(name, concerned, steps_max, settled)
        for name, concerned in objects(operations).items()
    ]


def _check(
    name: ObjectName, concerned: list[Operation], steps_max: int, settled: Settled | None
) -> ObjectFinding:
    # A read nobody heard of says nothing.
    concerned = [each for each in concerned if each.end is End.OK or each.verb not in READS]
    if settled is not None:
        happened = settled.happened
        concerned = [
            each for each in concerned if each.end is End.OK or each.request_id in happened
        ]
    observations = [Observation(each.call_us, each.return_us, each) for each in concerned]
    order = {} if settled is None else settled.order
    placed = sorted(
        [each.request_id for each in concerned if each.request_id in order], key=order.__getitem__
    )
    places = {request_id: place for place, request_id in enumerate(placed)}
    finding = check(observations, (0, NO_ROWS), ordered_step(places), steps_max)
    explained = set(finding.longest)
    suspects = tuple(
        each
        for index, each in enumerate(concerned)
        if finding.verdict is not Verdict.LINEARIZABLE
        and index not in explained
        and each.return_us is not None
    )
    unknown = sum(each.end is End.UNKNOWN for each in concerned)
    return ObjectFinding(name, len(concerned), unknown, finding, suspects)


def fault_of(operations: Sequence[Operation], findings: Sequence[ObjectFinding]) -> str | None:
    """Judge a history of which nobody knows more than its clients (reliability reference 5.3).

    Args:
        operations: the history.
        findings: of ``check_objects`` without ``settled``.

    Returns:
        What is wrong, None if the history is linearizable and proves so: one with too many unknown
        outcomes explains nearly anything, and counts as failed.
    """
    for each in findings:
        if each.finding.verdict is not Verdict.LINEARIZABLE:
            return f"{each.name}: {each.finding.verdict.name} over {each.operations} operations"
        if each.unknown > OBJECT_UNKNOWN_SHARE_MAX * each.operations:
            return f"{each.name}: {each.unknown} of {each.operations} outcomes are unknown"
    unknown = sum(each.end is End.UNKNOWN for each in operations)
    if unknown > UNKNOWN_SHARE_MAX * len(operations):
        return f"{unknown} of {len(operations)} outcomes are unknown"
    return None
