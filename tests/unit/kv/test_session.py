"""The session's straight path, and how it pairs replies with calls."""

import pytest

from pegasus_tab.base.errors import (
    DataError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    UnknownOutcome,
)
from pegasus_tab.base.ids import Gpid
from pegasus_tab.kv.connection import SEQID_MAX
from pegasus_tab.kv.partition_table import PartitionTable
from pegasus_tab.kv.retry import RetryPolicy
from pegasus_tab.kv.session import Session
from pegasus_tab.wire import codes
from pegasus_tab.wire.errors import RemoteProtocolError
from pegasus_tab.wire.fast import get_response
from pegasus_tab.wire.frame import encode_response
from pegasus_tab.wire.messages import (
    IncrResponse,
    PartitionConfiguration,
    QueryConfigResponse,
    ReadResponse,
)
from tests.unit.kv.rig import APP_ID, META, SERVER, SERVER2, Rig, config, ready, refusal

QUERY_VECTOR = bytes.fromhex(
    "544846540000000000000030000000000000004a000000000000000000000000000007d00000000000000000"
    "0000000080010001000000265250435f434d5f51554552595f504152544954494f4e5f434f4e4649475f4259"
    "5f494e444558000000010c00010b00010000000474656d700f000208000000000000"
)
"""Golden vector 1 of the protocol reference: table ``temp``, seqid 1, timeout 2000 ms."""


def test_the_first_call_asks_meta_then_the_primary() -> None:
    rig = Rig()
    call = rig.get()
    rig.reply_config(SERVER, SERVER2)
    request = rig.take(codes.GET)
    assert (request.to, request.gpid) == (SERVER, Gpid(APP_ID, 0))
    assert request.frame.timeout_ms == 1000
    rig.reply_get(request, b"value")
    assert call.result == b"value"
    assert rig.requests == []


def test_the_question_to_meta_is_the_golden_one() -> None:
    session = Session((META,), policy=RetryPolicy(), fraction=lambda: 0.0)
    session.locate("temp", 0.0, 1000)
    assert session.take_connects() == [META]
    session.connected(META)
    assert session.take_output(0.0) == [(META, QUERY_VECTOR)]


def test_one_question_serves_all_calls_that_wait() -> None:
    rig = Rig()
    calls = [rig.get(), rig.put(), rig.incr()]
    rig.reply_config(SERVER, SERVER2)
    assert [r.name for r in rig.requests] == [codes.GET, codes.PUT, codes.INCR]
    rig.reply_incr(rig.requests[2], 7)
    rig.reply_put(rig.requests[1], decree=12)
    rig.reply_get(rig.requests[0], b"v")
    assert [call.result for call in calls] == [b"v", 12, 7]


def test_replies_are_paired_by_number_not_by_order() -> None:
    rig = ready()
    calls = [rig.get() for _ in range(4)]
    for request, value in zip(reversed(rig.requests), (b"3", b"2", b"1", b"0"), strict=True):
        rig.reply_get(request, value)
    assert [call.result for call in calls] == [b"0", b"1", b"2", b"3"]
    assert [call.result for call in rig.session.take_completed()[-4:]] == [b"3", b"2", b"1", b"0"]


def test_a_reply_nobody_waits_for_is_dropped() -> None:
    rig = ready()
    call = rig.get()
    rig.receive(SERVER, get_response(99, 0, b"stray", Gpid(APP_ID, 0), "s"))
    assert not call.done
    rig.reply_get(rig.take(codes.GET), b"mine")
    assert call.result == b"mine"


def test_numbers_start_again_after_the_largest() -> None:
    rig = ready()
    rig.session._board.connections[SERVER]._seqid = SEQID_MAX - 1
    calls = [rig.get(), rig.get()]
    assert [r.frame.seqid for r in rig.requests] == [SEQID_MAX, 1]
    for request in rig.requests:
        rig.reply_get(request, b"%d" % request.frame.seqid)
    assert [call.result for call in calls] == [b"2147483647", b"1"]


def test_bytes_may_come_cut_anywhere() -> None:
    rig = ready()
    calls = [rig.get(), rig.get()]
    frames = b"".join(
        get_response(r.frame.seqid, 0, b"value %d" % r.frame.seqid, r.gpid, "s")
        for r in rig.requests
    )
    for at in range(len(frames)):
        assert calls[1].done is False
        rig.receive(SERVER, frames[at : at + 1])
    assert [call.result for call in calls] == [b"value 1", b"value 2"]


def test_a_missing_row_is_none_and_other_statuses_are_errors() -> None:
    rig = ready()
    missing, bad, damaged = rig.get(), rig.get(), rig.get()
    for status in (1, 4, 2):
        rig.reply(rig.take(codes.GET), ReadResponse(error=status))
    assert missing.result is None
    assert isinstance(bad.result, DataError)
    assert isinstance(damaged.result, InternalError)


def test_increments_of_text_are_the_callers_fault() -> None:
    rig = ready()
    call = rig.incr()
    rig.reply(rig.take(codes.INCR), IncrResponse(error=4))
    assert isinstance(call.result, DataError)
    assert not call.result.ambiguous


def test_locating_asks_once_and_sends_nothing_to_the_partitions() -> None:
    rig = Rig()
    first = rig.session.locate("t", rig.now, 1000)
    rig.carry_out()
    rig.reply_config(SERVER, SERVER2)
    second = rig.session.locate("t", rig.now, 1000)
    rig.carry_out()
    assert rig.requests == []
    assert isinstance(first.result, PartitionTable)
    assert (first.result.app_id, first.result.partition_count) == (APP_ID, 2)
    assert second.result is first.result


def test_a_call_that_is_never_answered_is_over_when_it_is_sent() -> None:
    rig = ready()
    call = rig.submit(rig.calls.clear_scanner_call(0, 5))
    assert rig.take(codes.CLEAR_SCANNER).to == SERVER
    assert call.done
    assert call.result is None


def test_a_missing_table_is_an_error_and_is_asked_for_again_next_time() -> None:
    rig = Rig()
    calls = [rig.get(), rig.incr()]
    rig.reply(rig.take(codes.QUERY_CONFIG), refusal(codes.ERR_OBJECT_NOT_FOUND))
    for call in calls:
        assert isinstance(call.result, ProgrammingError)
        assert call.result.sqlstate == "42P01"
        assert not call.result.ambiguous
    assert calls[0].result is not calls[1].result
    again = rig.get()
    rig.reply_config(SERVER, SERVER2)
    rig.reply_get(rig.take(codes.GET), b"v")
    assert again.result == b"v"


def test_forgetting_a_table_asks_meta_again() -> None:
    rig = ready()
    rig.session.forget("t")
    call = rig.get()
    rig.reply_config(SERVER2, SERVER, app_id=3)
    request = rig.take(codes.GET)
    assert (request.to, request.gpid) == (SERVER2, Gpid(3, 0))
    rig.reply_get(request, b"v")
    assert call.result == b"v"


@pytest.mark.parametrize(
    "response",
    [
        QueryConfigResponse(app_id=2, partition_count=3),
        QueryConfigResponse(app_id=2, partition_count=2, partitions=config(SERVER).partitions),
        QueryConfigResponse(app_id=2, partition_count=1 << 20),
        QueryConfigResponse(app_id=2, partition_count=0),
    ],
)
def test_a_contradictory_configuration_is_refused(response: QueryConfigResponse) -> None:
    rig = Rig()
    call = rig.get()
    rig.reply(rig.take(codes.QUERY_CONFIG), response)
    assert isinstance(call.result, InternalError)


def test_rows_of_a_child_partition_that_is_not_ready_are_at_its_parent() -> None:
    rig = Rig()
    call = rig.submit(rig.calls.get_call(b"\0\1kx"))  # partition 1 of 2
    child = PartitionConfiguration(pid=Gpid(APP_ID, 1), ballot=-1)
    parent = config(SERVER, SERVER2).partitions[0]
    split = QueryConfigResponse(app_id=APP_ID, partition_count=2, partitions=[parent, child])
    rig.reply(rig.take(codes.QUERY_CONFIG), split)
    request = rig.take(codes.GET)
    assert (request.to, request.gpid) == (SERVER, Gpid(APP_ID, 0))
    rig.reply_get(request, b"v")
    assert call.result == b"v"


def test_there_is_a_limit_to_calls_without_a_result() -> None:
    rig = ready()
    calls = [rig.get() for _ in range(8)]
    assert rig.session.room == 0
    with pytest.raises(OperationalError) as refused:
        rig.get()
    assert refused.value.retryable
    rig.reply_get(rig.take(codes.GET), b"v")
    assert rig.session.room == 1
    assert calls[0].done


@pytest.mark.parametrize(
    ("error", "kind", "sqlstate"),
    [
        (codes.ERR_HANDLER_NOT_FOUND, NotSupportedError, "0A000"),
        (codes.ERR_INVALID_DATA, DataError, "54000"),
        (codes.ERR_ACL_DENY, ProgrammingError, "42501"),
        (codes.ERR_INVALID_PARAMETERS, DataError, "22023"),
        (codes.ERR_CORRUPTION, InternalError, "XX001"),
    ],
)
def test_refusals_are_verdicts_even_for_writes(
    error: str, kind: type[Exception], sqlstate: str
) -> None:
    rig = ready()
    call = rig.incr()
    rig.reply(rig.take(codes.INCR), error=error)
    assert isinstance(call.result, kind)
    assert call.result.sqlstate == sqlstate  # type: ignore[attr-defined]  # all of them are ours
    assert not call.result.ambiguous  # type: ignore[attr-defined]
    assert error in str(call.result)


@pytest.mark.parametrize("error", [codes.ERR_TIMEOUT, codes.ERR_UNKNOWN, "ERR_OF_NEXT_YEAR"])
def test_other_errors_leave_a_write_open_and_a_read_just_failed(error: str) -> None:
    rig = ready()
    write, read = rig.incr(), rig.get()
    rig.reply(rig.take(codes.INCR), error=error)
    rig.reply(rig.take(codes.GET), error=error)
    assert isinstance(write.result, UnknownOutcome)
    assert write.result.ambiguous
    assert type(read.result) is OperationalError
    assert not read.result.ambiguous


def test_an_unreadable_reply_is_the_calls_error_and_the_connection_lives() -> None:
    rig = ready()
    write, read = rig.incr(), rig.get()
    request = rig.take(codes.INCR)
    rig.receive(SERVER, encode_response(request.name, request.frame.seqid, b"\x0c\0\0garbage"))
    assert isinstance(write.result, RemoteProtocolError)
    assert write.result.ambiguous
    rig.reply_get(rig.take(codes.GET), b"v")
    assert read.result == b"v"
