"""A catalog of tables that CREATE TABLE statements define, with no store behind it."""

from pegasus_tab.sql.catalog import Table
from pegasus_tab.sql.plan_nodes import CreateTable
from pegasus_tab.sql.prepare import prepare
from pegasus_tab.tabular.schema import RAW_SCHEMA


class SqlCatalog:
    """Satisfies ``sql.catalog.Catalog``.

    Args:
        definitions: CREATE TABLE statements.
    """

    def __init__(self, *definitions: str) -> None:
        self.tables: dict[str, Table] = {}
        for definition in definitions:
            self.define(definition)

    def define(self, definition: str) -> Table:
        """Make the table of a CREATE TABLE statement; a table of that name is replaced."""
        plan = prepare(definition, self, {}).plan
        assert isinstance(plan, CreateTable), definition
        table = Table(
            plan.name,
            len(self.tables) + 1,
            plan.partitions,
            RAW_SCHEMA if plan.schema is None else plan.schema,
            plan.schema is None,
            tuple(sorted(plan.envs.items())),
        )
        self.tables[plan.name] = table
        return table

    def table(self, name: str) -> Table | None:
        return self.tables.get(name)

    def names(self) -> list[str]:
        return sorted(self.tables)


EVENTS = """
CREATE TABLE events (
    user_id BIGINT, at TIMESTAMP, seq INT, name TEXT, age INT, score DOUBLE, price DECIMAL(10, 2),
    ok BOOLEAN, day DATE, tag UUID, body BLOB, attrs MAP<TEXT, TEXT>, counts MAP<TEXT, INT>,
    PRIMARY KEY ((user_id), at DESC, seq)
) WITH (partitions = 8)
"""
PEOPLE = "CREATE TABLE people (name TEXT PRIMARY KEY, age INT DEFAULT 18, city TEXT NOT NULL)"
RAW = "CREATE RAW TABLE blobs WITH (partitions = 4)"


def small_catalog() -> SqlCatalog:
    """Return a catalog with a wide table, a plain one and a raw one."""
    return SqlCatalog(EVENTS, PEOPLE, RAW)
