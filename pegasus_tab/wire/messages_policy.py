"""Requests and responses about backup policies. All are ours.

``hint`` comes only with an error.
"""

from collections.abc import Sequence
from typing import Annotated

from pegasus_tab.wire.binary import ERROR_CODE, I32, I64, STRING, list_of
from pegasus_tab.wire.thrift_struct import Struct, struct_of, thrift_struct


@thrift_struct
class CreatePolicyRequest(Struct):
    """Make a policy; no ``tables`` are all, ``first_at`` is unix seconds or 0 for at once."""

    name: Annotated[str, STRING(1)] = ""
    tables: Annotated[Sequence[str], list_of(STRING)(2)] = ()
    target: Annotated[str, STRING(3)] = ""
    every_seconds: Annotated[int, I64(4)] = 0
    keep: Annotated[int, I32(5)] = 0
    bytes_per_second: Annotated[int, I64(6)] = 0
    first_at: Annotated[int, I64(7)] = 0


@thrift_struct
class AlterPolicyRequest(Struct):
    """Change a policy; 0 and "" leave as it is, ``state`` is "paused" or "active"."""

    name: Annotated[str, STRING(1)] = ""
    every_seconds: Annotated[int, I64(2)] = 0
    keep: Annotated[int, I32(3)] = 0
    state: Annotated[str, STRING(4)] = ""


@thrift_struct
class DropPolicyRequest(Struct):
    """Forget a policy; its backups stay."""

    name: Annotated[str, STRING(1)] = ""


@thrift_struct
class PolicyResponse(Struct):
    """Answer to TAB_CREATE_POLICY, TAB_ALTER_POLICY and TAB_DROP_POLICY."""

    err: Annotated[str, ERROR_CODE(1)] = "ERR_OK"
    hint: Annotated[str | None, STRING(2)] = None


@thrift_struct
class PolicyInfo(Struct):
    """How a policy stands; moments are unix seconds, 0 for never.

    ``state`` is waiting, running, retrying or paused; ``fault`` is what the last round met.
    """

    name: Annotated[str, STRING(1)] = ""
    tables: Annotated[Sequence[str], list_of(STRING)(2)] = ()
    target: Annotated[str, STRING(3)] = ""
    every_seconds: Annotated[int, I64(4)] = 0
    keep: Annotated[int, I32(5)] = 0
    bytes_per_second: Annotated[int, I64(6)] = 0
    state: Annotated[str, STRING(7)] = ""
    next_at: Annotated[int, I64(8)] = 0
    succeeded: Annotated[int, I64(9)] = 0
    fault: Annotated[str, STRING(10)] = ""


@thrift_struct
class ListPoliciesRequest(Struct):
    """How all policies stand."""


@thrift_struct
class ListPoliciesResponse(Struct):
    """Answer to TAB_LIST_POLICIES, in order of their making."""

    err: Annotated[str, ERROR_CODE(1)] = "ERR_OK"
    policies: Annotated[Sequence[PolicyInfo], list_of(struct_of(PolicyInfo))(2)] = ()
    hint: Annotated[str | None, STRING(3)] = None
