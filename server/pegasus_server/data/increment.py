"""INCR: add to a row that holds an integer as text (protocol reference 6.6)."""

from pegasus_server.data.admission import is_row_key
from pegasus_server.data.evaluation import Evaluation, WriteContext
from pegasus_server.data.integer_text import INT64_MAX, INT64_MIN, parse_int64
from pegasus_server.data.value import expire_of, user_data
from pegasus_server.storage.engine import Change
from pegasus_tab.base.ids import Decree
from pegasus_tab.wire.codes import Status
from pegasus_tab.wire.messages_write import IncrRequest, IncrResponse


def increment(request: IncrRequest, context: WriteContext) -> Evaluation:
    """Evaluate an INCR.

    A missing, expired or empty row counts as 0. Text that is no integer is INVALID_ARGUMENT; so is
    an overflow, and then the answer carries the old number.
    """
    if not is_row_key(request.key):
        return _evaluation(context, [], Status.INVALID_ARGUMENT, 0)
    stored = context.live(request.key)
    text = b"" if stored is None else user_data(stored)
    old = parse_int64(text) if text else 0
    if old is None:
        return _evaluation(context, [], Status.INVALID_ARGUMENT, 0)
    new = old + request.increment
    if not INT64_MIN <= new <= INT64_MAX:
        return _evaluation(context, [], Status.INVALID_ARGUMENT, old)
    expire = _new_expire(request.expire_ts_seconds, stored)
    value = context.stored(b"%d" % new, expire)
    return _evaluation(context, [(request.key, value)], Status.OK, new)


def _new_expire(asked: int, stored: bytes | None) -> int:
    """Keep the row's expiry when asked for 0, remove it when asked for less, else set it."""
    if asked == 0:
        return 0 if stored is None else expire_of(stored)
    return max(asked, 0)


def _evaluation(
    context: WriteContext, changes: list[Change], status: Status, new_value: int
) -> Evaluation:
    (app_id, partition_index), server = context.identity

    def respond(decree: Decree) -> IncrResponse:
        return IncrResponse(status, new_value, app_id, partition_index, decree, server)

    return Evaluation(changes, respond)
