"""The read RPCs: what each answers, over any engine (protocol reference 6.5). Scans: ``scan``.

``multi_get_rows`` and ``get_value`` give bare rows for the transport's fast paths; the functions
named like the RPCs make the whole answer.
"""

from pegasus_server.data.identity import ReplicaIdentity
from pegasus_server.data.multi_get import multi_get_rows
from pegasus_server.data.time_budget import TimeBudget
from pegasus_server.data.value import (
    HEADER_BYTES,
    NEVER,
    expire_of,
    is_expired,
    live_rows,
    user_data,
)
from pegasus_server.storage.engine import ROW_KEYS_END, Engine
from pegasus_tab.base.limits import MIB, MULTI_GET_BYTES_MAX, SCAN_ROWS_MAX
from pegasus_tab.wire.codes import Status
from pegasus_tab.wire.keys import encode_key, hash_key_range
from pegasus_tab.wire.messages_read import (
    BatchGetRequest,
    BatchGetResponse,
    CountResponse,
    FullData,
    KeyValue,
    MultiGetRequest,
    MultiGetResponse,
    ReadResponse,
    TtlResponse,
)

NO_TTL = -1
"""``ttl_seconds`` of a row that never expires."""
TOO_MANY = -1
"""``count`` when counting took too long."""
_TTL_MAX = 2**31 - 1


def get_value(engine: Engine, key: bytes, now: int) -> bytes | None:
    """Read one row without message objects, for the transport's fast path.

    Args:
        engine: the rows.
        key: encoded key; one that is malformed or reserved names no row.
        now: seconds since 2016.

    Returns:
        The user data, None when the row is missing or expired.

    Raises:
        EngineDamaged: the engine failed.
    """
    stored = engine.get(key)
    if stored is None or key >= ROW_KEYS_END:
        return None
    # The first half of the condition is what most rows are told by, without a call.
    if stored[:4] != NEVER and is_expired(stored, now):
        return None
    return stored[HEADER_BYTES:]


def _live(engine: Engine, key: bytes, now: int) -> bytes | None:
    stored = engine.get(key)
    if stored is None or key >= ROW_KEYS_END or is_expired(stored, now):
        return None
    return stored


def get(engine: Engine, key: bytes, now: int, identity: ReplicaIdentity) -> ReadResponse:
    """Answer GET: NOT_FOUND with an empty value for a missing or expired row."""
    (app_id, partition_index), server = identity
    value = get_value(engine, key, now)
    if value is None:
        return ReadResponse(Status.NOT_FOUND, b"", app_id, partition_index, server)
    return ReadResponse(Status.OK, value, app_id, partition_index, server)


def ttl(engine: Engine, key: bytes, now: int, identity: ReplicaIdentity) -> TtlResponse:
    """Answer TTL: the seconds left, NO_TTL for a row that never expires, NOT_FOUND for none."""
    (app_id, partition_index), server = identity
    stored = _live(engine, key, now)
    if stored is None:
        return TtlResponse(Status.NOT_FOUND, 0, app_id, partition_index, server)
    expire = expire_of(stored)
    seconds = min(expire - now, _TTL_MAX) if expire else NO_TTL
    return TtlResponse(Status.OK, seconds, app_id, partition_index, server)


def sortkey_count(
    engine: Engine, hash_key: bytes, now: int, budget: TimeBudget, identity: ReplicaIdentity
) -> CountResponse:
    """Answer SORTKEY_COUNT: the live rows of a hash key, TOO_MANY once the time is over.

    Raises:
        DataError: the hash key is longer than a key can hold.
    """
    (app_id, partition_index), server = identity
    lower, upper = hash_key_range(hash_key)
    count, exhausted = 0, False
    while not exhausted and not budget.is_spent():
        keys, values, exhausted = engine.scan_chunk(lower, upper, SCAN_ROWS_MAX, MIB)
        count += len(live_rows(values, now))
        lower = keys[-1] + b"\0" if keys else upper
    if not exhausted:
        count = TOO_MANY
    return CountResponse(Status.OK, count, app_id, partition_index, server)


def multi_get(
    engine: Engine,
    request: MultiGetRequest,
    now: int,
    budget: TimeBudget,
    identity: ReplicaIdentity,
) -> MultiGetResponse:
    """Answer MULTI_GET: see ``multi_get_rows``."""
    (app_id, partition_index), server = identity
    status, sort_keys, values = multi_get_rows(engine, request, now, budget)
    rows = [KeyValue(sort_key, value) for sort_key, value in zip(sort_keys, values, strict=True)]
    return MultiGetResponse(status, rows, app_id, partition_index, server)


def batch_get(
    engine: Engine, request: BatchGetRequest, now: int, identity: ReplicaIdentity
) -> BatchGetResponse:
    """Answer BATCH_GET: the rows that exist, in the order asked for; no keys is INVALID_ARGUMENT.

    The ancestor has no limit here; ours is the bytes a MULTI_GET may give, then INCOMPLETE.
    """
    (app_id, partition_index), server = identity
    if not request.keys:
        return BatchGetResponse(Status.INVALID_ARGUMENT, (), app_id, partition_index, server)
    status, size, rows = Status.OK, 0, []
    for name in request.keys:
        stored = _live(engine, encode_key(name.hash_key, name.sort_key), now)
        if stored is None:
            continue
        size += len(name.hash_key) + len(name.sort_key) + len(stored)
        if size > MULTI_GET_BYTES_MAX:
            status = Status.INCOMPLETE
            break
        rows.append(FullData(name.hash_key, name.sort_key, user_data(stored)))
    return BatchGetResponse(status, rows, app_id, partition_index, server)
