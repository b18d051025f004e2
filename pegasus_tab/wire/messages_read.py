"""Requests and responses of point and multi reads (protocol reference 6.4, 6.5).

GET, TTL and SORTKEY_COUNT take a bare blob: see ``envelope.encode_blob_argument``.
"""

from collections.abc import Sequence
from typing import Annotated

from pegasus_tab.wire.binary import BLOB, BOOLEAN, I32, I64, STRING, list_of
from pegasus_tab.wire.thrift_struct import Struct, struct_of, thrift_struct


@thrift_struct
class ReadResponse(Struct):
    """Answer to GET: NOT_FOUND with an empty value when the row is missing or expired."""

    error: Annotated[int, I32(1)] = 0
    value: Annotated[bytes, BLOB(2)] = b""
    app_id: Annotated[int, I32(3)] = 0
    partition_index: Annotated[int, I32(4)] = 0
    server: Annotated[str, STRING(6)] = ""


@thrift_struct
class TtlResponse(Struct):
    """Answer to TTL: seconds left, -1 when the row never expires."""

    error: Annotated[int, I32(1)] = 0
    ttl_seconds: Annotated[int, I32(2)] = 0
    app_id: Annotated[int, I32(3)] = 0
    partition_index: Annotated[int, I32(4)] = 0
    server: Annotated[str, STRING(6)] = ""


@thrift_struct
class CountResponse(Struct):
    """Answer to SORTKEY_COUNT: -1 when counting took too long."""

    error: Annotated[int, I32(1)] = 0
    count: Annotated[int, I64(2)] = 0
    app_id: Annotated[int, I32(3)] = 0
    partition_index: Annotated[int, I32(4)] = 0
    server: Annotated[str, STRING(6)] = ""


@thrift_struct
class KeyValue(Struct):
    """A row: ``key`` is the sort key in multi operations and the whole encoded key in scans."""

    key: Annotated[bytes, BLOB(1)] = b""
    value: Annotated[bytes, BLOB(2)] = b""
    expire_ts_seconds: Annotated[int | None, I32(3)] = None


KEY_VALUES = list_of(struct_of(KeyValue))


@thrift_struct
class MultiGetRequest(Struct):
    """Rows of one hash key: those named in ``sort_keys`` or, when there are none, a range."""

    hash_key: Annotated[bytes, BLOB(1)] = b""
    sort_keys: Annotated[Sequence[bytes], list_of(BLOB)(2)] = ()
    max_kv_count: Annotated[int, I32(3)] = 0
    max_kv_size: Annotated[int, I32(4)] = 0
    no_value: Annotated[bool, BOOLEAN(5)] = False
    start_sortkey: Annotated[bytes, BLOB(6)] = b""
    stop_sortkey: Annotated[bytes, BLOB(7)] = b""
    start_inclusive: Annotated[bool, BOOLEAN(8)] = False
    stop_inclusive: Annotated[bool, BOOLEAN(9)] = False
    sort_key_filter_type: Annotated[int, I32(10)] = 0
    sort_key_filter_pattern: Annotated[bytes, BLOB(11)] = b""
    reverse: Annotated[bool, BOOLEAN(12)] = False


@thrift_struct
class MultiGetResponse(Struct):
    """Answer to MULTI_GET: INCOMPLETE with rows means there may be more."""

    error: Annotated[int, I32(1)] = 0
    kvs: Annotated[Sequence[KeyValue], KEY_VALUES(2)] = ()
    app_id: Annotated[int, I32(3)] = 0
    partition_index: Annotated[int, I32(4)] = 0
    server: Annotated[str, STRING(6)] = ""


@thrift_struct
class FullKey(Struct):
    """Names a row in BATCH_GET."""

    hash_key: Annotated[bytes, BLOB(1)] = b""
    sort_key: Annotated[bytes, BLOB(2)] = b""


@thrift_struct
class BatchGetRequest(Struct):
    """Rows of any hash keys that lie in one partition."""

    keys: Annotated[Sequence[FullKey], list_of(struct_of(FullKey))(1)] = ()


@thrift_struct
class FullData(Struct):
    """A row in the answer to BATCH_GET."""

    hash_key: Annotated[bytes, BLOB(1)] = b""
    sort_key: Annotated[bytes, BLOB(2)] = b""
    value: Annotated[bytes, BLOB(3)] = b""


@thrift_struct
class BatchGetResponse(Struct):
    """Answer to BATCH_GET: the rows that exist."""

    error: Annotated[int, I32(1)] = 0
    data: Annotated[Sequence[FullData], list_of(struct_of(FullData))(2)] = ()
    app_id: Annotated[int, I32(3)] = 0
    partition_index: Annotated[int, I32(4)] = 0
    server: Annotated[str, STRING(6)] = ""
