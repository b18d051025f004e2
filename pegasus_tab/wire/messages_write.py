"""Requests and responses of writes (protocol reference 6.4, 6.6). REMOVE takes a bare blob.

``expire_ts_seconds`` is absolute, seconds since 2016-01-01 UTC, 0 for never; the one exception is
INCR, where 0 keeps the row's expiry and a negative number removes it.
"""

from collections.abc import Sequence
from typing import Annotated

from pegasus_tab.wire.binary import BLOB, BOOLEAN, I32, I64, STRING, list_of
from pegasus_tab.wire.messages_read import KEY_VALUES, KeyValue
from pegasus_tab.wire.thrift_struct import Struct, struct_of, thrift_struct


@thrift_struct
class UpdateRequest(Struct):
    """PUT. Fields 4 to 7 travel only between servers."""

    key: Annotated[bytes, BLOB(1)] = b""
    value: Annotated[bytes, BLOB(2)] = b""
    expire_ts_seconds: Annotated[int, I32(3)] = 0
    type: Annotated[int | None, I32(4)] = None
    check_value_returned: Annotated[bool | None, BOOLEAN(5)] = None
    check_value_exist: Annotated[bool | None, BOOLEAN(6)] = None
    check_value: Annotated[bytes | None, BLOB(7)] = None


@thrift_struct
class UpdateResponse(Struct):
    """Answer to PUT, REMOVE, MULTI_PUT and TAB_PUT_ROWS."""

    error: Annotated[int, I32(1)] = 0
    app_id: Annotated[int, I32(2)] = 0
    partition_index: Annotated[int, I32(3)] = 0
    decree: Annotated[int, I64(4)] = 0
    server: Annotated[str, STRING(5)] = ""


@thrift_struct
class MultiPutRequest(Struct):
    """Rows of one hash key, written together; ``key`` of each is its sort key."""

    hash_key: Annotated[bytes, BLOB(1)] = b""
    kvs: Annotated[Sequence[KeyValue], KEY_VALUES(2)] = ()
    expire_ts_seconds: Annotated[int, I32(3)] = 0


@thrift_struct
class TabPutRowsRequest(Struct):
    """Rows of one partition, written together.

    Attributes:
        rows: keys and values as columns, see ``put_rows``; of equal keys the last one wins.
        expire_ts_seconds: of all rows; must be 0 when ``is_stored``.
        is_stored: the values have their header already, with expiry and timetag, as in a backup.
    """

    rows: Annotated[bytes, BLOB(1)] = b""
    expire_ts_seconds: Annotated[int, I32(2)] = 0
    is_stored: Annotated[bool, BOOLEAN(3)] = False


@thrift_struct
class MultiRemoveRequest(Struct):
    """Rows of one hash key, removed together; ``max_count`` is to be ignored."""

    hash_key: Annotated[bytes, BLOB(1)] = b""
    sort_keys: Annotated[Sequence[bytes], list_of(BLOB)(2)] = ()
    max_count: Annotated[int, I64(3)] = 0


@thrift_struct
class MultiRemoveResponse(Struct):
    """Answer to MULTI_REMOVE: ``count`` is how many keys were asked for, not how many existed."""

    error: Annotated[int, I32(1)] = 0
    count: Annotated[int, I64(2)] = 0
    app_id: Annotated[int, I32(3)] = 0
    partition_index: Annotated[int, I32(4)] = 0
    decree: Annotated[int, I64(5)] = 0
    server: Annotated[str, STRING(6)] = ""


@thrift_struct
class IncrRequest(Struct):
    """Add to a row that holds decimal text."""

    key: Annotated[bytes, BLOB(1)] = b""
    increment: Annotated[int, I64(2)] = 0
    expire_ts_seconds: Annotated[int, I32(3)] = 0


@thrift_struct
class IncrResponse(Struct):
    """Answer to INCR: the new number, or the old one when adding would overflow."""

    error: Annotated[int, I32(1)] = 0
    new_value: Annotated[int, I64(2)] = 0
    app_id: Annotated[int, I32(3)] = 0
    partition_index: Annotated[int, I32(4)] = 0
    decree: Annotated[int, I64(5)] = 0
    server: Annotated[str, STRING(6)] = ""


@thrift_struct
class CheckAndSetRequest(Struct):
    """Test one row and write the same or another one of its hash key."""

    hash_key: Annotated[bytes, BLOB(1)] = b""
    check_sort_key: Annotated[bytes, BLOB(2)] = b""
    check_type: Annotated[int, I32(3)] = 0
    check_operand: Annotated[bytes, BLOB(4)] = b""
    set_diff_sort_key: Annotated[bool, BOOLEAN(5)] = False
    set_sort_key: Annotated[bytes, BLOB(6)] = b""
    set_value: Annotated[bytes, BLOB(7)] = b""
    set_expire_ts_seconds: Annotated[int, I32(8)] = 0
    return_check_value: Annotated[bool, BOOLEAN(9)] = False


@thrift_struct
class Mutate(Struct):
    """One step of a CHECK_AND_MUTATE."""

    operation: Annotated[int, I32(1)] = 0
    sort_key: Annotated[bytes, BLOB(2)] = b""
    value: Annotated[bytes, BLOB(3)] = b""
    set_expire_ts_seconds: Annotated[int, I32(4)] = 0


@thrift_struct
class CheckAndMutateRequest(Struct):
    """Test one row and change several of its hash key, in order, together."""

    hash_key: Annotated[bytes, BLOB(1)] = b""
    check_sort_key: Annotated[bytes, BLOB(2)] = b""
    check_type: Annotated[int, I32(3)] = 0
    check_operand: Annotated[bytes, BLOB(4)] = b""
    mutate_list: Annotated[Sequence[Mutate], list_of(struct_of(Mutate))(5)] = ()
    return_check_value: Annotated[bool, BOOLEAN(6)] = False


@thrift_struct
class CheckAndResponse(Struct):
    """Answer to CHECK_AND_SET and CHECK_AND_MUTATE: TRY_AGAIN when the test did not pass."""

    error: Annotated[int, I32(1)] = 0
    check_value_returned: Annotated[bool, BOOLEAN(2)] = False
    check_value_exist: Annotated[bool, BOOLEAN(3)] = False
    check_value: Annotated[bytes, BLOB(4)] = b""
    app_id: Annotated[int, I32(5)] = 0
    partition_index: Annotated[int, I32(6)] = 0
    decree: Annotated[int, I64(7)] = 0
    server: Annotated[str, STRING(8)] = ""
