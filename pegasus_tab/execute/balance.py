"""BALANCE: the plan as rows; unless it is a dry run, its moves begin."""

from dataclasses import dataclass

from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.context import Context
from pegasus_tab.execute.result import Page, ResultSet, named_result
from pegasus_tab.sql.column_types import INT, TEXT
from pegasus_tab.sql.plan_nodes import Balance
from pegasus_tab.wire.codes import MoveType

KINDS = {"primaries": (MoveType.MOVE_PRIMARY,), "replicas": (MoveType.COPY_SECONDARY,), None: ()}
WORDS = {int(MoveType.MOVE_PRIMARY): "primary", int(MoveType.COPY_SECONDARY): "replica"}


@dataclass(frozen=True, slots=True)
class BalanceExecutor:
    """Carries one BALANCE out."""

    plan: Balance

    def execute(self, context: Context, bindings: Bindings) -> ResultSet:  # noqa: ARG002 -- as all executors
        """Have the moves planned, and begun unless it is a dry run."""
        meta, plan = context.meta, self.plan
        moves = meta.cluster().balance(
            dry_run=plan.is_dry, moves_max=plan.moves_max, kinds=KINDS[plan.what]
        )
        names = {each.app_id: each.app_name for each in meta.list_tables()}
        rows: Page = [
            (
                names.get(each.gpid.app_id, str(each.gpid.app_id)),
                each.gpid.partition_index,
                WORDS.get(each.kind, str(each.kind)),
                str(each.source),
                str(each.target),
            )
            for each in moves
        ]
        columns = {"table": TEXT, "partition": INT, "move": TEXT, "source": TEXT, "target": TEXT}
        return named_result(columns, rows)
