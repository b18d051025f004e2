"""CREATE, ALTER and DROP BACKUP POLICY, and SHOW BACKUP POLICIES."""

from dataclasses import dataclass
from datetime import timedelta

from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.context import Context
from pegasus_tab.execute.result import ResultSet, named_result
from pegasus_tab.execute.transfer import absolute, moment
from pegasus_tab.kv.policies import alter_policy, create_policy, drop_policy, list_policies
from pegasus_tab.sql.column_types import INT, TEXT, TIMESTAMP
from pegasus_tab.sql.policy_nodes import (
    AlterPolicy,
    CreatePolicy,
    DropPolicy,
    ListPolicies,
    PolicyPlan,
)
from pegasus_tab.wire.messages_policy import AlterPolicyRequest, CreatePolicyRequest, PolicyInfo


@dataclass(frozen=True, slots=True)
class PolicyExecutor:
    """Tells meta what is wanted, or asks it how policies stand."""

    plan: PolicyPlan

    def execute(self, context: Context, bindings: Bindings) -> ResultSet:  # noqa: ARG002 -- as all executors
        """Return nothing, or a row for each policy."""
        match self.plan:
            case CreatePolicy() as plan:
                create_policy(context.meta, _creation(plan))
            case AlterPolicy() as plan:
                alter_policy(context.meta, _change(plan))
            case DropPolicy(name=name):
                drop_policy(context.meta, name)
            case ListPolicies():
                return _listing(context)
        return ResultSet.of_change(-1)


def _creation(plan: CreatePolicy) -> CreatePolicyRequest:
    return CreatePolicyRequest(
        plan.name,
        plan.tables,
        absolute(plan.target),
        plan.every_seconds,
        plan.keep,
        plan.bytes_per_second,
        plan.first_at,
    )


def _change(plan: AlterPolicy) -> AlterPolicyRequest:
    state = "" if plan.is_paused is None else "paused" if plan.is_paused else "active"
    return AlterPolicyRequest(plan.name, plan.every_seconds or 0, plan.keep or 0, state)


def _listing(context: Context) -> ResultSet:
    columns = {
        "policy": TEXT,
        "tables": TEXT,
        "target": TEXT,
        "every": TEXT,
        "keep": INT,
        "state": TEXT,
        "next": TIMESTAMP,
        "succeeded": TIMESTAMP,
        "fault": TEXT,
    }
    return named_result(columns, [_row(info) for info in list_policies(context.meta)])


def _row(info: PolicyInfo) -> tuple[object, ...]:
    return (
        info.name,
        ", ".join(info.tables) or "ALL",
        info.target,
        str(timedelta(seconds=info.every_seconds)),
        info.keep,
        info.state,
        moment(info.next_at),
        moment(info.succeeded),
        info.fault or None,
    )
