"""SHOW, DESCRIBE, SET and RESET: names checked against the catalog and the list of settings."""

from pegasus_tab.sql import ast_session
from pegasus_tab.sql.plan_nodes import SetOption, Show
from pegasus_tab.sql.planning import Planning
from pegasus_tab.sql.settings import known_setting, setting_value


def plan_session(planning: Planning, statement: ast_session.SessionStatement) -> SetOption | Show:
    """Plan a statement about the session or the catalog.

    Raises:
        ProgrammingError: 42P01 no such table, 42704 no such setting, 22023 a value it does not take.
    """
    match statement:
        case ast_session.SetOption(name=name, value=value, place=place):
            return SetOption(name, setting_value(name, value, place))
        case ast_session.Show(what=what, table=reference, name=name, place=place):
            table = planning.table(reference) if reference is not None else None
            if name is not None:
                known_setting(name, place)
            return Show(what, table, name)
