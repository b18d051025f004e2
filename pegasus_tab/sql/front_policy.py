"""CREATE, ALTER and DROP BACKUP POLICY, and SHOW BACKUP POLICIES."""

from sqlglot.tokens import TokenType

from pegasus_tab.sql.ast_policy import AlterPolicy, CreatePolicy, DropPolicy, Period, ShowPolicies
from pegasus_tab.sql.front_copy_from import copy_options, quoted_place
from pegasus_tab.sql.front_dml import table_reference
from pegasus_tab.sql.front_expression import Expressions
from pegasus_tab.sql.token_reader import TokenReader


def create_policy(expressions: Expressions) -> CreatePolicy:
    """Read p FOR t, ... | ALL TO 'target' EVERY 'interval' KEEP n [(options)], BACKUP being next."""
    reader = expressions.reader
    name = _name(reader)
    reader.need("FOR")
    reader.eat("TABLE")
    tables = []
    if not reader.eat("ALL"):
        tables.append(table_reference(reader, alias=False))
        while reader.eat(","):
            tables.append(table_reference(reader, alias=False))
    reader.need("TO")
    target = quoted_place(reader, "STDOUT", "name a folder")
    reader.need("EVERY")
    every = _period(reader)
    reader.need("KEEP")
    keep = reader.integer("how many backups to keep")
    reader.eat("WITH")
    options = copy_options(reader) if reader.at("(") else ()
    reader.end()
    return CreatePolicy(name, tuple(tables), target, every, keep, options)


def alter_policy(expressions: Expressions) -> AlterPolicy:
    """Read p PAUSE | RESUME | [EVERY 'interval'] [KEEP n]; BACKUP is the next token."""
    reader = expressions.reader
    name = _name(reader)
    for word, is_paused in (("PAUSE", True), ("RESUME", False)):
        if reader.eat(word):
            reader.end()
            return AlterPolicy(name, is_paused=is_paused)
    every = _period(reader) if reader.eat("EVERY") else None
    keep = reader.integer("how many backups to keep") if reader.eat("KEEP") else None
    if every is None and keep is None:
        raise reader.error("expected EVERY, KEEP, PAUSE or RESUME")
    reader.end()
    return AlterPolicy(name, every, keep)


def drop_policy(expressions: Expressions) -> DropPolicy:
    """Read p; BACKUP is the next token."""
    name = _name(expressions.reader)
    expressions.reader.end()
    return DropPolicy(name)


def show_policies(reader: TokenReader) -> ShowPolicies:
    """Read POLICIES behind SHOW BACKUP."""
    reader.need("POLICIES")
    return ShowPolicies()


def _name(reader: TokenReader) -> str:
    reader.need("BACKUP")
    reader.need("POLICY")
    return reader.name("the name of a backup policy")


def _period(reader: TokenReader) -> Period:
    reader.eat("INTERVAL")
    place, token = reader.place(), reader.token()
    if token is None or token.token_type is not TokenType.STRING:
        raise reader.error("expected a quoted interval such as '1 day'")
    reader.at_token += 1
    return Period(str(token.text), place)
