"""Statements to plans: which planner takes which statement."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pegasus_tab.sql import ast
from pegasus_tab.sql.catalog import Catalog, Table
from pegasus_tab.sql.compute import Computed
from pegasus_tab.sql.plan_nodes import Explain, Plan, Query, Statement
from pegasus_tab.sql.plan_select import plan_select
from pegasus_tab.sql.plan_write import plan_delete, plan_insert, plan_update
from pegasus_tab.sql.planning import Planning

if TYPE_CHECKING:
    from pegasus_tab.sql.ast_backup import BackupStatement
    from pegasus_tab.sql.ast_copy_from import CopyFrom
    from pegasus_tab.sql.ast_definition import Definition
    from pegasus_tab.sql.ast_policy import PolicyStatement
    from pegasus_tab.sql.ast_session import SessionStatement
    from pegasus_tab.sql.ast_transfer import TransferStatement


def plan_statement(
    text: str, parsed: ast.Parsed, catalog: Catalog, settings: Mapping[str, object]
) -> tuple[Statement, tuple[Table, ...]]:
    """Bind and plan a parsed statement.

    Returns:
        The statement, and the tables its plan rests on (a change of one makes it stale).

    Raises:
        Error: ProgrammingError, NotSupportedError, DataError or IntegrityError with its place.
    """
    computed = Computed(len(parsed.parameters))
    planning = Planning(text, catalog, settings, computed, parsed.placeholders)
    plan = _plan(planning, parsed.statement)
    statement = Statement(
        text,
        plan,
        parsed.parameters,
        tuple(planning.computed.expressions),
        tuple(dict.fromkeys(planning.notices)),  # a table may stand in FROM several times
    )
    return statement, tuple(planning.tables)


def plan_query(planning: Planning, statement: ast.Query) -> Query:
    """Plan a query, ours or the residual engine's."""
    if isinstance(statement, ast.Select):
        return plan_select(planning, statement)
    from pegasus_tab.sql.plan_residual import plan_core

    planning.scan_allowed = planning.scan_allowed or statement.allow_filtering
    return plan_core(planning, statement.core)


def _plan(planning: Planning, statement: ast.Statement) -> Plan:
    match statement:
        case ast.Select() | ast.QueryCore():
            return plan_query(planning, statement)
        case ast.Insert():
            return plan_insert(planning, statement)
        case ast.Update():
            return plan_update(planning, statement)
        case ast.Delete():
            return plan_delete(planning, statement)
        case ast.Explain(statement=inner, analyze=analyze, format=format_):
            if not analyze:
                # EXPLAIN reads nothing: it must show the full scan that it would refuse to run.
                planning.scan_allowed = True
            return Explain(_plan(planning, inner), analyze, format_)
        case _:
            return _plan_rare(planning, statement)


def _plan_rare(
    planning: Planning,
    statement: "BackupStatement | CopyFrom | Definition | PolicyStatement | SessionStatement"
    " | TransferStatement",
) -> Plan:
    """Plan what the quick front never makes; its planners are imported with the first of it."""
    from pegasus_tab.sql.ast_backup import Backup, Restore, ShowBackups
    from pegasus_tab.sql.ast_copy_from import CopyFrom
    from pegasus_tab.sql.ast_policy import AlterPolicy, CreatePolicy, DropPolicy, ShowPolicies
    from pegasus_tab.sql.ast_session import Balance, SetOption, Show
    from pegasus_tab.sql.ast_transfer import CancelJob, CopyQueryTo, CopyTo, VerifyExport
    from pegasus_tab.sql.plan_definition import plan_definition
    from pegasus_tab.sql.plan_session import plan_session

    if isinstance(statement, CopyFrom):
        from pegasus_tab.sql.plan_copy_from import plan_copy_from

        return plan_copy_from(planning, statement)
    if isinstance(statement, CopyTo | CopyQueryTo | CancelJob | VerifyExport):
        from pegasus_tab.sql.plan_transfer import plan_transfer

        return plan_transfer(planning, statement)
    if isinstance(statement, Backup | Restore | ShowBackups):
        from pegasus_tab.sql.plan_backup import plan_backup

        return plan_backup(planning, statement)
    if isinstance(statement, CreatePolicy | AlterPolicy | DropPolicy | ShowPolicies):
        from pegasus_tab.sql.plan_policy import plan_policy

        return plan_policy(planning, statement)
    if isinstance(statement, Show | Balance | SetOption):
        return plan_session(planning, statement)
    return plan_definition(planning, statement)
