"""Plans to executors: the one table from a plan node to what carries it out.

Each executor's module is imported when a plan first wants it: a process that runs one point query, as
``pegasus-tab shell -c`` does, should not pay for the others.
"""

from pegasus_tab.execute.executor import Executor
from pegasus_tab.sql.plan_nodes import (
    BackupPlan,
    BackupTables,
    Balance,
    CancelJob,
    CopyFrom,
    CopyQuery,
    CountRows,
    Delete,
    Explain,
    ExportTable,
    Insert,
    ListBackups,
    Plan,
    ResidualQuery,
    RestoreTable,
    Select,
    SetOption,
    Show,
    Statement,
    TransferPlan,
    Update,
    ValuesQuery,
    VerifyExport,
)
from pegasus_tab.sql.policy_nodes import (
    AlterPolicy,
    CreatePolicy,
    DropPolicy,
    ListPolicies,
    PolicyPlan,
)


def compile_statement(statement: Statement) -> Executor:
    """Return the statement's executor."""
    return _compile(statement.plan, statement)


def _compile(plan: Plan, statement: Statement) -> Executor:
    match plan:
        case Select() | CountRows() | ValuesQuery() | ResidualQuery():
            return _compile_query(plan)
        case Insert() | Update() | Delete():
            return _compile_write(plan)
        case CopyFrom():
            from pegasus_tab.execute.copy_from import CopyFromExecutor

            return CopyFromExecutor(plan)
        case ExportTable() | CopyQuery() | CancelJob() | VerifyExport():
            return _compile_transfer(plan)
        case (
            BackupTables()
            | RestoreTable()
            | ListBackups()
            | CreatePolicy()
            | AlterPolicy()
            | DropPolicy()
            | ListPolicies()
        ):
            return _compile_backup(plan)
        case Show():
            from pegasus_tab.execute.show import ShowExecutor

            return ShowExecutor(plan)
        case Balance():
            from pegasus_tab.execute.balance import BalanceExecutor

            return BalanceExecutor(plan)
        case SetOption():
            from pegasus_tab.execute.setting import SetExecutor

            return SetExecutor(plan)
        case Explain(plan=explained, analyze=analyze):
            from pegasus_tab.execute.explaining import ExplainExecutor

            inner = _compile(explained, statement) if analyze else None
            return ExplainExecutor(statement, plan, inner)
        case _:
            from pegasus_tab.execute.definition import DefinitionExecutor

            return DefinitionExecutor(plan)


def _compile_transfer(plan: TransferPlan) -> Executor:
    from pegasus_tab.execute import transfer

    match plan:
        case ExportTable():
            return transfer.ExportExecutor(plan)
        case CopyQuery(query=query):
            from pegasus_tab.execute.copy_query import CopyQueryExecutor

            return CopyQueryExecutor(plan, _compile_query(query))
        case CancelJob():
            return transfer.CancelExecutor(plan)
        case VerifyExport():
            return transfer.VerifyExecutor(plan)


def _compile_backup(plan: BackupPlan | PolicyPlan) -> Executor:
    from pegasus_tab.execute import backup, policies, restore

    match plan:
        case BackupTables():
            return backup.BackupExecutor(plan)
        case RestoreTable():
            return restore.RestoreExecutor(plan)
        case ListBackups():
            return backup.ListExecutor(plan)
        case CreatePolicy() | AlterPolicy() | DropPolicy() | ListPolicies():
            return policies.PolicyExecutor(plan)


def _compile_query(plan: Select | CountRows | ValuesQuery | ResidualQuery) -> Executor:
    if isinstance(plan, ResidualQuery):
        from pegasus_tab.execute.residual_query import ResidualExecutor

        return ResidualExecutor(plan)
    if isinstance(plan, Select):
        from pegasus_tab.execute.point import compile_point

        point = compile_point(plan)
        if point is not None:
            return point
    from pegasus_tab.execute import select

    match plan:
        case Select():
            return select.SelectExecutor(plan)
        case CountRows():
            return select.CountExecutor(plan)
        case ValuesQuery():
            return select.ValuesExecutor(plan)


def _compile_write(plan: Insert | Update | Delete) -> Executor:
    match plan:
        case Insert(query=query):
            from pegasus_tab.execute.insert import InsertExecutor

            return InsertExecutor(plan, None if query is None else _compile_query(query))
        case Update():
            from pegasus_tab.execute.update import UpdateExecutor

            return UpdateExecutor(plan)
        case Delete():
            from pegasus_tab.execute.delete import DeleteExecutor

            return DeleteExecutor(plan)
