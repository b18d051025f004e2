"""Statements that change tables themselves, through the meta server; the catalog sees them at once."""

from dataclasses import dataclass
from typing import TypeAlias

from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.context import Context
from pegasus_tab.execute.result import ResultSet
from pegasus_tab.kv.client import Client
from pegasus_tab.sql.plan_nodes import (
    AlterOptions,
    AlterTable,
    CreateTable,
    DropTable,
    RecallTable,
    RenameTable,
)
from pegasus_tab.sql.render import quoted
from pegasus_tab.tabular.schema import SCHEMA_ENV
from pegasus_tab.tabular.schema_json import to_json
from pegasus_tab.wire.codes import RECALL_APP
from pegasus_tab.wire.messages import RecallAppRequest, RecallAppResponse

Definition: TypeAlias = (
    CreateTable | DropTable | RecallTable | AlterTable | AlterOptions | RenameTable
)
Notices: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DefinitionExecutor:
    """Carries one such statement out."""

    plan: Definition

    def execute(self, context: Context, bindings: Bindings) -> ResultSet:  # noqa: ARG002 -- as all executors
        """Change the table; the next look at the catalog shows it."""
        try:
            notices = self._apply(context.meta)
        finally:
            # Also after an error: a lost answer may belong to a change that happened.
            context.catalog.invalidate()
        return ResultSet.of_change(-1, notices)

    def _apply(self, client: Client) -> Notices:
        match self.plan:
            case CreateTable() as plan:
                return _create(client, plan)
            case DropTable(name=name, if_exists=if_exists):
                return _drop(client, name, if_exists=if_exists)
            case RecallTable() as plan:
                return _recall(client, plan)
            case AlterTable(table=table, schema=schema) if schema is table.schema:
                return (f'table "{table.name}" is like that already, nothing was done',)
            case AlterTable(table=table, schema=schema):
                client.set_envs(table.name, {SCHEMA_ENV: to_json(schema)})
            case AlterOptions(table=table, envs=envs, replicas=replicas):
                changed = {name: value for name, value in envs.items() if value is not None}
                removed = [name for name, value in envs.items() if value is None]
                client.set_envs(table.name, changed, removed)
                if replicas is not None:
                    client.set_replica_count(table.name, replicas)
            case RenameTable(table=table, new_name=new_name):
                client.rename_table(table.name, new_name)
        return ()


def _create(client: Client, plan: CreateTable) -> Notices:
    envs = dict(plan.envs)
    if plan.schema is not None:
        envs[SCHEMA_ENV] = to_json(plan.schema)
    created = client.create_table(
        plan.name, plan.partitions, plan.replicas, envs, if_not_exists=plan.if_not_exists
    )
    return () if created else (f'table "{plan.name}" exists already, nothing was done',)


def _drop(client: Client, name: str, *, if_exists: bool) -> Notices:
    if if_exists and client.table_info(name) is None:
        return (f'table "{name}" does not exist, nothing was done',)
    client.drop_table(name, if_exists=if_exists)
    return (f"RECALL TABLE {quoted(name)} brings it back until its hold time ends",)


def _recall(client: Client, plan: RecallTable) -> Notices:
    if isinstance(plan.table, str):
        info = client.recall_table(plan.table, plan.new_name or "")
    else:
        request = RecallAppRequest(plan.table, plan.new_name or "")
        info = client.meta(RECALL_APP, request, RecallAppResponse).info
    return (f'table "{info.app_name}" is back',)
