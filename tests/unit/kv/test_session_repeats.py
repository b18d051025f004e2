"""What the session repeats, where and after how long, and what it must not repeat."""

import pytest

from pegasus_tab.base.errors import OperationalError, QueryCanceled, UnknownOutcome
from pegasus_tab.base.ids import Gpid
from pegasus_tab.kv.call import WAITING as WAITING_RESULT
from pegasus_tab.wire import codes
from pegasus_tab.wire.address import NO_ADDRESS
from pegasus_tab.wire.fast import get_response
from tests.unit.kv.rig import APP_ID, META, SERVER, SERVER2, Rig, ready

REFRESHING = [codes.ERR_OBJECT_NOT_FOUND, codes.ERR_INVALID_STATE, codes.ERR_INACTIVE_STATE]
WAITING = [codes.ERR_BUSY, codes.ERR_NOT_ENOUGH_MEMBER, codes.ERR_CAPACITY_EXCEEDED]


@pytest.mark.parametrize("error", REFRESHING)
def test_a_wrong_server_leads_to_meta_and_the_right_one(error: str) -> None:
    rig = ready()
    call = rig.incr()  # not even started there, so an increment goes on as well
    rig.reply(rig.take(codes.INCR), error=error)
    rig.reply_config(SERVER2, SERVER)
    request = rig.take(codes.INCR)
    assert (request.to, request.gpid) == (SERVER2, Gpid(APP_ID, 0))
    rig.reply_incr(request, 5)
    assert call.result == 5


@pytest.mark.parametrize("error", WAITING)
def test_a_busy_server_is_asked_again_later_and_meta_is_not(error: str) -> None:
    rig = ready()
    call = rig.incr()
    for pause in (5, 10, 20, 40, 40):  # half of 10, 20, 40, 80, 80 ms: the rig draws no jitter
        rig.reply(rig.take(codes.INCR), error=error)
        rig.wait(pause - 1)
        assert rig.requests == []
        rig.wait(1)
    rig.reply_incr(rig.take(codes.INCR), 5)
    assert call.result == 5


def test_a_disk_that_stays_full_is_named_in_the_end() -> None:
    rig = ready()
    call = rig.incr()
    while call.result is WAITING_RESULT:
        if rig.requests:
            rig.reply(rig.take(codes.INCR), error=codes.ERR_CAPACITY_EXCEEDED)
        rig.wait(5)
    assert isinstance(call.result, OperationalError)
    assert not call.result.ambiguous
    assert call.result.sqlstate == "53100"
    assert "free space" in str(call.result)


def test_the_same_wrong_server_is_asked_again_after_growing_waits() -> None:
    rig = ready()
    call = rig.get()
    rig.reply(rig.take(codes.GET), error=codes.ERR_INVALID_STATE)
    rig.reply_config(SERVER, SERVER2)  # at once, and it has not moved
    for pause in (10, 20, 40):
        rig.reply(rig.take(codes.GET), error=codes.ERR_INVALID_STATE)
        rig.wait(pause - 1)
        assert rig.requests == []
        rig.wait(1)
        rig.reply_config(SERVER, SERVER2)
    rig.reply_get(rig.take(codes.GET), b"v")
    assert call.result == b"v"


def test_a_refusal_that_comes_late_asks_meta_once_more() -> None:
    rig = ready()
    first, second = rig.get(), rig.get()
    rig.reply(rig.take(codes.GET), error=codes.ERR_INVALID_STATE)
    late = rig.requests.pop(0)
    rig.reply_config(SERVER2, SERVER)
    rig.reply_get(rig.take(codes.GET), b"1")
    rig.reply(late, error=codes.ERR_INVALID_STATE)
    rig.reply_config(SERVER2, SERVER)
    rig.reply_get(rig.take(codes.GET), b"2")
    assert [first.result, second.result] == [b"1", b"2"]


def test_a_partition_without_a_primary_is_waited_for() -> None:
    rig = Rig()
    call = rig.put()
    for pause in (0, 10, 20):
        rig.wait(pause)
        rig.reply_config(NO_ADDRESS, SERVER2)
    rig.wait(40)
    rig.reply_config(SERVER, SERVER2)
    rig.reply_put(rig.take(codes.PUT), decree=3)
    assert call.result == 3


def test_it_gives_up_when_no_attempt_fits_before_the_deadline() -> None:
    rig = ready()
    call = rig.incr(timeout_ms=30)
    rig.reply(rig.take(codes.INCR), error=codes.ERR_BUSY)
    rig.wait(5)
    rig.reply(rig.take(codes.INCR), error=codes.ERR_BUSY)
    rig.wait(10)
    rig.reply(rig.take(codes.INCR), error=codes.ERR_BUSY)  # the next wait is 20 ms, 15 are left
    assert type(call.result) is OperationalError
    assert call.result.retryable
    assert not call.result.ambiguous
    assert "gave up after 3 attempts" in str(call.result)
    assert codes.ERR_BUSY in str(call.result)


# -- lost connections ----------------------------------------------------------------------------


def test_what_had_not_left_is_repeated_without_doubt() -> None:
    rig = ready()
    rig.deaf.add(SERVER)
    call = rig.incr()
    rig.opening.discard(SERVER)
    rig.session.disconnected(SERVER, "connection refused", rig.now, by_peer=True)
    rig.carry_out()
    rig.reply_config(SERVER2, SERVER)
    rig.reply_incr(rig.take(codes.INCR), 1)
    assert call.result == 1


def test_reads_and_repeatable_writes_survive_a_lost_connection() -> None:
    rig = ready()
    read, write = rig.get(), rig.put()
    rig.requests.clear()
    rig.lose(SERVER)
    rig.reply_config(SERVER2, SERVER)
    rig.reply_get(rig.take(codes.GET), b"v")
    rig.reply_put(rig.take(codes.PUT), decree=9)
    assert [read.result, write.result] == [b"v", 9]


def test_a_write_that_the_server_may_still_read_is_not_repeated() -> None:
    rig = ready()
    read, write = rig.get(), rig.put()
    rig.requests.clear()
    rig.lose(SERVER, by_peer=False)
    assert isinstance(write.result, UnknownOutcome), "it could overwrite what is written after it"
    rig.reply_config(SERVER2, SERVER)
    rig.reply_get(rig.take(codes.GET), b"v")
    assert read.result == b"v"


def test_an_increment_that_left_is_never_repeated() -> None:
    rig = ready()
    call = rig.incr()
    rig.requests.clear()
    rig.lose(SERVER)
    assert isinstance(call.result, UnknownOutcome)
    assert call.result.ambiguous
    assert "connection reset by peer" in str(call.result)
    assert rig.requests == []


def test_a_repeated_write_stays_open_when_its_repetition_fails() -> None:
    rig = ready()
    call = rig.put()
    rig.requests.clear()
    rig.lose(SERVER)
    rig.reply_config(SERVER2, SERVER)
    rig.reply(rig.take(codes.PUT), error=codes.ERR_INVALID_DATA)
    assert isinstance(call.result, UnknownOutcome), "the first attempt may have been applied"


def test_a_lost_write_whose_table_is_gone_stays_open() -> None:
    rig = ready()
    write, read = rig.put(), rig.get()
    rig.requests.clear()
    rig.lose(SERVER)
    rig.reply(rig.take(codes.QUERY_CONFIG), error=codes.ERR_ACL_DENY)
    assert isinstance(write.result, UnknownOutcome)
    assert not isinstance(read.result, UnknownOutcome)


def test_the_numbers_of_a_new_connection_start_afresh() -> None:
    rig = ready()
    first = rig.get()
    old = rig.take(codes.GET)
    rig.lose(SERVER)
    rig.reply_config(SERVER, SERVER2)
    rig.receive(SERVER, b"")  # a stray empty chunk means nothing
    new = rig.take(codes.GET)
    assert new.frame.seqid > old.frame.seqid
    rig.reply_get(new, b"v")
    assert first.result == b"v"


def test_half_a_reply_is_forgotten_with_its_connection() -> None:
    rig = ready()
    call = rig.get()
    request = rig.take(codes.GET)
    rig.receive(SERVER, b"\0\0\0\x6d\0\0")
    rig.lose(SERVER)
    rig.reply_config(SERVER, SERVER2)
    rig.reply_get(rig.take(codes.GET), b"v")
    assert request.to == SERVER
    assert call.result == b"v"


def test_a_stream_that_is_no_protocol_is_closed() -> None:
    rig = ready()
    call = rig.get(timeout_ms=400)
    answered = rig.get()
    first, second = rig.requests
    rig.requests.clear()
    rig.session.received(SERVER, _reply_then_garbage(second.frame.seqid), rig.now)
    rig.carry_out()
    assert rig.closed == [SERVER]
    assert answered.result == b"ok", "frames before the fault count"
    assert first.to == SERVER
    rig.reply_config(SERVER, SERVER2)
    rig.reply_get(rig.take(codes.GET), b"v")
    assert call.result == b"v"


def _reply_then_garbage(seqid: int) -> bytes:
    return get_response(seqid, 0, b"ok", Gpid(APP_ID, 0), "s") + b"HTTP/1.1 400 Bad Request\r\n"


# -- abandoned calls -----------------------------------------------------------------------------


def test_an_abandoned_call_in_the_queue_does_not_leave() -> None:
    rig = ready()
    rig.deaf.add(SERVER)
    kept, dropped = rig.get(), rig.incr()
    rig.session.abandon(dropped)
    rig.opening.discard(SERVER)
    rig.deaf.clear()
    rig.open[SERVER] = type(rig.open[META])(1 << 20)
    rig.session.connected(SERVER)
    rig.carry_out()
    assert [r.name for r in rig.requests] == [codes.GET]
    assert isinstance(dropped.result, QueryCanceled)
    assert not kept.done
    assert rig.session.room == 7


def test_an_abandoned_call_that_left_takes_no_harm_from_its_late_reply() -> None:
    rig = ready()
    call = rig.get()
    rig.session.abandon(call)
    assert rig.session.room == 7, "its number is still taken"
    rig.reply_get(rig.take(codes.GET), b"late")
    assert rig.session.room == 8
    follower = rig.get()
    rig.reply_get(rig.take(codes.GET), b"mine")
    assert follower.result == b"mine"


def test_an_abandoned_call_is_not_repeated() -> None:
    rig = ready()
    lost, busy, waiting = rig.put(), rig.get(), rig.get()
    rig.reply(rig.requests[1], error=codes.ERR_BUSY)
    for call in (lost, busy, waiting):
        rig.session.abandon(call)
    assert isinstance(busy.result, QueryCanceled)
    rig.requests.clear()
    rig.lose(SERVER)
    rig.wait(500)
    assert rig.requests == []
    assert isinstance(lost.result, UnknownOutcome)
    assert isinstance(waiting.result, QueryCanceled)
    assert rig.session.room == 8


def test_abandoning_while_the_table_is_looked_up() -> None:
    rig = Rig()
    call = rig.put()
    rig.session.abandon(call)
    assert isinstance(call.result, QueryCanceled)
    rig.reply_config(SERVER, SERVER2)
    assert rig.requests == []
