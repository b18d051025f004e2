"""Time: deadlines of calls, connections that do not open, servers that fall silent."""

from pegasus_tab.base.errors import OperationalError, UnknownOutcome
from pegasus_tab.base.ids import Gpid
from pegasus_tab.wire import codes
from pegasus_tab.wire.fast import get_response
from tests.unit.kv.rig import APP_ID, META, SERVER, SERVER2, Rig, ready


def test_a_read_without_an_answer_ends_at_its_deadline() -> None:
    rig = ready()
    call = rig.get(timeout_ms=250)
    rig.wait(249)
    assert not call.done
    rig.wait(1)
    assert type(call.result) is OperationalError
    assert call.result.retryable
    assert not call.result.ambiguous
    assert "no answer within 250 ms" in str(call.result)


def test_writes_that_left_are_open_at_their_deadline() -> None:
    rig = ready()
    calls = [rig.put(timeout_ms=250), rig.incr(timeout_ms=250)]
    rig.wait(250)
    for call in calls:
        assert isinstance(call.result, UnknownOutcome)
        assert call.result.ambiguous


def test_a_write_that_could_not_leave_is_certainly_not_applied() -> None:
    rig = ready()
    rig.deaf.add(SERVER)
    call = rig.incr(timeout_ms=250)
    rig.wait(250)
    assert type(call.result) is OperationalError
    assert not call.result.ambiguous


def test_a_call_that_is_postponed_waits_for_its_new_deadline() -> None:
    rig = ready()
    call = rig.get(timeout_ms=250)
    rig.session.postpone(call, rig.now + 10)
    rig.wait(9_999)
    assert not call.done
    rig.session.postpone(call, rig.now + 0.1)
    assert rig.session.next_deadline() <= rig.now + 0.1
    rig.wait(100)
    assert type(call.result) is OperationalError
    error = call.result
    rig.session.postpone(call, rig.now + 10)
    assert call.result is error


def test_the_late_reply_of_an_expired_call_is_dropped() -> None:
    rig = ready()
    call = rig.get(timeout_ms=250)
    request = rig.take(codes.GET)
    rig.wait(250)
    error = call.result
    rig.receive(SERVER, get_response(request.frame.seqid, 0, b"late", Gpid(APP_ID, 0), "s"))
    assert call.result is error


def test_bytes_that_came_before_the_deadline_was_noticed_count() -> None:
    rig = ready()
    call = rig.get(timeout_ms=250)
    rig.now += 10  # the driver was busy elsewhere; it hands bytes in first
    rig.reply_get(rig.take(codes.GET), b"v")
    rig.session.tick(rig.now)
    assert call.result == b"v"


def test_a_deadline_in_a_wait_between_attempts() -> None:
    rig = ready()
    short, long = rig.incr(timeout_ms=24), rig.incr(timeout_ms=1000)
    for request in rig.requests[:2]:
        rig.reply(request, error=codes.ERR_BUSY)
    del rig.requests[:2]
    rig.wait(23)
    for request in rig.requests[:2]:
        rig.reply(request, error=codes.ERR_BUSY)
    assert type(short.result) is OperationalError
    assert not long.done


def test_after_an_expired_call_the_session_looks_whether_the_primary_moved() -> None:
    rig = ready()
    call = rig.get(timeout_ms=250)
    rig.requests.clear()
    rig.wait(250)
    assert call.done
    rig.reply_config(SERVER2, SERVER)
    second = rig.get()
    request = rig.take(codes.GET)
    assert request.to == SERVER2
    rig.reply_get(request, b"v")
    assert second.result == b"v"


def test_a_connection_that_does_not_open_is_given_up() -> None:
    rig = ready()
    rig.deaf.add(SERVER)
    call = rig.incr(timeout_ms=1000)
    rig.wait(300)
    assert rig.closed == [SERVER]
    rig.reply_config(SERVER2, SERVER)
    rig.reply_incr(rig.take(codes.INCR), 4)
    assert call.result == 4


def test_a_silent_connection_is_given_up_after_a_while() -> None:
    rig = ready()
    for _ in range(3):
        rig.get(timeout_ms=400)
        rig.requests.clear()
        rig.wait(400)
        rig.reply_config(SERVER, SERVER2)
    assert rig.closed == []
    rig.get(timeout_ms=400)
    rig.wait(400)
    assert rig.closed == [SERVER], "1600 ms without a byte, the policy says 1500"


def test_a_connection_with_any_answers_is_kept() -> None:
    rig = ready()
    for _ in range(8):
        rig.get(timeout_ms=400)
        answered = rig.get(timeout_ms=400)
        rig.reply_get(rig.requests[1], b"v")
        assert answered.done
        rig.requests.clear()
        rig.wait(400)
        rig.reply_config(SERVER, SERVER2)
    assert rig.closed == []


def test_a_read_follows_its_partition_away_from_a_silent_server() -> None:
    rig = ready()
    call = rig.get(timeout_ms=30_000)
    rig.take(codes.GET)
    rig.wait(1999)
    assert rig.requests == []
    rig.wait(1)
    rig.reply_config(SERVER2, SERVER2)
    again = rig.take(codes.GET)
    assert again.to == SERVER2
    rig.reply_get(again, b"v")
    assert call.result == b"v"
    rig.wait(5000)
    assert rig.requests == [], "nobody is in doubt any more"


def test_writes_at_a_silent_server_are_open_once_another_serves() -> None:
    rig = ready()
    calls = [rig.put(timeout_ms=30_000), rig.incr(timeout_ms=30_000)]
    rig.requests.clear()
    rig.wait(2000)
    rig.reply_config(SERVER2, SERVER2)
    for call in calls:
        assert isinstance(call.result, UnknownOutcome)
        assert str(SERVER) in str(call.result)
    assert rig.requests == [], "what may have happened is not repeated"


def test_meta_is_asked_about_a_silent_server_until_it_answers() -> None:
    rig = ready()
    call = rig.incr(timeout_ms=30_000)
    request = rig.take(codes.INCR)
    for _ in range(3):
        rig.wait(2000)
        rig.reply_config(SERVER, SERVER2)
    assert not call.done
    rig.reply_incr(request, 7)
    assert call.result == 7
    rig.wait(5000)
    assert rig.requests == []


def test_a_late_reply_of_a_server_left_behind_is_dropped() -> None:
    rig = ready()
    call = rig.get(timeout_ms=30_000)
    request = rig.take(codes.GET)
    rig.wait(2000)
    rig.reply_config(SERVER2, SERVER2)
    rig.reply_get(request, b"old")
    assert not call.done
    rig.reply_get(rig.take(codes.GET), b"new")
    assert call.result == b"new"


def test_a_server_with_answers_now_and_then_is_not_left() -> None:
    rig = ready()
    call = rig.get(timeout_ms=30_000)
    rig.take(codes.GET)
    for _ in range(4):
        rig.wait(1500)
        rig.get(timeout_ms=30_000)
        rig.reply_get(rig.take(codes.GET), b"other")
    assert rig.requests == []
    assert not call.done


def test_waiting_for_a_silent_meta_ends_at_the_deadline_and_says_so() -> None:
    rig = Rig()
    call = rig.put(timeout_ms=900)
    rig.wait(900)
    assert type(call.result) is OperationalError
    assert not call.result.ambiguous
    assert str(META) in str(call.result)


def test_nothing_to_do_means_no_deadline() -> None:
    rig = ready()
    call = rig.get(timeout_ms=250)
    rig.reply_get(rig.take(codes.GET), b"v")
    assert call.done
    rig.wait(1000)
    assert rig.session.next_deadline() == float("inf")
