"""The entrance: caching, staleness, laziness, settings, statements about the session."""

import subprocess
import sys
from dataclasses import replace

import pytest

from pegasus_tab.base.errors import ProgrammingError
from pegasus_tab.sql.plan_cache import PlanCache
from pegasus_tab.sql.plan_nodes import Explain, Select, SetOption, Show, TableScan
from pegasus_tab.sql.prepare import STATEMENT_CHARACTERS_MAX, prepare
from tests.fakes.sql_catalog import SqlCatalog, small_catalog


def test_the_same_text_gives_the_same_plan() -> None:
    catalog, cache = small_catalog(), PlanCache()
    text = "SELECT age FROM people WHERE name = ?"
    assert prepare(text, catalog, {}, cache) is prepare(text, catalog, {}, cache)
    assert len(cache) == 1


def test_a_changed_table_makes_a_new_plan() -> None:
    catalog, cache = small_catalog(), PlanCache()
    text = "SELECT * FROM people WHERE name = ?"
    before = prepare(text, catalog, {}, cache)
    catalog.define("CREATE TABLE people (name TEXT PRIMARY KEY, size INT)")
    after = prepare(text, catalog, {}, cache)
    assert isinstance(before.plan, Select)
    assert isinstance(after.plan, Select)
    assert [one.name for one in before.plan.output] == ["name", "age", "city"]
    assert [one.name for one in after.plan.output] == ["name", "size"]


def test_another_table_leaves_the_plan_alone() -> None:
    catalog, cache = small_catalog(), PlanCache()
    text = "SELECT age FROM people WHERE name = ?"
    before = prepare(text, catalog, {}, cache)
    catalog.define("CREATE TABLE other (k INT PRIMARY KEY)")
    assert prepare(text, catalog, {}, cache) is before


def test_settings_are_part_of_the_key() -> None:
    catalog, cache = small_catalog(), PlanCache()
    text = "SELECT age FROM people"
    quiet = prepare(text, catalog, {}, cache)
    told = prepare(text, catalog, {"full_scan": "warn"}, cache)
    assert quiet.notices == ()
    assert len(told.notices) == 1
    with pytest.raises(ProgrammingError):
        prepare(text, catalog, {"full_scan": "error"}, cache)


def test_two_catalogs_do_not_share_plans() -> None:
    one, other, cache = small_catalog(), small_catalog(), PlanCache()
    text = "SELECT age FROM people WHERE name = ?"
    first, second = prepare(text, one, {}, cache), prepare(text, other, {}, cache)
    assert isinstance(first.plan, Select)
    assert isinstance(second.plan, Select)
    assert first.plan.source.table is one.tables["people"]
    assert second.plan.source.table is other.tables["people"]


def test_errors_and_definitions_are_not_cached() -> None:
    catalog, cache = SqlCatalog(), PlanCache()
    with pytest.raises(ProgrammingError) as caught:
        prepare("SELECT a FROM t", catalog, {}, cache)
    assert caught.value.statement == "SELECT a FROM t"
    prepare("CREATE TABLE t (a INT PRIMARY KEY)", catalog, {}, cache)
    assert len(cache) == 0


def test_the_cache_is_bounded_by_count_and_by_text() -> None:
    catalog = small_catalog()
    few = PlanCache(plans_max=3)
    for number in range(10):
        prepare(f"SELECT {number}", catalog, {}, few)
    assert len(few) == 3
    short = PlanCache(text_bytes_max=100)
    for number in range(10):
        prepare(f"SELECT {'x' * number!r}, {number}, 1111111111", catalog, {}, short)
    assert 1 <= len(short) <= 4
    prepare("SELECT '" + "x" * 200 + "'", catalog, {}, short)
    assert 1 <= len(short) <= 4


def test_the_least_recently_used_plan_goes_first() -> None:
    catalog, cache = small_catalog(), PlanCache(plans_max=2)
    first = prepare("SELECT 1", catalog, {}, cache)
    prepare("SELECT 2", catalog, {}, cache)
    assert prepare("SELECT 1", catalog, {}, cache) is first
    prepare("SELECT 3", catalog, {}, cache)
    assert prepare("SELECT 1", catalog, {}, cache) is first


def test_clearing_forgets_everything() -> None:
    catalog, cache = small_catalog(), PlanCache()
    prepare("SELECT 1", catalog, {}, cache)
    cache.clear()
    assert len(cache) == 0


def test_a_table_replaced_by_an_equal_one_is_planned_anew() -> None:
    catalog, cache = small_catalog(), PlanCache()
    text = "SELECT age FROM people WHERE name = ?"
    before = prepare(text, catalog, {}, cache)
    catalog.tables["people"] = replace(catalog.tables["people"])
    assert prepare(text, catalog, {}, cache) is not before


SIMPLE = (
    "SELECT name, age FROM people WHERE name = ?",
    "SELECT * FROM events WHERE user_id = 7 AND at > '2024-01-01' ORDER BY at DESC LIMIT 5",
    "UPSERT INTO people VALUES (?, ?, ?)",
    "INSERT INTO people (name, city) VALUES ('a', 'b') USING TTL 60",
    "UPDATE people SET age = 3 WHERE name = 'x'",
    "DELETE FROM people WHERE name = :name",
)


def test_simple_statements_do_without_sqlglot() -> None:
    script = f"""
import sys
from pegasus_tab.sql.explain import explain
from pegasus_tab.sql.prepare import prepare
from pegasus_tab.sql.split import split_statements
from pegasus_tab.sql.catalog import Table
from pegasus_tab.tabular.create import ColumnSpec, new_schema
from pegasus_tab.tabular.schema import ColumnType, Kind

TEXT, INT, TIMESTAMP = ColumnType(Kind.TEXT), ColumnType(Kind.INT), ColumnType(Kind.TIMESTAMP)
people = new_schema(
    [ColumnSpec("name", TEXT), ColumnSpec("age", INT), ColumnSpec("city", TEXT)], ["name"]
)
events = new_schema([ColumnSpec("user_id", INT), ColumnSpec("at", TIMESTAMP)], ["user_id"], [("at", True)])
tables = {{"people": Table("people", 1, 4, people, False), "events": Table("events", 2, 4, events, False)}}

class Catalog:
    def table(self, name):
        return tables.get(name)
    def names(self):
        return sorted(tables)

for text in {SIMPLE!r}:
    explain(prepare(text, Catalog(), {{}}))
print("sqlglot" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("SET full_scan = warn", SetOption("full_scan", "warn")),
        ("SET SESSION full_scan TO 'ERROR'", SetOption("full_scan", "error")),
        ("SET timeout = 2500", SetOption("timeout", 2500)),
        ("SET timeout = '5s'", SetOption("timeout", 5000)),
        ("SET timeout = DEFAULT", SetOption("timeout", None)),
        ("RESET timeout", SetOption("timeout", None)),
        ("SHOW TABLES", Show("tables")),
        ("SHOW DROPPED TABLES", Show("dropped")),
        ("SHOW ALL", Show("option")),
        ("SHOW full_scan", Show("option", None, "full_scan")),
    ],
)
def test_session_statements(text: str, plan: object) -> None:
    assert prepare(text, small_catalog(), {}).plan == plan


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("SHOW PARTITIONS OF people", "partitions"),
        ("SHOW PARTITIONS FROM people", "partitions"),
        ("SHOW CREATE TABLE people", "create"),
        ("DESCRIBE people", "describe"),
        ("DESC people", "describe"),
        ("SHOW COLUMNS FROM people", "describe"),
    ],
)
def test_statements_about_a_table(text: str, what: str) -> None:
    catalog = small_catalog()
    plan = prepare(text, catalog, {}).plan
    assert isinstance(plan, Show)
    assert plan.what == what
    assert plan.table is catalog.tables["people"]


@pytest.mark.parametrize(
    ("text", "analyze", "format_"),
    [
        ("EXPLAIN SELECT 1", False, "text"),
        ("EXPLAIN ANALYZE SELECT 1", True, "text"),
        ("EXPLAIN (FORMAT json) SELECT 1", False, "json"),
        ("EXPLAIN (ANALYZE, FORMAT TEXT) SELECT 1", True, "text"),
        ("EXPLAIN (ANALYZE OFF) SELECT 1", False, "text"),
        ("EXPLAIN (SELECT 1)", False, "text"),
    ],
)
def test_explain(text: str, analyze: bool, format_: str) -> None:
    plan = prepare(text, small_catalog(), {}).plan
    assert isinstance(plan, Explain)
    assert (plan.analyze, plan.format) == (analyze, format_)


def test_explain_analyze_runs_and_so_may_be_refused() -> None:
    settings = {"full_scan": "error"}
    prepare("EXPLAIN SELECT age FROM people", small_catalog(), settings)
    with pytest.raises(ProgrammingError):
        prepare("EXPLAIN ANALYZE SELECT age FROM people", small_catalog(), settings)


def test_the_quick_front_leaves_a_big_sort_to_the_residual_engine() -> None:
    quick = prepare("SELECT age FROM people ORDER BY age", small_catalog(), {}).plan
    slow = prepare("SELECT age FROM people p ORDER BY age", small_catalog(), {}).plan
    assert type(quick) is type(slow)
    assert not isinstance(quick, Select)


def test_plans_of_full_scans_know_their_table() -> None:
    plan = prepare("SELECT age FROM people WHERE age > 3", small_catalog(), {}).plan
    assert isinstance(plan, Select)
    assert plan.source.access == TableScan()


def test_overlong_statements_are_refused() -> None:
    text = "SELECT '" + "x" * STATEMENT_CHARACTERS_MAX + "'"
    with pytest.raises(ProgrammingError) as caught:
        prepare(text, small_catalog(), {})
    assert caught.value.sqlstate == "54000"
