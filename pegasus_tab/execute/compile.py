"""Plans to executors: the one table from a plan node to what carries it out."""

from pegasus_tab.execute.definition import DefinitionExecutor
from pegasus_tab.execute.delete import DeleteExecutor
from pegasus_tab.execute.executor import Executor
from pegasus_tab.execute.explaining import ExplainExecutor
from pegasus_tab.execute.insert import InsertExecutor
from pegasus_tab.execute.residual_query import ResidualExecutor
from pegasus_tab.execute.select import CountExecutor, ValuesExecutor, compile_select
from pegasus_tab.execute.setting import SetExecutor
from pegasus_tab.execute.show import ShowExecutor
from pegasus_tab.execute.update import UpdateExecutor
from pegasus_tab.sql.plan_nodes import (
    AlterOptions,
    AlterTable,
    CountRows,
    CreateTable,
    Delete,
    DropTable,
    Explain,
    Insert,
    Plan,
    RecallTable,
    RenameTable,
    ResidualQuery,
    Select,
    SetOption,
    Show,
    Statement,
    Update,
    ValuesQuery,
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
        case Show():
            return ShowExecutor(plan)
        case SetOption():
            return SetExecutor(plan)
        case Explain(plan=explained, analyze=analyze):
            inner = _compile(explained, statement) if analyze else None
            return ExplainExecutor(statement, plan, inner)
        case (
            CreateTable()
            | DropTable()
            | RecallTable()
            | AlterTable()
            | AlterOptions()
            | RenameTable()
        ):
            return DefinitionExecutor(plan)


def _compile_query(plan: Select | CountRows | ValuesQuery | ResidualQuery) -> Executor:
    match plan:
        case Select():
            return compile_select(plan)
        case CountRows():
            return CountExecutor(plan)
        case ValuesQuery():
            return ValuesExecutor(plan)
        case ResidualQuery():
            return ResidualExecutor(plan)


def _compile_write(plan: Insert | Update | Delete) -> Executor:
    match plan:
        case Insert(query=query):
            return InsertExecutor(plan, None if query is None else _compile_query(query))
        case Update():
            return UpdateExecutor(plan)
        case Delete():
            return DeleteExecutor(plan)
