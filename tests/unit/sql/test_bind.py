"""Types and names of results, and what placeholders are asked to be."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from pegasus_tab.base.errors import DataError, ProgrammingError
from pegasus_tab.sql.expression import Call, Expression, Literal, Parameter
from pegasus_tab.sql.plan_nodes import Insert, Select, Update, ValuesQuery
from pegasus_tab.sql.prepare import prepare
from pegasus_tab.sql.tree import walk
from tests.fakes.sql_catalog import small_catalog

CATALOG = small_catalog()


def select(items: str, where: str = "user_id = 1") -> Select:
    plan = prepare(f"SELECT {items} FROM events WHERE {where}", CATALOG, {}).plan
    assert isinstance(plan, Select)
    return plan


@pytest.mark.parametrize(
    ("expression", "type_"),
    [
        ("user_id", "BIGINT"),
        ("age + 1", "INT"),
        ("age + user_id", "BIGINT"),
        ("age + 3000000000", "BIGINT"),
        ("age / 2", "INT"),
        ("age * 1.5", "DECIMAL(12,1)"),
        ("price + 1", "DECIMAL(13,2)"),
        ("price * price", "DECIMAL(20,4)"),
        ("price / 3", "DECIMAL(20,12)"),
        ("price + score", "DOUBLE"),
        ("-price", "DECIMAL(10,2)"),
        ("age > 1", "BOOLEAN"),
        ("name || age", "TEXT"),
        ("body || body", "BLOB"),
        ("attrs['x']", "TEXT"),
        ("counts['x'] + 1", "INT"),
        ("attrs", "MAP<TEXT,TEXT>"),
        ("upper(name)", "TEXT"),
        ("length(name)", "INT"),
        ("length(body)", "INT"),
        ("substr(body, 1, 2)", "BLOB"),
        ("abs(price)", "DECIMAL(10,2)"),
        ("round(price)", "DECIMAL(9,0)"),
        ("round(price, 1)", "DECIMAL(10,1)"),
        ("round(score, 1)", "DOUBLE"),
        ("floor(age)", "INT"),
        ("power(age, 2)", "DOUBLE"),
        ("coalesce(age, user_id)", "BIGINT"),
        ("coalesce(age, 1.5)", "DECIMAL(11,1)"),
        ("coalesce(day, at)", "TIMESTAMP"),
        ("nullif(name, 'x')", "TEXT"),
        ("greatest(age, score)", "DOUBLE"),
        ("CASE WHEN ok THEN 1 END", "INT"),
        ("CASE age WHEN 1 THEN 'x' ELSE name END", "TEXT"),
        ("CAST(name AS DECIMAL(5, 1))", "DECIMAL(5,1)"),
        ("age::TEXT", "TEXT"),
        ("at + INTERVAL '1 day'", "TIMESTAMP"),
        ("day - INTERVAL '1 day'", "TIMESTAMP"),
        ("date_trunc('month', day)", "TIMESTAMP"),
        ("extract(year FROM at)", "BIGINT"),
        ("extract(epoch FROM at)", "DOUBLE"),
        ("current_date", "DATE"),
        ("now()", "TIMESTAMP"),
        ("TTL(name)", "BIGINT"),
        ("TIMESTAMP '2024-01-01'", "TIMESTAMP"),
        ("X'00ff'", "BLOB"),
        ("1", "INT"),
        ("3000000000", "BIGINT"),
        ("1.50", "DECIMAL(3,2)"),
        ("12345678901234567890123456789012345678901", "DOUBLE"),
        ("{'a': 1}", "MAP<TEXT,INT>"),
        ("NULL", "None"),
        ("?", "None"),
        ("age + ?", "None"),
        ("upper(?)", "TEXT"),
    ],
)
def test_result_types(expression: str, type_: str) -> None:
    assert str(select(expression).output[0].type) == type_


@pytest.mark.parametrize(
    ("item", "name"),
    [
        ("name", "name"),
        ('name AS "Nice Name"', "Nice Name"),
        ("name label", "label"),
        ("upper(name)", "upper"),
        ("attrs['x']", "attrs['x']"),
        ("age + 1", "?column?"),
        ("NOT ok", "?column?"),
        ("CASE WHEN ok THEN 1 END", "case"),
        ("TTL(name)", "ttl"),
        ("now()", "current_timestamp"),
        ("5", "?column?"),
    ],
)
def test_result_names(item: str, name: str) -> None:
    assert select(item).output[0].name == name


def test_star_expands_in_declaration_order() -> None:
    plan = prepare("SELECT e.*, e.age FROM events e WHERE user_id = 1", CATALOG, {}).plan
    assert isinstance(plan, Select)
    columns = [column.name for column in CATALOG.tables["events"].schema.columns]
    assert [output.name for output in plan.output] == [*columns, "age"]


def parameters(expressions: list[Expression]) -> dict[int, str]:
    return {
        node.index: str(node.type)
        for expression in expressions
        for node in walk(expression)
        if isinstance(node, Parameter)
    }


@pytest.mark.parametrize(
    ("where", "types"),
    [
        ("age = ? AND name > ?", {0: "INT", 1: "TEXT"}),
        ("at BETWEEN ? AND ?", {0: "TIMESTAMP", 1: "TIMESTAMP"}),
        ("age IN (?, 2, ?)", {0: "INT", 1: "INT"}),
        ("name LIKE ?", {0: "TEXT"}),
        ("attrs[?] = ?", {0: "TEXT", 1: "TEXT"}),
        ("price = ?", {0: "None"}),
        ("score > ?", {0: "DOUBLE"}),
        ("? = ok", {0: "BOOLEAN"}),
        ("?", {0: "BOOLEAN"}),
        ("age = ?::INT AND name = ? || 'x'", {0: "INT", 2: "TEXT"}),
        ("(at, seq) > (?, ?)", {0: "TIMESTAMP", 1: "INT"}),
        ("tag = ? AND body = ? AND day = ?", {0: "UUID", 1: "BLOB", 2: "DATE"}),
    ],
)
def test_parameters_take_the_type_of_their_place(where: str, types: dict[int, str]) -> None:
    source = select("seq", f"user_id = 1 AND {where}").source
    assert parameters([*source.seek, *source.pushed, *source.residual]) == types


def test_named_parameters_are_numbered_once() -> None:
    statement = prepare(
        "SELECT seq FROM events WHERE user_id = :u AND age IN (:a, :u)", CATALOG, {}
    )
    assert statement.parameters == ("u", "a")


def test_numbered_parameters_may_repeat_and_skip() -> None:
    statement = prepare("SELECT $3, $1, $3", CATALOG, {})
    assert statement.parameters == (None, None, None)
    assert isinstance(statement.plan, ValuesQuery)
    indexes = [one.expression for one in statement.plan.output]
    assert indexes == [Parameter(2), Parameter(0), Parameter(2)]


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("at = '2024-01-02'", datetime.fromisoformat("2024-01-02")),
        ("at = '2024-01-02 10:00+02'", datetime.fromisoformat("2024-01-02T08:00")),
        ("day = '2024-01-02'", date(2024, 1, 2)),
        ("tag = '00000000-0000-0000-0000-000000000001'", UUID(int=1)),
        ("price = 1.5", Decimal("1.50")),
        ("score = 1", 1.0),
        ("user_id = '7'", 7),
        ("ok = 'yes'", True),
        ("body = 'text'", b"text"),
        ("name = ''", ""),
    ],
)
def test_literals_take_the_type_of_their_column(literal: str, value: object) -> None:
    source = select("seq", f"{literal} AND age = 1").source
    found = [
        node.value
        for one in (*source.seek, *source.pushed)
        for node in walk(one)
        if isinstance(node, Literal)
    ]
    assert value in found
    assert type(value) in {type(one) for one in found}


def test_inserted_values_are_stored_in_their_columns_type() -> None:
    plan = prepare(
        "UPSERT INTO events (user_id, at, seq, price, score, counts) "
        "VALUES (1, '2024-01-01', '3', 1.005, 2, {'a': 1})",
        CATALOG,
        {},
    ).plan
    assert isinstance(plan, Insert)
    values = [one.value for one in plan.rows[0] if isinstance(one, Literal)]
    assert values == [
        1,
        datetime.fromisoformat("2024-01-01"),
        3,
        Decimal("1.01"),
        2.0,
        {"a": 1},
    ]


def test_updated_values_are_cast_where_postgresql_casts() -> None:
    plan = prepare(
        "UPDATE events SET age = user_id, score = age WHERE user_id = 1", CATALOG, {}
    ).plan
    assert isinstance(plan, Update)
    casts = [one.value for one in plan.assignments]
    assert [cast.function for cast in casts if isinstance(cast, Call)] == ["cast", "cast"]


def test_computed_expressions_are_shared_and_leave_conditional_parts() -> None:
    statement = prepare(
        "SELECT seq FROM events WHERE at > now() - INTERVAL '1 day' AND at < now() - INTERVAL '1 day' "
        "AND coalesce(ok, 1 / 0 = 1)",
        CATALOG,
        {},
    )
    assert len(statement.computed) == 1


@pytest.mark.parametrize(
    ("sql", "sqlstate", "underlined"),
    [
        ("SELECT nme FROM people", "42703", "nme"),
        ("SELECT p.nme FROM people p", "42703", "p.nme"),
        ("SELECT name FROM people WHERE age = 'x'", "22P02", "'x'"),
        ("SELECT name FROM people WHERE age > 1 AND name > 2", "42883", "name"),
        ("SELECT round('x', 1)", "42804", "'x'"),
        ("INSERT INTO people VALUES ('a', 'b', 'c')", "22P02", "'b'"),
        ("SELECT name FROM people WHERE age BETWEEN 1 AND 'y'", "22P02", "'y'"),
        ("SELECT CAST('x' AS INT)", "22P02", "'x'"),
        ("SELECT TIMESTAMP 'noon'", "22007", "'noon'"),
    ],
)
def test_errors_underline_their_place(sql: str, sqlstate: str, underlined: str) -> None:
    with pytest.raises((DataError, ProgrammingError)) as caught:
        prepare(sql, CATALOG, {})
    error = caught.value
    assert error.sqlstate == sqlstate
    assert error.position is not None
    assert sql[error.position : error.position + error.length] == underlined
