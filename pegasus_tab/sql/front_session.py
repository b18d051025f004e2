"""SHOW, DESCRIBE, BALANCE, SET, RESET and EXPLAIN."""

from collections.abc import Callable
from typing import Literal

from pegasus_tab.base.errors import ProgrammingError
from pegasus_tab.sql import ast, ast_session
from pegasus_tab.sql.ast_backup import ShowBackups
from pegasus_tab.sql.ast_policy import ShowPolicies
from pegasus_tab.sql.front_backup import show_backups
from pegasus_tab.sql.front_dml import table_reference
from pegasus_tab.sql.front_expression import Expressions
from pegasus_tab.sql.front_options import option_value
from pegasus_tab.sql.front_policy import show_policies
from pegasus_tab.sql.place import at


def show(expressions: Expressions) -> ast_session.Show | ShowBackups | ShowPolicies:
    """Read SHOW TABLES | NODES | CLUSTER | JOBS | BACKUPS IN 'folder' | BACKUP POLICIES | ..."""
    reader = expressions.reader
    reader.need("SHOW")
    statement: ast_session.Show | ShowBackups | ShowPolicies
    if reader.eat("BACKUPS"):
        statement = show_backups(reader)
    elif reader.eat("BACKUP"):
        statement = show_policies(reader)
    else:
        statement = _show(expressions)
    reader.end()
    return statement


def _show(expressions: Expressions) -> ast_session.Show:
    reader = expressions.reader
    for word in ("TABLES", "NODES", "CLUSTER", "JOBS"):
        if reader.eat(word):
            return ast_session.Show(_WHOLE[word])
    if reader.eat("DROPPED"):
        reader.need("TABLES")
        return ast_session.Show("dropped")
    if reader.eat("PARTITIONS"):
        if not reader.eat("FROM"):
            reader.need("OF")
        return ast_session.Show("partitions", table_reference(reader, alias=False))
    if reader.eat("CREATE"):
        reader.need("TABLE")
        return ast_session.Show("create", table_reference(reader, alias=False))
    if reader.eat("COLUMNS"):
        if not reader.eat("FROM"):
            reader.need("OF")
        return ast_session.Show("describe", table_reference(reader, alias=False))
    if reader.eat("ALL"):
        return ast_session.Show("option")
    name, place = reader.name_and_place(
        "TABLES, NODES, CLUSTER, JOBS, PARTITIONS OF, CREATE TABLE or a setting"
    )
    return ast_session.Show("option", None, name, place)


_WHOLE: dict[str, Literal["tables", "nodes", "cluster", "jobs"]] = {
    "TABLES": "tables",
    "NODES": "nodes",
    "CLUSTER": "cluster",
    "JOBS": "jobs",
}


def balance(expressions: Expressions) -> ast_session.Balance:
    """Read BALANCE [PRIMARIES | REPLICAS] [LIMIT n] [DRY RUN]."""
    reader = expressions.reader
    reader.need("BALANCE")
    what: Literal["primaries", "replicas"] | None = None
    if reader.eat("PRIMARIES"):
        what = "primaries"
    elif reader.eat("REPLICAS"):
        what = "replicas"
    moves_max, place = None, None
    if reader.eat("LIMIT"):
        place = reader.place()
        moves_max = reader.integer()
    is_dry = reader.eat("DRY")
    if is_dry:
        reader.need("RUN")
    reader.end()
    return ast_session.Balance(what, moves_max, is_dry, place)


def describe(expressions: Expressions) -> ast_session.Show:
    """Read DESCRIBE [TABLE] t."""
    reader = expressions.reader
    if not reader.eat("DESCRIBE"):
        reader.need("DESC")
    reader.eat("TABLE")
    table = table_reference(reader, alias=False)
    reader.end()
    return ast_session.Show("describe", table)


def set_option(expressions: Expressions) -> ast_session.SetOption:
    """Read SET [SESSION] name = value, SET name TO value and RESET name."""
    reader = expressions.reader
    if reader.eat("RESET"):
        name, place = reader.name_and_place("a setting")
        reader.end()
        return ast_session.SetOption(name, None, place)
    reader.need("SET")
    reader.eat("SESSION")
    name, place = reader.name_and_place("a setting")
    if not reader.eat("="):
        reader.need("TO")
    value = option_value(reader)
    reader.end()
    return ast_session.SetOption(name, value, place)


def explain(
    expressions: Expressions, statement: Callable[[Expressions], ast.Statement]
) -> ast.Explain:
    """Read EXPLAIN [ANALYZE] [(ANALYZE, FORMAT json)] and, by ``statement``, what is explained."""
    reader = expressions.reader
    reader.need("EXPLAIN")
    analyze = reader.eat("ANALYZE")
    format_: Literal["text", "json"] = "text"
    if reader.at("(") and not reader.at("(", "SELECT") and not reader.at("(", "WITH"):
        options_analyze, format_ = _explain_options(expressions)
        analyze = analyze or options_analyze
    place = reader.place()
    explained = statement(expressions)
    if isinstance(explained, ast.Explain):
        raise ProgrammingError("EXPLAIN cannot explain itself", sqlstate="42601", **at(place))
    return ast.Explain(explained, analyze, format_)


def _explain_options(expressions: Expressions) -> tuple[bool, Literal["text", "json"]]:
    reader = expressions.reader
    reader.need("(")
    analyze = False
    format_: Literal["text", "json"] = "text"
    while True:
        if reader.eat("ANALYZE"):
            analyze = not (reader.eat("FALSE") or reader.eat("OFF"))
        elif reader.eat("FORMAT"):
            if reader.eat("JSON"):
                format_ = "json"
            elif not reader.eat("TEXT"):
                raise reader.error("expected TEXT or JSON")
        else:
            raise reader.error("expected ANALYZE or FORMAT")
        if not reader.eat(","):
            break
    reader.need(")")
    return analyze, format_
