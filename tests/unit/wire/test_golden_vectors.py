"""The golden frames of the protocol reference, section 10, read and written back byte for byte."""

from pathlib import Path

import pytest

from pegasus_tab.base.ids import Gpid
from pegasus_tab.wire import codes
from pegasus_tab.wire.frame import (
    RequestReader,
    ResponseReader,
    encode_request,
    encode_request_v1,
    encode_response,
)
from pegasus_tab.wire.messages import (
    Address,
    GetScannerRequest,
    KeyValue,
    MultiGetRequest,
    MultiPutRequest,
    MultiRemoveRequest,
    PartitionConfiguration,
    QueryConfigRequest,
    QueryConfigResponse,
    ReadResponse,
    ScanRequest,
    UpdateRequest,
    UpdateResponse,
    arguments,
    decode_arguments,
    decode_blob_argument,
    decode_i64_argument,
    decode_result,
    encode_blob_argument,
    encode_i64_argument,
    result,
)
from pegasus_tab.wire.thrift_struct import Struct, encode_fields

VECTORS = {
    line.split()[0]: bytes.fromhex(line.split()[1])
    for line in (Path(__file__).parent / "golden_vectors.txt").read_text().splitlines()
    if line and not line.startswith("#")
}

KEY = b"\0\nhash_key_0sort_key_0"
HASH_KEY = b"hash_key_0"
HASH = 0x984E5A07BDE9CF21
GPID = Gpid(2, 3)
META = Gpid(0, 0)
FULL_SCAN = GetScannerRequest(b"\0\0", b"\xff\xff", True, False, 1000)

# number -> (RPC name, seqid, gpid, hash, timeout, argument, ids of fields the client left out)
REQUESTS: dict[str, tuple[bytes, int, Gpid, int, int, Struct | bytes | int, set[int]]] = {
    "1": (codes.QUERY_CONFIG, 1, META, 0, 2000, QueryConfigRequest("temp"), set()),
    "2": (codes.GET, 2, GPID, HASH, 2000, KEY, set()),
    "3": (codes.GET, 2, GPID, 0, 0, KEY, set()),
    "4": (codes.PUT, 3, GPID, HASH, 2000, UpdateRequest(KEY, b"value_0"), set()),
    "5": (codes.PUT, 4, GPID, HASH, 2000, UpdateRequest(KEY, b"value_0", 100_000), set()),
    "6": (codes.REMOVE, 5, GPID, HASH, 2000, KEY, set()),
    "7": (codes.TTL, 6, GPID, HASH, 2000, KEY, set()),
    "8": (codes.SORTKEY_COUNT, 7, GPID, HASH, 2000, HASH_KEY, set()),
    "9": (
        codes.MULTI_PUT,
        8,
        GPID,
        HASH,
        2000,
        MultiPutRequest(HASH_KEY, (KeyValue(b"s1", b"v1"), KeyValue(b"s2", b"v2"))),
        set(),
    ),
    "10": (
        codes.MULTI_GET,
        9,
        GPID,
        HASH,
        2000,
        MultiGetRequest(HASH_KEY, (b"s1", b"s2"), 100, 1_000_000),
        set(range(6, 13)),
    ),
    "11": (
        codes.MULTI_GET,
        10,
        GPID,
        HASH,
        2000,
        MultiGetRequest(
            HASH_KEY,
            max_kv_count=100,
            max_kv_size=1_000_000,
            start_sortkey=b"s1",
            stop_sortkey=b"s9",
            start_inclusive=True,
            sort_key_filter_type=codes.FilterType.MATCH_PREFIX,
            sort_key_filter_pattern=b"s",
        ),
        {2},
    ),
    "12": (codes.MULTI_REMOVE, 11, GPID, HASH, 2000, MultiRemoveRequest(HASH_KEY, (b"s1",)), {3}),
    "13": (
        codes.GET_SCANNER,
        12,
        GPID,
        3,
        5000,
        GetScannerRequest(b"\0\0", b"\xff\xff", True, False, 1000, only_return_count=False),
        {6},
    ),
    "14": (codes.GET_SCANNER, 12, GPID, 0, 0, FULL_SCAN, {6}),
    "15": (codes.SCAN, 13, GPID, 3, 5000, ScanRequest(4294967296), set()),
    "16": (codes.CLEAR_SCANNER, 14, GPID, 3, 5000, 4294967296, set()),
    "17": (codes.GET, 2, GPID, HASH, 2000, KEY, set()),
}

SERVER = "127.0.0.1:34801"


def _partition(index: int) -> PartitionConfiguration:
    return PartitionConfiguration(
        pid=Gpid(2, index),
        ballot=3,
        max_replica_count=3,
        primary=Address("127.0.0.1", 34801),
        secondaries=(Address("127.0.0.1", 34802), Address("127.0.0.1", 34803)),
        last_committed_decree=7,
    )


RESPONSES: dict[str, tuple[bytes, int, str, Struct | None]] = {
    "R1": (codes.GET, 2, "ERR_OK", ReadResponse(0, b"value_0", 2, 3, SERVER)),
    "R2": (codes.GET, 2, "ERR_OK", ReadResponse(codes.Status.NOT_FOUND, b"", 2, 3, SERVER)),
    "R3": (codes.GET, 2, "ERR_INVALID_STATE", None),
    "R4": (codes.PUT, 3, "ERR_OK", UpdateResponse(0, 2, 3, 42, SERVER)),
    "R5": (
        codes.QUERY_CONFIG,
        1,
        "ERR_OK",
        QueryConfigResponse("ERR_OK", 2, 2, True, (_partition(0), _partition(1))),
    ),
    "R6": (codes.QUERY_CONFIG, 1, "ERR_OK", QueryConfigResponse(codes.ERR_OBJECT_NOT_FOUND)),
}


def test_every_vector_is_described() -> None:
    assert set(VECTORS) == set(REQUESTS) | set(RESPONSES)


@pytest.mark.parametrize("number", REQUESTS)
def test_request_is_read(number: str) -> None:
    name, seqid, gpid, partition_hash, timeout_ms, argument, _ = REQUESTS[number]

    [frame] = RequestReader().feed(VECTORS[number])

    assert (frame.name, frame.seqid) == (name, seqid)
    assert (frame.app_id, frame.partition_index) == gpid
    assert (frame.partition_hash, frame.timeout_ms) == (partition_hash, timeout_ms)
    assert (frame.version, frame.is_backup) == (number == "17", False)
    match argument:
        case bytes():
            assert decode_blob_argument(frame) == argument
        case int():
            assert decode_i64_argument(frame) == argument
        case _:
            assert decode_arguments(frame, type(argument)) == argument


@pytest.mark.parametrize("number", REQUESTS)
def test_request_is_written(number: str) -> None:
    name, seqid, gpid, partition_hash, timeout_ms, argument, left_out = REQUESTS[number]
    match argument:
        case bytes():
            args = encode_blob_argument(argument)
        case int():
            args = encode_i64_argument(argument)
        case _:
            sent = [c for c in argument.FIELDS if int.from_bytes(c.head[1:], "big") not in left_out]
            args = arguments(encode_fields(argument, tuple(sent)))

    encode = encode_request_v1 if number == "17" else encode_request

    assert encode(name, seqid, gpid, partition_hash, timeout_ms, args) == VECTORS[number]


@pytest.mark.parametrize("number", RESPONSES)
def test_response_is_read(number: str) -> None:
    name, seqid, error, answer = RESPONSES[number]

    [frame] = ResponseReader().feed(VECTORS[number])

    assert (frame.name, frame.seqid, frame.error) == (name + b"_ACK", seqid, error)
    if answer is None:
        assert frame.offset == frame.end
    else:
        assert decode_result(frame, type(answer)) == answer


@pytest.mark.parametrize("number", RESPONSES)
def test_response_is_written(number: str) -> None:
    name, seqid, error, answer = RESPONSES[number]
    result_struct = b"" if answer is None else result(answer.encode())

    assert encode_response(name, seqid, result_struct, error) == VECTORS[number]
