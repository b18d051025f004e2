"""What clients do under faults: a mix on few rows, every value written once, few rows at a time.

Hash keys come in generations, so that no row sees more operations than a checker can search, and
yet several clients meet on each. Every other hash key also sees operations on several of its rows.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from pegasus_server.simulator.history import Operation, RequestId, Verb
from pegasus_tab.base.errors import Error
from pegasus_tab.base.ids import Gpid
from pegasus_tab.kv import Client
from pegasus_tab.kv.call import Call, Effect
from pegasus_tab.kv.methods import RowsPage
from pegasus_tab.kv.table_calls import TableCalls
from pegasus_tab.wire.codes import CasCheckType, Status
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.messages import CheckAndResponse, CheckAndSetRequest, MultiGetRequest

HASH_KEYS: Final = 4
"""In one generation."""
GENERATION_OPERATIONS: Final = 2500
ENOUGH_OPERATIONS: Final = 1500
"""With fewer in a generation, a handful of unknown outcomes is too large a part of a row's history."""
SORT_KEYS: Final = (b"a", b"b")
COUNTER: Final = b"n"
NOWHERE: Final = Gpid(0, 0)
"""Clients need not know which partition a row is in."""

_SINGLE = {Verb.GET: 4, Verb.SET: 4, Verb.DELETE: 1, Verb.INCREMENT: 2, Verb.COMPARE_AND_SET: 2}
_MULTI = {Verb.MULTI_GET: 4, Verb.MULTI_SET: 3, Verb.MULTI_DELETE: 1}


def hash_key(generation: int, number: int) -> bytes:
    """Name a hash key."""
    return b"%d.%d" % (generation, number)


class Draws:
    """The operations of one client.

    Args:
        client: its number.
        seed: of the run.
    """

    def __init__(self, client: int, seed: int) -> None:
        self._client = client
        self._random = random.Random(f"{seed}/{client}")
        self._sequence = 0
        self._last_seen: dict[tuple[bytes, bytes], bytes] = {}

    def pause_seconds(self) -> float:
        """Draw the time until the next operation."""
        return self._random.random() * 0.004

    def draw(self, generation: int, now_us: int) -> Operation:
        """Draw the next operation."""
        self._sequence += 1
        number = self._random.randrange(HASH_KEYS)
        is_multi = number % 2 == 0 and self._random.random() < 0.5
        weights = _MULTI if is_multi else _SINGLE
        [verb] = self._random.choices(list(weights), list(weights.values()))
        key, name = hash_key(generation, number), (self._client, self._sequence)
        sort_keys, argument = self._arguments(verb, key, name)
        return Operation(name, NOWHERE, verb, key, sort_keys, argument, now_us)

    def _arguments(self, verb: Verb, key: bytes, name: RequestId) -> tuple[tuple[bytes, ...], Any]:
        value = b"v%d.%d" % name
        some = self._random.choice(SORT_KEYS)
        match verb:
            case Verb.GET | Verb.DELETE:
                return (self._random.choice((some, COUNTER)),), None
            case Verb.SET:
                return (some,), (value,)
            case Verb.INCREMENT:
                # Unique, so that a sum tells what went into it.
                return (COUNTER,), name[1] * 100 + name[0]
            case Verb.COMPARE_AND_SET:
                return (some,), (self._last_seen.get((key, some), b""), value)
            case Verb.MULTI_SET:
                return SORT_KEYS, tuple(value + b"." + each for each in SORT_KEYS)
            case Verb.MULTI_DELETE:
                return SORT_KEYS, None
            case Verb.MULTI_GET:
                return (*SORT_KEYS, COUNTER), None
            case _:
                raise AssertionError(f"{verb} is not drawn here")

    def note(self, operation: Operation) -> None:
        """Remember what was seen, for compare-and-set."""
        place = operation.hash_key, operation.sort_keys[0]
        if operation.verb is Verb.GET:
            self._last_seen[place] = operation.outcome or b""
        elif operation.verb is Verb.SET:
            self._last_seen[place] = operation.argument[0]


def last_looks(client: int, generations: int) -> Iterator[Operation]:
    """Yield reads of every row there ever was; their times are not set yet."""
    sequence = 0
    for generation in range(generations):
        for number in range(HASH_KEYS):
            is_whole = number % 2 == 0
            rows = (
                [(*SORT_KEYS, COUNTER)] if is_whole else [(each,) for each in (*SORT_KEYS, COUNTER)]
            )
            for sort_keys in rows:
                sequence += 1
                verb = Verb.MULTI_GET if is_whole else Verb.GET
                key = hash_key(generation, number)
                yield Operation((client, sequence), NOWHERE, verb, key, sort_keys, None, 0)


def perform(client: Client, calls: TableCalls, operation: Operation) -> Any:
    """Carry an operation out; return what a history keeps of the answer.

    A write is sent once: one that was repeated after its first try had happened could come behind
    another client's.

    Raises:
        Error: it may or may not have happened, see ``ambiguous``.
    """
    call = _call(calls, operation)
    if call.method.effect is not Effect.READ:
        call = replace(call, method=replace(call.method, effect=Effect.SINGLE_WRITE))
    result = client.call(call)
    if isinstance(result, Error):
        raise result
    return _outcome(operation.verb, result)


def _call(calls: TableCalls, operation: Operation) -> Call[Any]:
    argument, sort_keys, whole = operation.argument, operation.sort_keys, operation.hash_key
    key = encode_key(whole, sort_keys[0])
    match operation.verb:
        case Verb.GET:
            return calls.get_call(key)
        case Verb.SET:
            return calls.put_call(key, argument[0])
        case Verb.DELETE:
            return calls.remove_call(key)
        case Verb.INCREMENT:
            return calls.incr_call(key, argument)
        case Verb.COMPARE_AND_SET:
            return calls.check_and_set_call(_check_and_set(operation))
        case Verb.MULTI_SET:
            return calls.multi_put_call(whole, sort_keys, argument)
        case Verb.MULTI_DELETE:
            return calls.multi_remove_call(whole, sort_keys)
        case Verb.MULTI_GET:
            return calls.multi_get_call(MultiGetRequest(whole, list(sort_keys)))
        case _:
            raise AssertionError(f"{operation.verb} is not drawn here")


def _check_and_set(operation: Operation) -> CheckAndSetRequest:
    expected, new = operation.argument
    [sort_key] = operation.sort_keys
    check = CasCheckType.VALUE_BYTES_EQUAL if expected else CasCheckType.VALUE_NOT_EXIST
    return CheckAndSetRequest(
        operation.hash_key, sort_key, check, expected, False, b"", new, 0, False
    )


def _outcome(verb: Verb, result: Any) -> Any:
    match verb:
        case Verb.GET | Verb.INCREMENT:
            return result
        case Verb.COMPARE_AND_SET:
            assert isinstance(result, CheckAndResponse)
            return result.error == Status.OK
        case Verb.MULTI_GET:
            assert isinstance(result, RowsPage)
            return dict(zip(result.sort_keys, result.values, strict=True))
        case _:
            return None
