"""Backup policies of a cluster."""

from typing import TYPE_CHECKING

from pegasus_tab.wire import codes
from pegasus_tab.wire.messages_policy import (
    AlterPolicyRequest,
    CreatePolicyRequest,
    DropPolicyRequest,
    ListPoliciesRequest,
    ListPoliciesResponse,
    PolicyInfo,
    PolicyResponse,
)

if TYPE_CHECKING:
    from pegasus_tab.kv.client import Client


def create_policy(client: "Client", request: CreatePolicyRequest) -> None:
    """Make a policy.

    Raises:
        Error: as ``Client.meta``; there is one of that name, or a field is out of its range.
    """
    client.meta(codes.TAB_CREATE_POLICY, request, PolicyResponse)


def alter_policy(client: "Client", request: AlterPolicyRequest) -> None:
    """Change a policy.

    Raises:
        Error: as ``Client.meta``; there is none of that name, or a field is out of its range.
    """
    client.meta(codes.TAB_ALTER_POLICY, request, PolicyResponse, repeatable=True)


def drop_policy(client: "Client", name: str) -> None:
    """Forget a policy.

    Raises:
        Error: as ``Client.meta``; there is none of that name.
    """
    client.meta(codes.TAB_DROP_POLICY, DropPolicyRequest(name), PolicyResponse)


def list_policies(client: "Client") -> list[PolicyInfo]:
    """Return all policies, in order of their making."""
    request = ListPoliciesRequest()
    return list(client.meta(codes.TAB_LIST_POLICIES, request, ListPoliciesResponse).policies)
