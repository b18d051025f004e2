"""Questions meta answers from its saved state. Pure, and cheap enough for the reactor thread."""

from enum import IntEnum

from pegasus_server.meta import error_names
from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.table import Table, TableStatus

PATTERN_CHARACTERS_MAX = 256


class NameMatch(IntEnum):
    """How LIST_APPS compares names (pattern_match_type of the ancestor's IDL)."""

    NONE = 0
    ALL = 1
    EXACT = 2
    ANYWHERE = 3
    PREFIX = 4
    POSTFIX = 5
    REGEX = 6


class PatternError(Exception):
    """The pattern or the way to match is not usable; the text says why."""


def serving_table(state: ClusterState, name: str) -> tuple[str, Table | None]:
    """Find the table a client wants to talk to (protocol reference 4.1).

    Returns:
        ERR_OK and the table; or ERR_OBJECT_NOT_FOUND or ERR_BUSY_CREATING and None.
    """
    table = state.by_name(name)
    if table is None:
        return error_names.OBJECT_NOT_FOUND, None
    if table.status != TableStatus.AVAILABLE:
        return error_names.BUSY_CREATING, None
    return error_names.OK, table


def list_tables(state: ClusterState, status: int, pattern: str, match: int) -> list[Table]:
    """List tables in order of id.

    Args:
        state: the saved state.
        status: a TableStatus, or 0 for all, dropped ones included.
        pattern: compared with the name.
        match: a NameMatch; NONE means no comparison.

    Raises:
        PatternError: ``match`` is unknown or a regular expression, or ``pattern`` is too long.
    """
    try:
        how = NameMatch(match)
    except ValueError as error:
        raise PatternError(f"unknown match type {match}") from error
    if len(pattern) > PATTERN_CHARACTERS_MAX:
        raise PatternError(f"the pattern is longer than {PATTERN_CHARACTERS_MAX} characters")
    return [
        table
        for _, table in sorted(state.tables.items())
        if status in (0, table.status) and _matches(table.name, pattern, how)
    ]


def _matches(name: str, pattern: str, how: NameMatch) -> bool:
    match how:
        case NameMatch.NONE | NameMatch.ALL:
            return True
        case NameMatch.EXACT:
            return name == pattern
        case NameMatch.ANYWHERE:
            return pattern in name
        case NameMatch.PREFIX:
            return name.startswith(pattern)
        case NameMatch.POSTFIX:
            return name.endswith(pattern)
        case NameMatch.REGEX:
            # A pattern from outside can make Python's matcher run for years.
            raise PatternError("regular expressions are refused; match a prefix or anywhere")
