"""CREATE and ALTER TABLE make the schemas their text says, in every accepted spelling."""

import pytest

from pegasus_tab.sql.plan_nodes import (
    AlterOptions,
    AlterTable,
    CreateTable,
    DropTable,
    RecallTable,
    RenameTable,
)
from pegasus_tab.sql.prepare import prepare
from pegasus_tab.tabular.schema import Schema
from tests.fakes.sql_catalog import SqlCatalog


def created(text: str) -> CreateTable:
    plan = prepare(text, SqlCatalog(), {}).plan
    assert isinstance(plan, CreateTable)
    return plan


def keys(schema: Schema | None) -> tuple[list[str], list[str]]:
    assert schema is not None
    names = {column.id: column.name for column in schema.columns}
    return (
        [names[id_] for id_ in schema.hash_key],
        [names[part.column] + (" DESC" if part.descending else "") for part in schema.sort_key],
    )


@pytest.mark.parametrize(
    ("key", "hash_key", "sort_key"),
    [
        ("PRIMARY KEY ((a))", ["a"], []),
        ("PRIMARY KEY (a)", ["a"], []),
        ("PRIMARY KEY (a, b)", ["a"], ["b"]),
        ("PRIMARY KEY ((a), b DESC, c ASC)", ["a"], ["b DESC", "c"]),
        ("PRIMARY KEY ((a, b), c)", ["a", "b"], ["c"]),
        ("PRIMARY KEY (HASH(a, b), c)", ["a", "b"], ["c"]),
        ("PRIMARY KEY (a HASH, b)", ["a"], ["b"]),
        ("PRIMARY KEY ((a, b) HASH, c DESC)", ["a", "b"], ["c DESC"]),
        ("CONSTRAINT pk PRIMARY KEY ((a), b)", ["a"], ["b"]),
        ("primary key ((a), b)", ["a"], ["b"]),
    ],
)
def test_key_spellings(key: str, hash_key: list[str], sort_key: list[str]) -> None:
    plan = created(f"CREATE TABLE t (a INT, b TEXT, c BIGINT, {key})")
    assert keys(plan.schema) == (hash_key, sort_key)


def test_inline_key() -> None:
    assert keys(created("CREATE TABLE t (a TEXT PRIMARY KEY NOT NULL, b INT)").schema) == (
        ["a"],
        [],
    )


@pytest.mark.parametrize(
    ("written", "type_"),
    [
        ("INT", "INT"),
        ("INTEGER", "INT"),
        ("BIGINT", "BIGINT"),
        ("DOUBLE", "DOUBLE"),
        ("DOUBLE PRECISION", "DOUBLE"),
        ("REAL", "DOUBLE"),
        ("DECIMAL(10, 2)", "DECIMAL(10,2)"),
        ("NUMERIC(5)", "DECIMAL(5,0)"),
        ("DECIMAL", "DECIMAL(38,10)"),
        ("TEXT", "TEXT"),
        ("VARCHAR(20)", "TEXT"),
        ("CHARACTER VARYING(20)", "TEXT"),
        ("BLOB", "BLOB"),
        ("BYTEA", "BLOB"),
        ("TIMESTAMP", "TIMESTAMP"),
        ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP"),
        ("TIMESTAMPTZ", "TIMESTAMP"),
        ("DATE", "DATE"),
        ("UUID", "UUID"),
        ("BOOLEAN", "BOOLEAN"),
        ("bool", "BOOLEAN"),
        ("MAP<TEXT, BIGINT>", "MAP<TEXT,BIGINT>"),
        ("MAP(TEXT, DECIMAL(5, 1))", "MAP<TEXT,DECIMAL(5,1)>"),
    ],
)
def test_type_spellings(written: str, type_: str) -> None:
    schema = created(f"CREATE TABLE t (k INT PRIMARY KEY, v {written})").schema
    assert schema is not None
    assert str(schema.columns[1].type) == type_


def test_columns_families_and_options() -> None:
    plan = created(
        """
        CREATE TABLE IF NOT EXISTS t (
            k BIGINT, s INT, a TEXT NOT NULL DEFAULT 'x', b INT DEFAULT -1, m MAP<TEXT, TEXT>,
            "Odd ""name" DATE, family INT,
            PRIMARY KEY ((k), s),
            FAMILY cold (b, "Odd ""name")
        ) WITH (partitions = 16, replicas = 3, default_ttl = INTERVAL '7 days',
                replica.slow_query_threshold = 100)
        """
    )
    assert plan.if_not_exists
    assert (plan.partitions, plan.replicas) == (16, 3)
    assert plan.envs == {"default_ttl": "604800", "replica.slow_query_threshold": "100"}
    schema = plan.schema
    assert schema is not None
    columns = {column.name: column for column in schema.columns}
    assert columns["a"].not_null
    assert columns["a"].default == "x"
    assert columns["b"].default == -1
    assert columns["k"].not_null
    assert schema.families[columns["b"].family] == "cold"
    assert columns['Odd "name'].family == columns["b"].family
    assert schema.families[columns["m"].family] == "m"
    assert columns["family"].family == 0


def test_raw_table() -> None:
    plan = created("CREATE RAW TABLE t WITH (partitions = 8)")
    assert plan.schema is None
    assert plan.partitions == 8


CATALOG = SqlCatalog("CREATE TABLE t (k INT PRIMARY KEY, v INT)", "CREATE RAW TABLE r")


def altered(action: str) -> AlterTable | AlterOptions | RenameTable:
    plan = prepare(f"ALTER TABLE t {action}", CATALOG, {}).plan
    assert isinstance(plan, AlterTable | AlterOptions | RenameTable)
    return plan


def test_several_column_actions_make_one_version() -> None:
    plan = altered("ADD COLUMN w TEXT DEFAULT 'x', DROP COLUMN v, RENAME w TO x")
    assert isinstance(plan, AlterTable)
    assert [column.name for column in plan.schema.columns] == ["k", "x"]
    assert plan.schema.version == 2
    assert plan.table is CATALOG.tables["t"]


@pytest.mark.parametrize("action", ["ADD COLUMN IF NOT EXISTS v INT", "DROP COLUMN IF EXISTS w"])
def test_conditional_actions_without_effect(action: str) -> None:
    plan = altered(action)
    assert isinstance(plan, AlterTable)
    assert plan.schema == CATALOG.tables["t"].schema


def test_options_and_names() -> None:
    assert altered("SET (default_ttl = 60)") == AlterOptions(
        CATALOG.tables["t"], {"default_ttl": "60"}
    )
    assert altered("SET (default_ttl = DEFAULT)") == AlterOptions(
        CATALOG.tables["t"], {"default_ttl": None}
    )
    assert altered("RENAME TO u") == RenameTable(CATALOG.tables["t"], "u")


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("DROP TABLE t", DropTable("t", if_exists=False)),
        ("DROP TABLE IF EXISTS missing", DropTable("missing", if_exists=True)),
        ("RECALL TABLE 7", RecallTable(7, None)),
        ('RECALL TABLE "Old" AS new', RecallTable("Old", "new")),
        ("UNDROP TABLE t", RecallTable("t", None)),
    ],
)
def test_drop_and_recall(text: str, plan: object) -> None:
    assert prepare(text, CATALOG, {}).plan == plan
