"""CHECK_AND_MUTATE without a step per field, several times as fast as the plain codec: every INSERT is one.

As in ``fast_point``: readers know the one shape everybody writes and leave the rest to the plain
codec. The answer is also that of CHECK_AND_SET.
"""

import struct
from collections.abc import Sequence
from typing import Final

from pegasus_tab.wire.binary import ITEMS_MAX
from pegasus_tab.wire.envelope import Stretch, arguments, decode_arguments, decode_result
from pegasus_tab.wire.messages_write import CheckAndMutateRequest, CheckAndResponse, Mutate
from pegasus_tab.wire.reply_tail import TAIL_BYTES_MAX, server_of, server_tail
from pegasus_tab.wire.response_frame import encode_response

_HASH_KEY: Final = struct.Struct(">6sI")
_SORT_KEY: Final = struct.Struct(">3sI")
_CHECK: Final = struct.Struct(">3si3sI")
_STEPS: Final = struct.Struct(">4sI")
_STEP: Final = struct.Struct(">3si3sI")
_STEP_END: Final = struct.Struct(">3siB")
_END: Final = struct.Struct(">3s?H")

_HASH_KEY_HEAD: Final = b"\x0c\0\1\x0c\0\1"
_BLOB_2: Final = b"\x0c\0\2"
_BLOB_3: Final = b"\x0c\0\3"
_BLOB_4: Final = b"\x0c\0\4"
_I32_1: Final = b"\x08\0\1"
_I32_3: Final = b"\x08\0\3"
_I32_4: Final = b"\x08\0\4"
_STEPS_HEAD: Final = b"\x0f\0\5\x0c"
_RETURN_VALUE: Final = b"\2\0\6"

_RESULT: Final = struct.Struct(">6si3s?3s?3sI")
_RESULT_PLACE: Final = struct.Struct(">3si3si3sq")
_RESULT_HEAD: Final = b"\x0c\0\0\x08\0\1"
_RETURNED: Final = b"\2\0\2"
_EXISTS: Final = b"\2\0\3"
_APP_ID: Final = b"\x08\0\5"
_PARTITION_INDEX: Final = b"\x08\0\6"
_DECREE: Final = b"\x0a\0\7"


def check_and_mutate_arguments(request: CheckAndMutateRequest) -> bytes:
    """Make the args struct of CHECK_AND_MUTATE.

    Args:
        request: any.

    Returns:
        The args struct.

    Raises:
        DataError: a value does not fit its field's type.
    """
    hash_key, sort_key = request.hash_key, request.check_sort_key
    operand, steps = request.check_operand, request.mutate_list
    try:
        parts = [
            _HASH_KEY.pack(_HASH_KEY_HEAD, len(hash_key)),
            hash_key,
            _SORT_KEY.pack(_BLOB_2, len(sort_key)),
            sort_key,
            _CHECK.pack(_I32_3, request.check_type, _BLOB_4, len(operand)),
            operand,
            _STEPS.pack(_STEPS_HEAD, len(steps)),
        ]
        for step in steps:
            key, value = step.sort_key, step.value
            parts += (
                _STEP.pack(_I32_1, step.operation, _BLOB_2, len(key)),
                key,
                _SORT_KEY.pack(_BLOB_3, len(value)),
                value,
                _STEP_END.pack(_I32_4, step.set_expire_ts_seconds, 0),
            )
        parts.append(_END.pack(_RETURN_VALUE, request.return_check_value, 0))
    except struct.error:
        return arguments(request.encode())  # which names the field at fault
    return b"".join(parts)


def decode_check_and_mutate(frame: Stretch) -> CheckAndMutateRequest:
    """Read the argument of CHECK_AND_MUTATE.

    Args:
        frame: the request.

    Returns:
        The argument.

    Raises:
        RemoteProtocolError: the arguments are not one check_and_mutate_request.
    """
    return _read_request(frame) or decode_arguments(frame, CheckAndMutateRequest)


def _read_request(frame: Stretch) -> CheckAndMutateRequest | None:
    """Read what ``check_and_mutate_arguments`` wrote; None when it is anything else."""
    body, at, end = frame.body, frame.offset, frame.end
    if at + 17 > end:
        return None
    head, length = _HASH_KEY.unpack_from(body, at)
    hash_key_end = at + 10 + length
    if head != _HASH_KEY_HEAD or hash_key_end + 21 > end:
        return None
    head, length = _SORT_KEY.unpack_from(body, hash_key_end)
    sort_key_end = hash_key_end + 7 + length
    if head != _BLOB_2 or sort_key_end + 14 > end:
        return None
    head, check_type, operand_head, length = _CHECK.unpack_from(body, sort_key_end)
    operand_end = sort_key_end + 14 + length
    if head != _I32_3 or operand_head != _BLOB_4 or operand_end + 8 > end:
        return None
    steps = _read_steps(body, operand_end, end)
    if steps is None or steps[1] + _END.size != end:
        return None
    head, return_value, stops = _END.unpack_from(body, steps[1])
    if head != _RETURN_VALUE or stops != 0:
        return None
    return CheckAndMutateRequest(
        body[at + 10 : hash_key_end],
        body[hash_key_end + 7 : sort_key_end],
        check_type,
        body[sort_key_end + 14 : operand_end],
        steps[0],
        return_value,
    )


def _read_steps(body: bytes, at: int, end: int) -> tuple[Sequence[Mutate], int] | None:
    """Read the list of steps and where it ends; None when it is written otherwise."""
    head, count = _STEPS.unpack_from(body, at)
    if head != _STEPS_HEAD or count > ITEMS_MAX:
        return None
    at += 8
    steps: list[Mutate] = []
    for _ in range(count):
        if at + 14 > end:
            return None
        head, operation, key_head, length = _STEP.unpack_from(body, at)
        key_end = at + 14 + length
        if head != _I32_1 or key_head != _BLOB_2 or key_end + 7 > end:
            return None
        value_head, length = _SORT_KEY.unpack_from(body, key_end)
        value_end = key_end + 7 + length
        if value_head != _BLOB_3 or value_end + 8 > end:
            return None
        head, expire, stop = _STEP_END.unpack_from(body, value_end)
        if head != _I32_4 or stop != 0:
            return None
        steps.append(
            Mutate(operation, body[at + 14 : key_end], body[key_end + 7 : value_end], expire)
        )
        at = value_end + 8
    return tuple(steps), at


def check_response(name: bytes, seqid: int, response: CheckAndResponse) -> bytes:
    """Make a whole reply frame to CHECK_AND_SET or CHECK_AND_MUTATE.

    Args:
        name: the request's RPC name.
        seqid: the request's.
        response: what to answer.

    Returns:
        The frame.
    """
    value = response.check_value
    head = _RESULT.pack(
        _RESULT_HEAD,
        response.error,
        _RETURNED,
        response.check_value_returned,
        _EXISTS,
        response.check_value_exist,
        _BLOB_4,
        len(value),
    )
    place = _RESULT_PLACE.pack(
        _APP_ID,
        response.app_id,
        _PARTITION_INDEX,
        response.partition_index,
        _DECREE,
        response.decree,
    )
    tail = server_tail(8, response.server)
    return encode_response(name, seqid, b"".join((head, value, place, tail)))


def decode_check_result(frame: Stretch) -> CheckAndResponse:
    """Read the reply to CHECK_AND_SET or CHECK_AND_MUTATE.

    Args:
        frame: a reply with ERR_OK.

    Returns:
        The result.

    Raises:
        RemoteProtocolError: the result is not a check_and_set_response.
    """
    return _read_result(frame) or decode_result(frame, CheckAndResponse)


def _read_result(frame: Stretch) -> CheckAndResponse | None:
    """Read what ``check_response`` wrote; None when it is anything else."""
    body, at, end = frame.body, frame.offset, frame.end
    if at + _RESULT.size > end:
        return None
    heads = _RESULT.unpack_from(body, at)
    head, status, returned_head, returned, exists_head, exists, value_head, length = heads
    value_end = at + _RESULT.size + length
    tail_start = value_end + _RESULT_PLACE.size
    if (head, returned_head, exists_head, value_head) != (
        _RESULT_HEAD,
        _RETURNED,
        _EXISTS,
        _BLOB_4,
    ) or not tail_start < end <= tail_start + TAIL_BYTES_MAX:
        return None
    app, app_id, index, partition_index, last, decree = _RESULT_PLACE.unpack_from(body, value_end)
    server = server_of(8, body[tail_start:end])
    if (app, index, last) != (_APP_ID, _PARTITION_INDEX, _DECREE) or server is None:
        return None
    value = body[at + _RESULT.size : value_end]
    return CheckAndResponse(
        status, returned, exists, value, app_id, partition_index, decree, server
    )
