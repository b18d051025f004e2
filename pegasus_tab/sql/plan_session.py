"""SHOW, DESCRIBE, BALANCE, SET and RESET: names checked against the catalog and the list of settings."""

from pegasus_tab.base.errors import DataError
from pegasus_tab.sql import ast_session
from pegasus_tab.sql.place import Place, at
from pegasus_tab.sql.plan_nodes import Balance, SetOption, Show
from pegasus_tab.sql.planning import Planning
from pegasus_tab.sql.settings import known_setting, setting_value

BALANCE_MOVES_MAX = 1024
"""Moves one BALANCE plans at most; the next has the rest."""


def plan_session(
    planning: Planning, statement: ast_session.SessionStatement
) -> SetOption | Show | Balance:
    """Plan a statement about the session, the catalog or the cluster.

    Raises:
        DataError: 2201W a LIMIT of no moves, or of too many.
        ProgrammingError: 42P01 no such table, 42704 no such setting, 22023 a value it does not take.
    """
    match statement:
        case ast_session.SetOption(name=name, value=value, place=place):
            return SetOption(name, setting_value(name, value, place))
        case ast_session.Balance(what=what, moves_max=moves_max, is_dry=is_dry, place=place):
            return Balance(what, _moves_max(moves_max, place), is_dry)
        case ast_session.Show(what=what, table=reference, name=name, place=place):
            table = planning.table(reference) if reference is not None else None
            if name is not None:
                known_setting(name, place)
            return Show(what, table, name)


def _moves_max(given: int | None, place: Place | None) -> int:
    if given is None:
        return BALANCE_MOVES_MAX
    if not 1 <= given <= BALANCE_MOVES_MAX:
        raise DataError(
            f"LIMIT {given} is not in 1..{BALANCE_MOVES_MAX}", sqlstate="2201W", **at(place)
        )
    return given
