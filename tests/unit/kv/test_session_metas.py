"""Talking to meta servers: forwards, failures, several of them, and the callers' own meta calls."""

import pytest

from pegasus_tab.base.errors import OperationalError, UnknownOutcome
from pegasus_tab.kv.call import Call, Effect, Method
from pegasus_tab.wire import codes
from pegasus_tab.wire.address import Address
from pegasus_tab.wire.frame import ResponseFrame
from pegasus_tab.wire.messages import (
    CreateAppRequest,
    CreateAppResponse,
    QueryConfigResponse,
    arguments,
    decode_result,
)
from tests.unit.kv.rig import META, META2, POLICY, SERVER, SERVER2, Rig, forward, refusal


def create_call(effect: Effect = Effect.SINGLE_WRITE) -> Call[CreateAppResponse]:
    def decode(frame: ResponseFrame) -> CreateAppResponse:
        return decode_result(frame, CreateAppResponse)

    method = Method(codes.CREATE_APP, decode, effect)
    return Call("", method, 0, arguments(CreateAppRequest("t").encode()))


def test_a_forward_is_followed() -> None:
    rig = Rig((META, META2))
    call = rig.get()
    rig.reply(rig.take(codes.QUERY_CONFIG), forward(META2))
    assert rig.requests[0].to == META2
    rig.reply_config(SERVER, SERVER2)
    rig.reply_get(rig.take(codes.GET), b"v")
    assert call.result == b"v"


def test_a_forward_may_name_a_server_that_was_not_configured() -> None:
    rig = Rig((META,))
    call = rig.get()
    rig.reply(rig.take(codes.QUERY_CONFIG), forward(META2))
    assert rig.requests[0].to == META2
    rig.reply_config(SERVER, SERVER2)
    assert not call.done
    assert [r.name for r in rig.requests] == [codes.GET]


def test_servers_that_forward_to_each_other_are_asked_ever_more_slowly() -> None:
    rig = Rig((META, META2))
    call = rig.get(timeout_ms=200)
    asked = 0
    while not call.done:
        while rig.requests:
            request = rig.requests.pop(0)
            asked += 1
            rig.reply(request, forward(META2 if request.to == META else META))
        rig.wait(1)
    assert 4 <= asked <= 12
    assert type(call.result) is OperationalError


def test_a_meta_server_without_a_leader_to_name_leads_to_the_next() -> None:
    rig = Rig((META, META2))
    rig.get()
    rig.reply(rig.take(codes.QUERY_CONFIG), forward())
    assert rig.requests[0].to == META2


@pytest.mark.parametrize("err", [codes.ERR_SERVICE_NOT_ACTIVE, codes.ERR_UNDER_RECOVERY])
def test_a_leader_that_is_not_ready_is_asked_again_later(err: str) -> None:
    rig = Rig((META,))
    call = rig.get()
    rig.reply(rig.take(codes.QUERY_CONFIG), refusal(err))
    rig.reply(rig.take(codes.QUERY_CONFIG), refusal(err))
    assert rig.requests == []
    rig.wait(5)
    rig.reply_config(SERVER, SERVER2)
    rig.reply_get(rig.take(codes.GET), b"v")
    assert call.result == b"v"


def test_a_table_that_is_being_created_is_waited_for() -> None:
    rig = Rig((META,))
    call = rig.get()
    for _ in range(3):
        rig.reply(rig.take(codes.QUERY_CONFIG), refusal(codes.ERR_BUSY_CREATING))
        rig.wait(20)
    rig.reply_config(SERVER, SERVER2)
    rig.reply_get(rig.take(codes.GET), b"v")
    assert call.result == b"v"


def test_a_refused_connection_leads_to_the_next_server() -> None:
    rig = Rig((META, META2))
    rig.down.add(META)
    rig.get()
    assert rig.requests[0].to == META2


def test_a_silent_server_leads_to_the_next() -> None:
    rig = Rig((META, META2))
    call = rig.get()
    assert rig.take(codes.QUERY_CONFIG).to == META
    rig.wait(200)
    assert rig.requests[0].to == META2
    rig.reply_config(SERVER, SERVER2)
    rig.reply_get(rig.take(codes.GET), b"v")
    assert call.result == b"v"


def test_a_server_that_does_not_accept_leads_to_the_next() -> None:
    rig = Rig((META, META2))
    rig.deaf.add(META)
    rig.get()
    rig.wait(200)
    assert rig.requests[0].to == META2


def test_when_no_server_was_ever_reached_calls_fail_at_once() -> None:
    rig = Rig((META, META2))
    rig.down |= {META, META2}
    calls = [rig.get(timeout_ms=60_000), rig.submit(create_call(), timeout_ms=60_000)]
    for call in calls:
        assert type(call.result) is OperationalError
        assert call.result.retryable
        assert not call.result.ambiguous
        assert call.result.sqlstate == "08001"
        assert "connection refused" in str(call.result)


def test_servers_that_were_reached_once_are_waited_for() -> None:
    rig = Rig((META,))
    rig.get()
    rig.reply_config(SERVER, SERVER2)
    rig.requests.clear()
    rig.down |= {META, SERVER}
    rig.lose(META)
    rig.lose(SERVER)
    rig.wait(300)
    rig.down.clear()
    rig.wait(90)
    rig.reply_config(SERVER, SERVER2)
    assert [r.name for r in rig.requests] == [codes.GET]


def test_new_addresses_replace_the_old_ones() -> None:
    rig = Rig((META,))
    rig.get()
    rig.requests.clear()
    rig.session.replace_metas([META2])
    rig.lose(META)
    assert rig.requests[0].to == META2


def test_a_callers_meta_call_gets_meta_s_answer_with_its_error() -> None:
    rig = Rig((META,))
    call = rig.submit(create_call())
    answer = CreateAppResponse(err=codes.ERR_APP_EXIST, appid=0)
    rig.reply(rig.take(codes.CREATE_APP), answer)
    assert call.result == answer


def test_a_callers_meta_call_follows_forwards() -> None:
    rig = Rig((META, META2))
    call = rig.submit(create_call())
    rig.reply(rig.take(codes.CREATE_APP), CreateAppResponse(err=codes.ERR_FORWARD_TO_OTHERS))
    request = rig.take(codes.CREATE_APP)
    assert request.to == META2
    rig.reply(request, CreateAppResponse(appid=5))
    assert call.result == CreateAppResponse(appid=5)


def elsewhere() -> CreateAppResponse:
    return CreateAppResponse(err=codes.ERR_FORWARD_TO_OTHERS)


def test_a_callers_meta_call_finds_a_leader_that_was_not_configured() -> None:
    rig = Rig((META,))
    call = rig.submit(create_call())
    rig.reply(rig.take(codes.CREATE_APP), elsewhere())
    rig.reply(rig.take(codes.QUERY_CONFIG), forward(META2))
    rig.reply(rig.take(codes.CREATE_APP), elsewhere())
    rig.wait(20)
    request = rig.take(codes.CREATE_APP)
    assert request.to == META2
    rig.reply(request, CreateAppResponse(appid=5))
    assert call.result == CreateAppResponse(appid=5)
    assert rig.session.room == POLICY.calls_max


@pytest.mark.parametrize(
    "answer", [forward(), refusal(codes.ERR_OBJECT_NOT_FOUND), refusal(codes.ERR_UNDER_RECOVERY)]
)
def test_a_leader_nobody_names_yet_is_asked_for_again(answer: QueryConfigResponse) -> None:
    rig = Rig((META,))
    call = rig.submit(create_call(), timeout_ms=60_000)
    rig.reply(rig.take(codes.CREATE_APP), elsewhere())
    rig.reply(rig.take(codes.QUERY_CONFIG), answer)
    rig.reply(rig.take(codes.CREATE_APP), elsewhere())
    rig.reply(rig.take(codes.QUERY_CONFIG), forward(META2))
    rig.wait(20)
    request = rig.take(codes.CREATE_APP)
    assert request.to == META2
    rig.reply(request, CreateAppResponse(appid=5))
    assert call.result == CreateAppResponse(appid=5)


def test_who_leads_is_asked_once_at_a_time_and_again_when_nobody_answers() -> None:
    rig = Rig((META,))
    for _ in range(3):
        rig.submit(create_call(), timeout_ms=60_000)
    for _ in range(3):
        rig.reply(rig.take(codes.CREATE_APP), elsewhere())
    assert [each.name for each in rig.requests].count(codes.QUERY_CONFIG) == 1
    rig.wait(250)
    rig.requests = [each for each in rig.requests if each.name != codes.QUERY_CONFIG]
    rig.reply(rig.take(codes.CREATE_APP), elsewhere())
    assert [each.name for each in rig.requests].count(codes.QUERY_CONFIG) == 1


def test_a_lost_meta_call_is_repeated_only_when_that_is_harmless() -> None:
    rig = Rig((META, META2))
    once = rig.submit(create_call())
    repeatable = rig.submit(create_call(Effect.REPEATABLE_WRITE))
    rig.requests.clear()
    rig.lose(META)
    assert isinstance(once.result, UnknownOutcome)
    request = rig.take(codes.CREATE_APP)
    assert request.to == META2
    rig.reply(request, CreateAppResponse(appid=5))
    assert repeatable.result == CreateAppResponse(appid=5)


def test_a_busy_meta_server_is_passed_over() -> None:
    rig = Rig((META, META2))
    call = rig.submit(create_call())
    rig.reply(rig.take(codes.CREATE_APP), error=codes.ERR_BUSY)
    request = rig.take(codes.CREATE_APP)
    assert request.to == META2
    assert not call.done


def test_the_list_of_servers_learned_from_forwards_is_bounded() -> None:
    rig = Rig((META,))
    rig.get(timeout_ms=60_000)
    for number in range(40):
        rig.reply(rig.take(codes.QUERY_CONFIG), forward(Address(f"10.9.0.{number}", 1)))
        rig.wait(80)
    assert len(rig.session._dialogue._metas.addresses) == 16
