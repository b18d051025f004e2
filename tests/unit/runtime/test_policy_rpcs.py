"""Requests about backup policies: what no client could be told of later is refused at once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.jobs.job import Job
from pegasus_server.meta.policies.policy import StoredPolicies
from pegasus_server.runtime.job_driver import JobDriver
from pegasus_server.runtime.policy_driver import PolicyDriver
from pegasus_server.runtime.policy_rpcs import EVERY_SECONDS_MAX, FIRST_AT_MAX, RATE_MAX, PolicyRpcs
from pegasus_tab.base.ids import Gpid
from pegasus_tab.wire import codes
from pegasus_tab.wire.frame import RequestReader, ResponseReader, encode_request
from pegasus_tab.wire.messages import arguments, decode_result
from pegasus_tab.wire.messages_policy import (
    AlterPolicyRequest,
    CreatePolicyRequest,
    ListPoliciesRequest,
    ListPoliciesResponse,
    PolicyResponse,
)
from pegasus_tab.wire.thrift_struct import Struct

CREATE = CreatePolicyRequest("p", ("t",), "/b", 3600, 3, 0, 0)


class Store:
    """Keeps everything at once."""

    def load(self, done: Callable[[StoredPolicies], None], _: Callable[[str], None]) -> None:
        done(StoredPolicies())

    def save(self, _stored: object, done: Callable[[], None], _: Callable[[str], None]) -> None:
        done()


class NoJobs:
    """A store without jobs."""

    def load(self, done: Callable[[list[Job]], None], failed: Callable[[str], None]) -> None:
        """Answer nothing."""

    def save(self, job: Job, done: Callable[[], None], failed: Callable[[str], None]) -> None:
        """Answer nothing."""

    def remove(self, id_: int) -> None:
        """Remove nothing."""


class Bench:
    """A server, and one client's connection to it."""

    local_host = "127.0.0.1"

    def __init__(self) -> None:
        driver = PolicyDriver(
            Store(), JobDriver(NoJobs(), lambda *_: None, lambda _: {}), ClusterState
        )
        driver.lead(is_leading=True)
        self._served = PolicyRpcs(driver).table
        self._replies: list[bytes] = []

    def send(self, reply: bytes) -> None:
        self._replies.append(reply)

    def ask(self, name: bytes, request: Struct) -> bytes:
        sent = encode_request(name, 1, Gpid(0, 0), 0, 1000, arguments(request.encode()))
        (frame,) = RequestReader().feed(sent)
        self._served[name](frame, self)
        return self._replies.pop()

    def change(self, name: bytes, request: Struct) -> PolicyResponse:
        (frame,) = ResponseReader().feed(self.ask(name, request))
        return decode_result(frame, PolicyResponse)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_the_largest_policy_can_be_shown(bench: Bench) -> None:
    largest = replace(
        CREATE, every_seconds=EVERY_SECONDS_MAX, first_at=FIRST_AT_MAX, bytes_per_second=RATE_MAX
    )
    assert bench.change(codes.TAB_CREATE_POLICY, largest).err == codes.ERR_OK
    (frame,) = ResponseReader().feed(bench.ask(codes.TAB_LIST_POLICIES, ListPoliciesRequest()))
    (info,) = decode_result(frame, ListPoliciesResponse).policies
    assert info.next_at == FIRST_AT_MAX
    assert datetime.fromtimestamp(FIRST_AT_MAX + EVERY_SECONDS_MAX, UTC).year < 9999


@pytest.mark.parametrize(
    "request_",
    [
        replace(CREATE, name=""),
        replace(CREATE, target=""),
        replace(CREATE, target="ftq://host/folder"),
        replace(CREATE, tables=("t", "t")),
        replace(CREATE, every_seconds=0),
        replace(CREATE, every_seconds=EVERY_SECONDS_MAX + 1),
        replace(CREATE, keep=0),
        replace(CREATE, first_at=FIRST_AT_MAX + 1),
        replace(CREATE, bytes_per_second=-1),
    ],
)
def test_a_policy_out_of_bounds_is_refused(bench: Bench, request_: CreatePolicyRequest) -> None:
    answer = bench.change(codes.TAB_CREATE_POLICY, request_)
    assert (answer.err, bool(answer.hint)) == (codes.ERR_INVALID_PARAMETERS, True)


def test_a_change_out_of_bounds_is_refused(bench: Bench) -> None:
    assert bench.change(codes.TAB_CREATE_POLICY, CREATE).err == codes.ERR_OK
    for request in (
        AlterPolicyRequest("p", EVERY_SECONDS_MAX + 1, 0, ""),
        AlterPolicyRequest("p", 0, -1, ""),
        AlterPolicyRequest("p", 0, 0, "asleep"),
    ):
        assert bench.change(codes.TAB_ALTER_POLICY, request).err == codes.ERR_INVALID_PARAMETERS
    assert (
        bench.change(codes.TAB_ALTER_POLICY, AlterPolicyRequest("p", 60, 0, "paused")).err
        == codes.ERR_OK
    )
