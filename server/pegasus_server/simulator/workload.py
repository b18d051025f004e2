"""What clients ask for: a mix of reads and writes on few rows, every value written only once.

Unique values make a history easy to judge: a value read tells which write it came from. Numbers
live in sort keys of their own, so that an increment never meets text.
"""

from typing import Any

from pegasus_server.simulator.client_writes import GetRequest
from pegasus_server.simulator.entropy import Stream
from pegasus_server.simulator.history import Operation, RequestId, Verb
from pegasus_server.simulator.knobs import Knobs
from pegasus_server.storage.engine import ROW_KEYS_END
from pegasus_tab.base.ids import Gpid
from pegasus_tab.wire.codes import CasCheckType, Status
from pegasus_tab.wire.keys import decode_key, encode_key
from pegasus_tab.wire.messages_read import KeyValue, MultiGetRequest, MultiGetResponse, ReadResponse
from pegasus_tab.wire.messages_scan import GetScannerRequest, ScanResponse
from pegasus_tab.wire.messages_write import (
    CheckAndResponse,
    CheckAndSetRequest,
    IncrRequest,
    IncrResponse,
    MultiPutRequest,
    MultiRemoveRequest,
    UpdateRequest,
)
from pegasus_tab.wire.partition_hash import partition_index

APP_ID = 1
SORT_KEYS = (b"a", b"b", b"c")
COUNTER = b"n"
EXPIRY_SECONDS_MAX = 15
SCAN_ROWS_MAX = 1000
US_PER_SECOND = 1_000_000

_SINGLE_WRITES = (
    (Verb.SET, 5),
    (Verb.DELETE, 1),
    (Verb.INCREMENT, 2),
    (Verb.COMPARE_AND_SET, 2),
)
_MULTI_WRITES = ((Verb.MULTI_SET, 3), (Verb.MULTI_DELETE, 1))


class Workload:
    """Draws the operations of one client.

    Args:
        knobs: of the world.
        stream: of the client.
    """

    def __init__(self, knobs: Knobs, stream: Stream) -> None:
        self._knobs = knobs
        self._stream = stream
        self._last_seen: dict[tuple[bytes, bytes], bytes] = {}

    def draw(self, request_id: RequestId, now_us: int) -> Operation:
        """Draw the next operation."""
        stream, knobs = self._stream, self._knobs
        number = stream.below(knobs.hash_keys)
        hash_key = b"h%d" % number
        gpid = Gpid(APP_ID, partition_index(hash_key, b"", knobs.partitions))
        # Only every other hash key sees operations that span its rows; the rest split by row.
        is_multi = number % 2 == 0 and stream.below(100) < knobs.multi_share
        is_read = stream.below(100) < knobs.read_share
        if is_read and stream.below(100) < knobs.scan_share:
            return Operation(request_id, gpid, Verb.SCAN, b"", (), None, now_us)
        if is_read:
            verb = Verb.MULTI_GET if is_multi else Verb.GET
        else:
            verb = stream.weighted(_MULTI_WRITES if is_multi else _SINGLE_WRITES)
        sort_keys, argument = self._arguments(verb, hash_key, request_id)
        operation = Operation(request_id, gpid, verb, hash_key, sort_keys, argument, now_us)
        if verb is Verb.SET and stream.below(100) < knobs.expiry_share:
            operation.expires_s = now_us // US_PER_SECOND + stream.between(1, EXPIRY_SECONDS_MAX)
        return operation

    def _arguments(
        self, verb: Verb, hash_key: bytes, request_id: RequestId
    ) -> tuple[tuple[bytes, ...], Any]:
        stream = self._stream
        value = b"v%d.%d" % request_id
        match verb:
            case Verb.GET:
                return (stream.choice((*SORT_KEYS, COUNTER)),), None
            case Verb.SET:
                return (stream.choice(SORT_KEYS),), (value,)
            case Verb.DELETE:
                return (stream.choice((*SORT_KEYS, COUNTER)),), None
            case Verb.INCREMENT:
                # Unique, so that a sum tells what went into it.
                return (COUNTER,), request_id[1] * 100 + request_id[0]
            case Verb.COMPARE_AND_SET:
                sort_key = stream.choice(SORT_KEYS)
                return (sort_key,), (self._last_seen.get((hash_key, sort_key), b""), value)
            case Verb.MULTI_SET:
                chosen = tuple(stream.subset(SORT_KEYS, 2))
                return chosen, tuple(value + b"." + key for key in chosen)
            case Verb.MULTI_DELETE:
                return tuple(stream.subset(SORT_KEYS, 2)), None
            case _:
                return (*SORT_KEYS, COUNTER), None

    def note(self, operation: Operation) -> None:
        """Remember what was read, for compare-and-set."""
        if operation.verb is Verb.GET:
            self._last_seen[operation.hash_key, operation.sort_keys[0]] = operation.outcome or b""
        elif operation.verb is Verb.SET:
            self._last_seen[operation.hash_key, operation.sort_keys[0]] = operation.argument[0]


def request_of(operation: Operation) -> object:
    """Return what goes over the wire, decoded."""
    if operation.verb is Verb.SCAN:
        return GetScannerRequest(stop_key=ROW_KEYS_END, batch_size=SCAN_ROWS_MAX, full_scan=True)
    hash_key, sort_keys, argument = operation.hash_key, operation.sort_keys, operation.argument
    key = encode_key(hash_key, sort_keys[0])
    match operation.verb:
        case Verb.GET:
            return GetRequest(key)
        case Verb.SET:
            return UpdateRequest(key, argument[0], operation.expires_s)
        case Verb.DELETE:
            return key
        case Verb.INCREMENT:
            return IncrRequest(key, argument, 0)
        case Verb.COMPARE_AND_SET:
            expected, new = argument
            return CheckAndSetRequest(
                hash_key,
                sort_keys[0],
                CasCheckType.VALUE_BYTES_EQUAL if expected else CasCheckType.VALUE_NOT_EXIST,
                expected,
                False,
                b"",
                new,
                0,
                False,
            )
        case Verb.MULTI_SET:
            rows = [KeyValue(each, value) for each, value in zip(sort_keys, argument, strict=True)]
            return MultiPutRequest(hash_key, rows, 0)
        case Verb.MULTI_DELETE:
            return MultiRemoveRequest(hash_key, list(sort_keys), 0)
        case Verb.MULTI_GET:
            return MultiGetRequest(hash_key, list(sort_keys))


def outcome_of(response: object) -> Any:
    """Return what the response tells, as a history keeps it."""
    match response:
        case ReadResponse():
            return response.value if response.error == Status.OK else None
        case MultiGetResponse():
            return {row.key: row.value for row in response.kvs}
        case ScanResponse():
            found: dict[bytes, dict[bytes, bytes]] = {}
            for row in response.kvs:
                hash_key, sort_key = decode_key(row.key)
                found.setdefault(hash_key, {})[sort_key] = row.value
            return found
        case IncrResponse():
            return response.new_value
        case CheckAndResponse():
            return response.error == Status.OK
        case _:
            return None
