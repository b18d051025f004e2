"""Requests and responses of scans: the ancestor's (protocol reference 8) and RPC_TAB_SCAN.

CLEAR_SCANNER takes a bare i64, see ``envelope.encode_i64_argument``, and is never answered.
"""

from collections.abc import Sequence
from typing import Annotated

from pegasus_tab.wire.binary import BLOB, BOOLEAN, I32, I64, STRING, list_of
from pegasus_tab.wire.messages_read import KEY_VALUES, KeyValue
from pegasus_tab.wire.thrift_struct import Struct, thrift_struct


@thrift_struct
class GetScannerRequest(Struct):
    """Begin a scan; keys are whole encoded keys. ``validate_partition_hash`` None means True."""

    start_key: Annotated[bytes, BLOB(1)] = b""
    stop_key: Annotated[bytes, BLOB(2)] = b""
    start_inclusive: Annotated[bool, BOOLEAN(3)] = False
    stop_inclusive: Annotated[bool, BOOLEAN(4)] = False
    batch_size: Annotated[int, I32(5)] = 0
    no_value: Annotated[bool, BOOLEAN(6)] = False
    hash_key_filter_type: Annotated[int, I32(7)] = 0
    hash_key_filter_pattern: Annotated[bytes, BLOB(8)] = b""
    sort_key_filter_type: Annotated[int, I32(9)] = 0
    sort_key_filter_pattern: Annotated[bytes, BLOB(10)] = b""
    validate_partition_hash: Annotated[bool | None, BOOLEAN(11)] = None
    return_expire_ts: Annotated[bool | None, BOOLEAN(12)] = None
    full_scan: Annotated[bool | None, BOOLEAN(13)] = None
    only_return_count: Annotated[bool | None, BOOLEAN(14)] = None


@thrift_struct
class ScanRequest(Struct):
    """Go on with a scan; the id is good for one use."""

    context_id: Annotated[int, I64(1)] = 0


@thrift_struct
class ScanResponse(Struct):
    """Answer to GET_SCANNER and SCAN: ``context_id`` -1 ends the scan."""

    error: Annotated[int, I32(1)] = 0
    kvs: Annotated[Sequence[KeyValue], KEY_VALUES(2)] = ()
    context_id: Annotated[int, I64(3)] = 0
    app_id: Annotated[int, I32(4)] = 0
    partition_index: Annotated[int, I32(5)] = 0
    server: Annotated[str, STRING(6)] = ""
    kv_count: Annotated[int | None, I32(7)] = None


@thrift_struct
class TabScanRequest(Struct):
    """One page of a stateless scan over a table with a schema.

    Attributes:
        start_key: first encoded key, inclusive.
        stop_key: end, exclusive.
        rows_max: matching rows in this page, >= 1; the server may give fewer.
        bytes_max: roughly the size of this page's batch.
        schema_version: the version of ``tab.schema`` the ids below mean.
        columns: column ids in the order wanted; -1-f is the expiry of family f (seconds since
            2016-01-01 UTC, 0 none).
        filter: the predicate as JSON, "" for none.
        count_only: answer with the number of matching rows alone.
        row_limit: stop the scan after that many matching rows, 0 for no limit.
    """

    start_key: Annotated[bytes, BLOB(1)] = b""
    stop_key: Annotated[bytes, BLOB(2)] = b""
    rows_max: Annotated[int, I32(3)] = 0
    bytes_max: Annotated[int, I32(4)] = 0
    schema_version: Annotated[int, I32(5)] = 0
    columns: Annotated[Sequence[int], list_of(I32)(6)] = ()
    filter: Annotated[str, STRING(7)] = ""
    count_only: Annotated[bool, BOOLEAN(8)] = False
    row_limit: Annotated[int, I32(9)] = 0


@thrift_struct
class TabScanResponse(Struct):
    """One page of rows.

    Attributes:
        error: INVALID_ARGUMENT for a bad filter or column; ABORTED when the schema version is not
            the server's, then the client refreshes its catalog and begins again.
        batch: an Arrow record batch without its schema, columns in the request's order; empty
            when there are no rows or only their count was wanted.
        resume_key: start key of the next page, empty when done.
        done: nothing is left in the range.
        count: matching rows in this page.
        app_id: of the replica.
        partition_index: of the replica.
        server: "host:port" of the replica.
    """

    error: Annotated[int, I32(1)] = 0
    batch: Annotated[bytes, BLOB(2)] = b""
    resume_key: Annotated[bytes, BLOB(3)] = b""
    done: Annotated[bool, BOOLEAN(4)] = False
    count: Annotated[int, I64(5)] = 0
    app_id: Annotated[int, I32(6)] = 0
    partition_index: Annotated[int, I32(7)] = 0
    server: Annotated[str, STRING(8)] = ""
