"""The write RPCs: a request becomes changes for the log and an answer (protocol reference 6.6).

Everything that needs a clock or the present rows is decided here, once, at the primary; what goes
into the log is only what must happen (``physical_batch``).
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import repeat
from typing import Any, Final, TypeAlias

from pegasus_server.data.admission import is_row, is_row_key
from pegasus_server.data.checked_writes import check_and_mutate, check_and_set
from pegasus_server.data.evaluation import Evaluation, WriteContext
from pegasus_server.data.identity import ReplicaIdentity
from pegasus_server.data.increment import increment
from pegasus_server.data.overlay import PointView
from pegasus_server.data.put_rows import put_rows_changes
from pegasus_server.data.value import encode_value, resolve_expire, timetag
from pegasus_server.storage.engine import Change
from pegasus_tab.base.ids import Decree
from pegasus_tab.base.limits import BATCH_OPERATIONS_MAX, VALUE_BYTES_MAX
from pegasus_tab.wire.codes import Status
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.messages_write import (
    CheckAndMutateRequest,
    CheckAndSetRequest,
    IncrRequest,
    MultiPutRequest,
    MultiRemoveRequest,
    MultiRemoveResponse,
    TabPutRowsRequest,
    UpdateRequest,
    UpdateResponse,
)

WriteRequest: TypeAlias = (
    UpdateRequest
    | bytes
    | MultiPutRequest
    | MultiRemoveRequest
    | IncrRequest
    | CheckAndSetRequest
    | CheckAndMutateRequest
    | TabPutRowsRequest
)
"""The argument of a write RPC as decoded; bytes are the encoded key of a REMOVE."""


def evaluate(
    request: WriteRequest,
    view: PointView,
    identity: ReplicaIdentity,
    now: int,
    timestamp_us: int,
    default_ttl: int,
) -> Evaluation:
    """Evaluate a write of any kind.

    Args:
        request: as decoded from the wire.
        view: the rows with all prepared changes on top.
        identity: the replica, for the answer.
        now: the primary's clock, seconds since 2016.
        timestamp_us: of the mutation, microseconds since 1970.
        default_ttl: of the table, seconds; 0 for none.

    Returns:
        The changes and the answer. A request that is refused for its content has no changes and
        is answered with a status.
    """
    context = WriteContext(view, identity, now, timestamp_us, default_ttl)
    return _EVALUATE[type(request)](request, context)


def put_change(
    key: bytes, value: bytes, expire_ts_seconds: int, now: int, timestamp_us: int, default_ttl: int
) -> Change | None:
    """Evaluate a PUT without message objects, for the transport's fast path. About 1 us.

    Args:
        key: encoded key.
        value: user data.
        expire_ts_seconds: absolute, 0 for never (then the table's default applies).
        now: the primary's clock, seconds since 2016.
        timestamp_us: of the mutation, microseconds since 1970.
        default_ttl: of the table, seconds; 0 for none.

    Returns:
        The change, or None when key or value is outside the limits: INVALID_ARGUMENT.
    """
    if not is_row_key(key) or len(value) > VALUE_BYTES_MAX:
        return None
    if expire_ts_seconds or default_ttl:
        expire_ts_seconds = resolve_expire(expire_ts_seconds, now, default_ttl)
    return key, encode_value(value, expire_ts_seconds, timetag(timestamp_us))


def put(request: UpdateRequest, context: WriteContext) -> Evaluation:
    """Evaluate a PUT: unconditional."""
    _, _, now, timestamp_us, default_ttl = context
    key, value, expire = request.key, request.value, request.expire_ts_seconds
    change = put_change(key, value, expire, now, timestamp_us, default_ttl)
    return _refused(context) if change is None else _updated(context, [change])


def remove(key: bytes, context: WriteContext) -> Evaluation:
    """Evaluate a REMOVE: unconditional, and OK for a missing row."""
    return _updated(context, [(key, None)]) if is_row_key(key) else _refused(context)


def multi_put_changes(
    hash_key: bytes,
    sort_keys: Sequence[bytes],
    values: Sequence[bytes],
    expire_ts_seconds: int,
    now: int,
    timestamp_us: int,
    default_ttl: int,
) -> list[Change] | None:
    """Evaluate a MULTI_PUT without message objects, for the transport's fast path.

    Args:
        hash_key: of all rows.
        sort_keys: one per row; of equal ones the last wins.
        values: user data, one per row.
        expire_ts_seconds: absolute, 0 for never (then the table's default applies).
        now: the primary's clock, seconds since 2016.
        timestamp_us: of the mutation, microseconds since 1970.
        default_ttl: of the table, seconds; 0 for none.

    Returns:
        The changes, or None when there are no rows, too many, or one outside the limits:
        INVALID_ARGUMENT.
    """
    if not 0 < len(sort_keys) <= BATCH_OPERATIONS_MAX:
        return None
    if not all(map(is_row, repeat(hash_key), sort_keys, values)):
        return None
    header = encode_value(
        b"", resolve_expire(expire_ts_seconds, now, default_ttl), timetag(timestamp_us)
    )
    prefix = encode_key(hash_key, b"")
    return [
        (prefix + sort_key, header + value)
        for sort_key, value in zip(sort_keys, values, strict=True)
    ]


def multi_put(request: MultiPutRequest, context: WriteContext) -> Evaluation:
    """Evaluate a MULTI_PUT: all rows or none; of equal sort keys the last one wins."""
    changes = multi_put_changes(
        request.hash_key,
        [row.key for row in request.kvs],
        [row.value for row in request.kvs],
        request.expire_ts_seconds,
        context.now,
        context.timestamp_us,
        context.default_ttl,
    )
    return _refused(context) if changes is None else _updated(context, changes)


def put_rows(request: TabPutRowsRequest, context: WriteContext) -> Evaluation:
    """Evaluate a TAB_PUT_ROWS: all rows or none."""
    changes = put_rows_changes(request, context.now, context.timestamp_us, context.default_ttl)
    return _refused(context) if changes is None else _updated(context, changes)


def multi_remove(request: MultiRemoveRequest, context: WriteContext) -> Evaluation:
    """Evaluate a MULTI_REMOVE; the answer counts the keys asked for, not those that existed."""
    hash_key, sort_keys = request.hash_key, request.sort_keys
    if 0 < len(sort_keys) <= BATCH_OPERATIONS_MAX and all(
        is_row(hash_key, sort_key) for sort_key in sort_keys
    ):
        prefix = encode_key(hash_key, b"")
        changes: list[Change] = [(prefix + sort_key, None) for sort_key in sort_keys]
        respond = partial(_multi_removed, context.identity, Status.OK, len(sort_keys))
        return Evaluation(changes, respond)
    return Evaluation([], partial(_multi_removed, context.identity, Status.INVALID_ARGUMENT, 0))


_EVALUATE: Final[dict[type, Callable[[Any, WriteContext], Evaluation]]] = {
    UpdateRequest: put,
    bytes: remove,
    MultiPutRequest: multi_put,
    MultiRemoveRequest: multi_remove,
    IncrRequest: increment,
    CheckAndSetRequest: check_and_set,
    CheckAndMutateRequest: check_and_mutate,
    TabPutRowsRequest: put_rows,
}


def _updated(context: WriteContext, changes: list[Change]) -> Evaluation:
    return Evaluation(changes, partial(_update, context.identity, Status.OK))


def _refused(context: WriteContext) -> Evaluation:
    return Evaluation([], partial(_update, context.identity, Status.INVALID_ARGUMENT))


def _update(identity: ReplicaIdentity, status: Status, decree: Decree) -> UpdateResponse:
    (app_id, partition_index), server = identity
    return UpdateResponse(status, app_id, partition_index, decree, server)


def _multi_removed(
    identity: ReplicaIdentity, status: Status, count: int, decree: Decree
) -> MultiRemoveResponse:
    (app_id, partition_index), server = identity
    return MultiRemoveResponse(status, count, app_id, partition_index, decree, server)
