"""TAB_PUT_ROWS: many rows of a partition in one write, unconditional."""

from collections.abc import Sequence

from pegasus_server.data.admission import are_row_keys
from pegasus_server.data.value import HEADER_BYTES, encode_value, resolve_expire, timetag
from pegasus_server.storage.engine import Change
from pegasus_tab.base.limits import PUT_ROWS_MAX
from pegasus_tab.wire.messages_write import TabPutRowsRequest
from pegasus_tab.wire.put_rows import decode_rows


def put_rows_changes(
    request: TabPutRowsRequest, now: int, timestamp_us: int, default_ttl: int
) -> list[Change] | None:
    """Evaluate a TAB_PUT_ROWS. About 0.4 us a row.

    Args:
        request: as decoded from the wire.
        now: the primary's clock, seconds since 2016.
        timestamp_us: of the mutation, microseconds since 1970.
        default_ttl: of the table, seconds; 0 for none.

    Returns:
        The changes, or None when there are no rows, too many, or one outside the limits:
        INVALID_ARGUMENT.

    Raises:
        RemoteProtocolError: the rows cannot be taken apart.
    """
    keys, values = decode_rows(request.rows)
    if not 0 < len(keys) <= PUT_ROWS_MAX or not are_row_keys(keys):
        return None
    if request.is_stored:
        return _stored(keys, values) if not request.expire_ts_seconds else None
    expire = resolve_expire(request.expire_ts_seconds, now, default_ttl)
    header = encode_value(b"", expire, timetag(timestamp_us))
    return list(zip(keys, [header + value for value in values], strict=True))


def _stored(keys: Sequence[bytes], values: Sequence[bytes]) -> list[Change] | None:
    """Take values as they come; the sender has them from a backup of such a table."""
    if min(map(len, values)) < HEADER_BYTES:
        return None
    return list(zip(keys, values, strict=True))
