"""RPCs about backup policies: wire messages to the policy machine and back."""

from collections.abc import Callable, Mapping

from pegasus_server.meta.policies.effects import PolicyAnswer
from pegasus_server.meta.policies.inputs import AlterPolicy, CreatePolicy, DropPolicy, PolicyInput
from pegasus_server.meta.policies.policy import Policy
from pegasus_server.runtime.answer import Client
from pegasus_server.runtime.meta_rpcs import ServeMeta, send
from pegasus_server.runtime.policy_driver import PolicyDriver
from pegasus_tab.base.limits import KIB
from pegasus_tab.export.filesystem import knows_scheme, without_credentials
from pegasus_tab.wire import codes
from pegasus_tab.wire.frame import RequestFrame
from pegasus_tab.wire.messages import decode_arguments
from pegasus_tab.wire.messages_policy import (
    AlterPolicyRequest,
    CreatePolicyRequest,
    DropPolicyRequest,
    ListPoliciesRequest,
    ListPoliciesResponse,
    PolicyInfo,
    PolicyResponse,
)

NAME_CHARACTERS_MAX = 64
TARGET_CHARACTERS_MAX = 2 * KIB
TABLES_MAX = 64
KEEP_MAX = 1000
RATE_MAX = 1 << 62
EVERY_SECONDS_MAX = 1000 * 366 * 24 * 3600
FIRST_AT_MAX = 220_000_000_000
"""In the year 8941: even a period later a client's calendar, which ends with 9999, has the moment."""
STATES: Mapping[str, bool | None] = {"": None, "active": False, "paused": True}


class PolicyRpcs:
    """Serves the RPCs about backup policies.

    Args:
        driver: the policy machine.
    """

    def __init__(self, driver: PolicyDriver) -> None:
        self._driver = driver
        self.table: Mapping[bytes, ServeMeta] = {
            codes.TAB_CREATE_POLICY: self._create,
            codes.TAB_ALTER_POLICY: self._alter,
            codes.TAB_DROP_POLICY: self._drop,
            codes.TAB_LIST_POLICIES: self._list,
        }

    def _create(self, frame: RequestFrame, client: Client) -> None:
        request = decode_arguments(frame, CreatePolicyRequest)
        self._change(frame, client, _fault_of_new(request), lambda token: _creation(request, token))

    def _alter(self, frame: RequestFrame, client: Client) -> None:
        request = decode_arguments(frame, AlterPolicyRequest)

        def event(token: object) -> PolicyInput:
            return AlterPolicy(
                name=request.name,
                every_seconds=request.every_seconds or None,
                keep=request.keep or None,
                is_paused=STATES[request.state],
                token=token,
            )

        self._change(frame, client, _fault_of_change(request), event)

    def _drop(self, frame: RequestFrame, client: Client) -> None:
        request = decode_arguments(frame, DropPolicyRequest)
        self._change(frame, client, "", lambda token: DropPolicy(request.name, token))

    def _change(
        self,
        frame: RequestFrame,
        client: Client,
        fault: str,
        event: Callable[[object], PolicyInput],
    ) -> None:
        def answer(answer: PolicyAnswer) -> None:
            send(frame, client, PolicyResponse(answer.error, answer.hint or None))

        if fault:
            answer(PolicyAnswer(None, codes.ERR_INVALID_PARAMETERS, fault))
        elif self._driver.policies is None:
            answer(PolicyAnswer(None, *self._absence()))
        else:
            self._driver.drive(event(answer))

    def _absence(self) -> tuple[str, str]:
        """Say why there is no machine: nobody leads here, or what is stored cannot be read."""
        if not self._driver.fault:
            return codes.ERR_FORWARD_TO_OTHERS, ""
        return codes.ERR_FILE_OPERATION_FAILED, f"backup policies: {self._driver.fault}"

    def _list(self, frame: RequestFrame, client: Client) -> None:
        decode_arguments(frame, ListPoliciesRequest)
        policies = self._driver.policies
        if policies is None:
            error, hint = self._absence()
            send(frame, client, ListPoliciesResponse(error, (), hint or None))
            return
        infos = [_info(policy) for policy in policies.policies]
        send(frame, client, ListPoliciesResponse(policies=infos))


def _creation(request: CreatePolicyRequest, token: object) -> CreatePolicy:
    return CreatePolicy(
        name=request.name,
        tables=tuple(request.tables),
        target=request.target,
        every_seconds=request.every_seconds,
        keep=request.keep,
        bytes_per_second=request.bytes_per_second,
        first_at=request.first_at,
        token=token,
    )


def _fault_of_new(request: CreatePolicyRequest) -> str:
    """Say what is out of its range, nothing if all is well."""
    if not 0 < len(request.name) <= NAME_CHARACTERS_MAX:
        return f"a policy's name has 1 to {NAME_CHARACTERS_MAX} characters"
    if not 0 < len(request.target) <= TARGET_CHARACTERS_MAX:
        return f"a target has 1 to {TARGET_CHARACTERS_MAX} characters"
    if not knows_scheme(request.target):
        return f"target {without_credentials(request.target)}: no filesystem has such a scheme"
    if len(request.tables) > TABLES_MAX or len(set(request.tables)) < len(request.tables):
        return f"a policy is for at most {TABLES_MAX} tables, each named once, or for ALL"
    if not 0 <= request.bytes_per_second <= RATE_MAX:
        return f"a rate is 0 to {RATE_MAX} bytes a second"
    if not 0 <= request.first_at <= FIRST_AT_MAX:
        return "a policy does not begin later than in the year 8941"
    return _fault_of_numbers(request.every_seconds, request.keep, 1)


def _fault_of_change(request: AlterPolicyRequest) -> str:
    if request.state not in STATES:
        return f"a policy is active or paused, not {request.state[:40]!r}"
    return _fault_of_numbers(request.every_seconds, request.keep, 0)


def _fault_of_numbers(every_seconds: int, keep: int, lowest: int) -> str:
    if not lowest <= every_seconds <= EVERY_SECONDS_MAX:
        return "EVERY is one second to a thousand years"
    if not lowest <= keep <= KEEP_MAX:
        return f"KEEP is 1 to {KEEP_MAX}"
    return ""


def _info(policy: Policy) -> PolicyInfo:
    return PolicyInfo(
        policy.name,
        policy.tables,
        without_credentials(policy.target),
        policy.every_seconds,
        policy.keep,
        policy.bytes_per_second,
        _state(policy),
        0 if policy.is_paused else policy.next_at,
        policy.succeeded,
        policy.fault,
    )


def _state(policy: Policy) -> str:
    if policy.round is not None:
        return "running" if policy.round.waiting else "retrying"
    return "paused" if policy.is_paused else "waiting"
