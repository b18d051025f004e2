"""A call made for one table never reaches another that was made under its name."""

from pegasus_tab.base.errors import ProgrammingError, UnknownOutcome
from pegasus_tab.kv.call import WAITING
from pegasus_tab.kv.table_calls import TableCalls
from pegasus_tab.wire import codes
from tests.unit.kv.rig import APP_ID, SERVER, Rig

KEY = b"\0\1ax"
NEW_ID = APP_ID + 1


def calls(app_id: int) -> TableCalls:
    return TableCalls("t", lambda: 1_500_000_000.0, app_id)


def test_a_call_for_the_table_known_goes_there() -> None:
    rig = Rig()
    pending = rig.submit(calls(APP_ID).get_call(KEY))
    rig.reply_config(SERVER)
    rig.reply_get(rig.take(codes.GET), b"v")
    assert pending.result == b"v"


def test_a_table_made_anew_is_looked_up_once_more_and_found() -> None:
    rig = Rig()
    rig.submit(calls(APP_ID).get_call(KEY))
    rig.reply_config(SERVER)
    rig.reply_get(rig.take(codes.GET), b"old")
    pending = rig.submit(calls(NEW_ID).get_call(KEY))
    rig.reply_config(SERVER, app_id=NEW_ID)
    request = rig.take(codes.GET)
    assert request.gpid.app_id == NEW_ID
    rig.reply_get(request, b"new")
    assert pending.result == b"new"


def test_a_table_that_was_replaced_refuses_calls_for_the_old_one() -> None:
    rig = Rig()
    rig.submit(calls(APP_ID).get_call(KEY))
    rig.reply_config(SERVER)
    rig.reply_get(rig.take(codes.GET), b"old")
    pending = rig.submit(calls(APP_ID).set_call(b"a", b"x", b"v"))
    rig.reply(rig.take(codes.PUT), error=codes.ERR_OBJECT_NOT_FOUND)
    rig.reply_config(SERVER, app_id=NEW_ID)
    assert isinstance(pending.result, ProgrammingError)
    assert pending.result.sqlstate == "42P01"
    assert rig.requests == []


def test_a_write_that_may_have_run_before_says_so() -> None:
    rig = Rig()
    pending = rig.submit(calls(APP_ID).set_call(b"a", b"x", b"v"))
    rig.reply_config(SERVER)
    rig.take(codes.PUT)
    rig.lose(SERVER)
    rig.reply_config(SERVER, app_id=NEW_ID)
    assert pending.result is not WAITING
    assert isinstance(pending.result, UnknownOutcome)
