"""Whatever text arrives, planning it gives a plan or one of our errors, and in bounded time."""

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pegasus_tab.base.errors import Error
from pegasus_tab.sql.plan_cache import PlanCache
from pegasus_tab.sql.prepare import prepare
from pegasus_tab.sql.split import is_complete, pieces, split_statements
from tests.fakes.sql_catalog import EVENTS, small_catalog

CATALOG = small_catalog()

CORPUS = (
    "SELECT name, attrs['x'], count(*) FROM events WHERE user_id = ? AND at > '2024-01-01' GROUP BY 1, 2",
    "SELECT * FROM people WHERE name LIKE 'a\\%' AND (age, city) > (1, 'x') ORDER BY 1 LIMIT 5",
    "INSERT INTO people (name, city) VALUES ('a', 'b'), (:x, DEFAULT) ON CONFLICT DO NOTHING",
    "UPSERT INTO people VALUES ($1, -2.5, CAST(3 AS TEXT)) USING TTL INTERVAL '1 day'",
    "UPDATE events SET attrs['x'] = upper(name) || 'y', age = age + 1 WHERE user_id IN (1, 2)",
    "DELETE attrs['x'] FROM events WHERE user_id = 1 AND at BETWEEN ? AND now()",
    EVENTS,
    "ALTER TABLE people ADD COLUMN x DECIMAL(10, 2) NOT NULL DEFAULT 1.5",
    "EXPLAIN (ANALYZE, FORMAT json) SELECT CASE WHEN age > 3 THEN 1 ELSE 2 END FROM people",
    "WITH x AS (SELECT name FROM people) SELECT * FROM x JOIN events USING (name)",
    "SET full_scan = error",
    "SHOW PARTITIONS OF people",
    "RECALL TABLE 7 AS x",
    "CREATE TABLE t (a MAP<TEXT, INT>, k TEXT PRIMARY KEY, FAMILY f (k)) WITH (partitions = 8)",
)
WORDS = sorted(
    {word for text in CORPUS for word in text.split()} | {"(", ")", "'", '"', "/*", "--"}
)


def plans_or_fails_well(text: str) -> None:
    fault = fault_of(text)
    if fault is not None:
        assert fault.message
        assert fault.sqlstate
        assert fault.position is None or 0 <= fault.position <= len(text)
        assert str(fault)


def fault_of(text: str) -> Error | None:
    try:
        prepare(text, CATALOG, {}, PlanCache())
    except Error as error:
        return error
    return None


@settings(max_examples=400)
@given(st.text(max_size=200))
@example("")
@example("$\u00b2")
@example("SELECT $* FROM people")
@example("SELECT name FROM people WHERE age IN ()")
@example("WITH x AS (SELECT 1) CREATE TABLE y (a INT)")
@example("SELECT 1 FROM people AS $1 JOIN events ON TRUE")
def test_random_text(text: str) -> None:
    plans_or_fails_well(text)


@settings(max_examples=400)
@given(st.lists(st.sampled_from(WORDS), max_size=30))
def test_random_words(words: list[str]) -> None:
    plans_or_fails_well(" ".join(words))


@settings(max_examples=600)
@given(st.sampled_from(CORPUS), st.integers(0, 2**32))
def test_damaged_statements(text: str, seed: int) -> None:
    chance = random.Random(seed)
    words = text.split(" ")
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(words))
        match chance.randrange(5):
            case 0:
                del words[place]
            case 1:
                words[place] = chance.choice(WORDS)
            case 2:
                words.insert(place, chance.choice(WORDS))
            case 3:
                words[place] = words[place][: chance.randint(0, len(words[place]))]
            case _:
                other = chance.randrange(len(words))
                words[place], words[other] = words[other], words[place]
        if not words:
            break
    plans_or_fails_well(" ".join(words))


@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "(" * 5000 + "1" + ")" * 5000,
        "SELECT name FROM people WHERE " + "NOT " * 5000 + "age = 1",
        "SELECT " + "-" * 3 + " - " * 3000 + "1",
        "SELECT " + "CASE WHEN TRUE THEN " * 2000 + "1" + " END" * 2000,
        "SELECT 1 " + "+ 1 " * 5000,
        "SELECT 'a' " + "|| 'a' " * 5000,
        "SELECT age::" + "INT::" * 3000 + "INT FROM people",
        "SELECT name FROM people WHERE " + " OR ".join(["age = 1 AND name = 'x'"] * 400),
        "SELECT name FROM people WHERE age IN (" + ", ".join(map(str, range(3000))) + ")",
        "SELECT name FROM people WHERE name IN (" + ", ".join(f"'{n}'" for n in range(2000)) + ")",
        "SELECT " + ", ".join(["name"] * 3000) + " FROM people",
        "SELECT " + "a" * 10_000 + " FROM people",
        "SELECT name FROM " + "b" * 10_000,
        "SELECT 1 FROM people p0" + "".join(f" JOIN people p{n} ON TRUE" for n in range(1, 100)),
        "SELECT * FROM (SELECT * FROM " * 300 + "people" + ")" * 300,
        "SELECT upper(" * 30 + "name" + ")" * 30 + " FROM people",
        "SELECT 1 UNION " * 700 + "SELECT 1",
        "SELECT name FROM people WHERE name LIKE '" + "%a" * 4000 + "'",
        "INSERT INTO people VALUES " + ", ".join(["('a', 1, 'b')"] * 700),
        "SELECT " + "9" * 10_000,
        "SELECT 1e999999999",
        "SELECT $" + "9" * 9_000,
        "SELECT INTERVAL '" + "1 day " * 1500 + "'",
        "CREATE TABLE t (k TEXT PRIMARY KEY" + "".join(f", c{n} INT" for n in range(1500)) + ")",
        "EXPLAIN " * 2000 + "SELECT 1",
        "/* " * 3000,
        "'" * 9999,
        "SELECT 'x' AS " + '"' + "q" * 9000 + '"',
        "SELECT name FROM people WHERE age BETWEEN 1 AND " + "2 AND age BETWEEN 1 AND " * 400 + "2",
    ],
    ids=lambda text: text[:20],
)
def test_large_and_deep_statements(text: str) -> None:
    plans_or_fails_well(text)


@given(st.text(alphabet=" ;'\"-/*$aE\\\n", max_size=60))
def test_splitting_loses_nothing(text: str) -> None:
    covered = "".join(text[start:end] for _, start, end, _ in pieces(text))
    assert covered == text
    for start, statement in split_statements(text):
        assert text[start : start + len(statement)] == statement
        assert split_statements(statement) == [(0, statement)]
    is_complete(text)
