"""SQL text to a plan: the one entrance to this package for the driver.

Importing this module does not import sqlglot: a cached statement and the simple ones of ``quick``
do without it.
"""

from collections.abc import Mapping

from pegasus_tab.base.errors import Error, ProgrammingError
from pegasus_tab.sql import ast
from pegasus_tab.sql.catalog import Catalog
from pegasus_tab.sql.plan import plan_statement
from pegasus_tab.sql.plan_cache import PlanCache
from pegasus_tab.sql.plan_nodes import (
    CountRows,
    Delete,
    Insert,
    ResidualQuery,
    Select,
    Statement,
    Update,
    ValuesQuery,
)
from pegasus_tab.sql.quick import parse_quickly
from pegasus_tab.sql.settings import FULL_SCAN

STATEMENT_CHARACTERS_MAX = 1 << 20

_CACHED = (Select, CountRows, ResidualQuery, ValuesQuery, Insert, Update, Delete)
_SHARED_CACHE = PlanCache()


def prepare(
    text: str,
    catalog: Catalog,
    settings: Mapping[str, object],
    cache: PlanCache | None = None,
) -> Statement:
    """Parse, bind and plan one statement, or return its cached plan.

    Args:
        text: one statement; a semicolon at its end is fine.
        catalog: the tables; cached plans are good while it hands out the same Table values.
        settings: the session's settings (``settings.SETTINGS``).
        cache: where plans are kept; None shares one cache among all callers.

    Raises:
        ProgrammingError: syntax, names, types, a full scan that the session refuses.
        NotSupportedError: understood, and refused by name with a hint.
        DataError, IntegrityError: literal values that do not fit.
    """
    cache = _SHARED_CACHE if cache is None else cache
    key = (text, settings.get(FULL_SCAN), id(catalog))
    statement = cache.get(key, catalog)
    if statement is not None:
        return statement
    try:
        statement, tables = plan_statement(text, parse(text), catalog, settings)
    except Error as error:
        raise error.in_statement(text)  # noqa: B904 -- the same error, with its text
    except RecursionError:
        raise ProgrammingError("the statement is nested too deeply", sqlstate="54001") from None
    if isinstance(statement.plan, _CACHED):
        cache.put(key, statement, tables)
    return statement


def parse(text: str) -> ast.Parsed:
    """Parse one statement, by the quick front when it can.

    Raises:
        ProgrammingError: 42601 syntax, 54000 longer than STATEMENT_CHARACTERS_MAX, 42804 not a
            str, 22021 half characters.
        NotSupportedError: a statement refused by name.
        DataError: a literal without a value.
    """
    _refuse_bad_text(text)
    parsed = parse_quickly(text)
    if parsed is not None:
        return parsed
    from pegasus_tab.sql import front

    return front.parse(text)


def _refuse_bad_text(text: object) -> None:
    """Refuse what no front should see: other types, too much, half characters."""
    if not isinstance(text, str):
        raise ProgrammingError(f"a statement is a str, not {type(text).__name__}", sqlstate="42804")
    if len(text) > STATEMENT_CHARACTERS_MAX:
        raise ProgrammingError(
            f"the statement has {len(text)} characters, at most {STATEMENT_CHARACTERS_MAX} are read",
            sqlstate="54000",
            hint="send rows as parameters with executemany",
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:  # what input that is not UTF-8 is decoded to
        raise ProgrammingError(
            "the statement is not valid Unicode: lone surrogate",
            sqlstate="22021",
            position=error.start,
        ) from error
