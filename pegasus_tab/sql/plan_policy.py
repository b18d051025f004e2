"""Statements about backup policies: tables, periods and options checked."""

from datetime import UTC

from pegasus_tab.base.errors import DataError, ProgrammingError
from pegasus_tab.sql import ast_policy
from pegasus_tab.sql.ast_policy import Period, PolicyStatement
from pegasus_tab.sql.intervals import interval
from pegasus_tab.sql.place import at
from pegasus_tab.sql.planning import Planning
from pegasus_tab.sql.policy_nodes import (
    AlterPolicy,
    CreatePolicy,
    DropPolicy,
    ListPolicies,
    PolicyPlan,
)
from pegasus_tab.sql.transfer_options import Options, known_options, rate, refused
from pegasus_tab.tabular.time_value import timestamp

POLICY_OPTIONS = ("start", "bytes_per_second")
"""Every option of CREATE BACKUP POLICY, as the documentation lists them."""
KEEP_MAX = 1000


def plan_policy(planning: Planning, statement: PolicyStatement) -> PolicyPlan:
    """Plan one of these statements.

    Raises:
        ProgrammingError: 42P01 no such table; 42601 an option that does not exist; 22023 a value it
            does not take; 42701 a table named twice.
        DataError: 22007 a period or moment that does not read as one.
    """
    match statement:
        case ast_policy.CreatePolicy():
            return _plan_create(planning, statement)
        case ast_policy.AlterPolicy(name=name, every=every, keep=keep, is_paused=is_paused):
            seconds = None if every is None else _seconds(every)
            return AlterPolicy(name, seconds, None if keep is None else _keep(keep), is_paused)
        case ast_policy.DropPolicy(name=name):
            return DropPolicy(name)
        case ast_policy.ShowPolicies():
            return ListPolicies()


def _plan_create(planning: Planning, statement: ast_policy.CreatePolicy) -> CreatePolicy:
    given = known_options("CREATE BACKUP POLICY", statement.options, POLICY_OPTIONS)
    names = [planning.table(each).name for each in statement.tables]
    for number, each in enumerate(statement.tables):
        if names[number] in names[:number]:
            raise ProgrammingError(
                f'table "{names[number]}" is named twice', sqlstate="42701", **at(each.place)
            )
    return CreatePolicy(
        name=statement.name,
        tables=tuple(names),
        target=statement.target,
        every_seconds=_seconds(statement.every),
        keep=_keep(statement.keep),
        bytes_per_second=rate(given),
        first_at=_start(given),
    )


def _seconds(every: Period) -> int:
    seconds = interval(every.text, place=every.place).total_seconds()
    if seconds < 1 or seconds != int(seconds):
        raise ProgrammingError(
            f"EVERY does not take {every.text!r}",
            sqlstate="22023",
            hint="it takes whole seconds, at least one, such as '1 day' or '6 hours'",
            **at(every.place),
        )
    return int(seconds)


def _keep(count: int) -> int:
    if not 1 <= count <= KEEP_MAX:
        raise ProgrammingError(
            f"KEEP does not take {count}", sqlstate="22023", hint=f"it takes 1 to {KEEP_MAX}"
        )
    return count


def _start(given: Options) -> int:
    option = given.get("start")
    if option is None:
        return 0
    try:
        moment = timestamp(option.value).replace(tzinfo=UTC)
    except DataError as error:
        raise refused(option, "a quoted TIMESTAMP, in UTC") from error
    return max(1, int(moment.timestamp()))
