"""The last step of a restore, whatever meta answers, and however often it is repeated."""

from typing import Any

import pytest

from pegasus_server.transfer import restore_steps
from pegasus_server.transfer.order import WorkerOrder
from pegasus_server.transfer.restore_steps import finish_restore
from pegasus_tab.base.errors import OperationalError, ProgrammingError
from pegasus_tab.wire import codes
from pegasus_tab.wire.messages import (
    AppInfo,
    ListAppsResponse,
    RenameAppResponse,
    UpdateAppEnvResponse,
)

ORDER = WorkerOrder(
    kind="restore",
    step="finish",
    job=1,
    attempt=1,
    partition=0,
    options={"table": "t__new", "name": "t", "app_id": 7},
    plan={},
    metas=("127.0.0.1:1",),
)


class FakeMeta:
    """Answers with the errors it was given; no such table once it was renamed."""

    def __init__(self, forget: str = codes.ERR_OK, rename: str = codes.ERR_OK) -> None:
        self.errors = {codes.UPDATE_APP_ENV: forget, codes.RENAME_APP: rename}
        self.name = "t__new"
        self.asked: list[bytes] = []

    def ask(self, _metas: object, rpc: bytes, _request: object, _answer: object) -> Any:
        self.asked.append(rpc)
        if rpc == codes.LIST_APPS:
            return ListAppsResponse(infos=[AppInfo(app_id=7, app_name=self.name)])
        error = self.errors[rpc] if self.name == "t__new" else codes.ERR_APP_NOT_EXIST
        if rpc == codes.UPDATE_APP_ENV:
            return UpdateAppEnvResponse(error, "")
        if error == codes.ERR_OK:
            self.name = "t"
        return RenameAppResponse(error, "")


@pytest.fixture
def meta(monkeypatch: pytest.MonkeyPatch) -> FakeMeta:
    meta = FakeMeta()
    monkeypatch.setattr(restore_steps, "ask_leader", meta.ask)
    return meta


def finish() -> dict[str, Any]:
    return finish_restore(ORDER, lambda _: None).result


def test_the_table_gets_its_name_and_the_step_may_be_repeated(meta: FakeMeta) -> None:
    assert finish() == {"table": "t"}
    assert meta.name == "t"
    assert finish() == {"table": "t"}


def test_a_table_that_is_still_marked_is_not_renamed(meta: FakeMeta) -> None:
    meta.errors[codes.UPDATE_APP_ENV] = codes.ERR_TIMEOUT
    with pytest.raises(OperationalError, match="ERR_TIMEOUT"):
        finish()
    assert meta.name == "t__new"


def test_a_name_that_was_taken_meanwhile_is_told_at_once(meta: FakeMeta) -> None:
    meta.errors[codes.RENAME_APP] = codes.ERR_APP_EXIST
    with pytest.raises(ProgrammingError) as caught:
        finish()
    assert caught.value.sqlstate == "42P07"
    assert "t__new" in str(caught.value.hint)
