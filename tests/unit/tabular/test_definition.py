"""CREATE TABLE and ALTER TABLE: what cannot be is refused by name, ids are never used twice."""

from collections.abc import Callable
from typing import TypeAlias

import pytest

from pegasus_tab.base.errors import DataError
from pegasus_tab.tabular.alter import add_column, drop_column, rename_column
from pegasus_tab.tabular.create import ColumnSpec, new_schema
from pegasus_tab.tabular.errors import SchemaError
from pegasus_tab.tabular.schema import ColumnType, Kind, Layout, Schema, SortColumn
from pegasus_tab.tabular.schema_rules import broken_rule

INT, TEXT = ColumnType(Kind.INT), ColumnType(Kind.TEXT)
ATTRS = ColumnType(Kind.MAP, value=TEXT)
COLUMNS = [
    ColumnSpec("id", INT),
    ColumnSpec("at", INT),
    ColumnSpec("name", TEXT),
    ColumnSpec("note", TEXT),
    ColumnSpec("attrs", ATTRS),
]


Changes: TypeAlias = list[tuple[Callable[[], Schema], str, str]]


def table() -> Schema:
    return new_schema(COLUMNS, ["id"], [("at", True)], {"cold": ["note"]})


def test_a_new_schema() -> None:
    schema = table()
    assert [column.id for column in schema.columns] == [0, 1, 2, 3, 4]
    assert [column.not_null for column in schema.columns] == [True, True, False, False, False]
    assert [column.family for column in schema.columns] == [0, 0, 0, 1, 2]
    assert schema.families == {0: "main", 1: "cold", 2: "attrs"}
    assert schema.layouts == (Layout(0, 0, (2,)), Layout(1, 1, (3,)))
    assert schema.sort_key == (SortColumn(1, descending=True),)
    assert broken_rule(schema) is None


def double(name: str, type_: ColumnType = INT, **clauses: object) -> list[ColumnSpec]:
    return [ColumnSpec("id", INT), ColumnSpec(name, type_, **clauses)]  # type: ignore[arg-type]  # of the test


@pytest.mark.parametrize(
    ("columns", "hash_key", "families", "name", "sqlstate"),
    [
        (COLUMNS, [], {}, "", "42P16"),
        (COLUMNS, ["x"], {}, "x", "42703"),
        (COLUMNS, ["id", "id"], {}, "id", "42P16"),
        (COLUMNS, ["attrs"], {}, "attrs", "42P16"),
        (double("id"), ["id"], {}, "id", "42701"),
        (double(""), ["id"], {}, "", "42622"),
        (double("x" * 64), ["id"], {}, "x" * 64, "42622"),
        (double("a\nb"), ["id"], {}, "a\nb", "42602"),
        (double("d", ColumnType(Kind.DECIMAL, 39, 0)), ["id"], {}, "d", "22023"),
        (double("d", ColumnType(Kind.DECIMAL, 3, 4)), ["id"], {}, "d", "22023"),
        (double("m", ColumnType(Kind.MAP, value=ATTRS)), ["id"], {}, "m", "42P16"),
        (double("m", ATTRS, not_null=True), ["id"], {}, "m", "42P16"),
        (double("m", ATTRS, default={}), ["id"], {}, "m", "42P16"),
        (COLUMNS, ["id"], {"f": ["id"]}, "id", "42P16"),
        (COLUMNS, ["id"], {"f": ["x"]}, "x", "42703"),
        (COLUMNS, ["id"], {"f": ["attrs"]}, "attrs", "42P16"),
        (COLUMNS, ["id"], {"f": ["name"], "g": ["name"]}, "name", "42P16"),
        (COLUMNS, ["id"], {"main": ["name"]}, "main", "42710"),
        (COLUMNS, ["id"], {"attrs": ["name"]}, "attrs", "42710"),
        ([*COLUMNS, *(ColumnSpec(f"c{i}", INT) for i in range(996))], ["id"], {}, "c995", "54011"),
        ([*COLUMNS, *(ColumnSpec(f"m{i}", ATTRS) for i in range(250))], ["id"], {}, "m249", "54011"),
    ],
)  # fmt: skip
def test_refused_definitions(
    columns: list[ColumnSpec],
    hash_key: list[str],
    families: dict[str, list[str]],
    name: str,
    sqlstate: str,
) -> None:
    with pytest.raises(SchemaError) as refusal:
        new_schema(columns, hash_key, [], families)
    assert (refusal.value.name, refusal.value.sqlstate) == (name, sqlstate)


def test_a_default_must_fit() -> None:
    with pytest.raises(DataError, match='column "n": invalid input for type INT'):
        new_schema(double("n", INT, default="x"), ["id"])


def test_alter_adds_layouts_and_never_uses_an_id_twice() -> None:
    schema = add_column(table(), ColumnSpec("age", INT, not_null=True, default="7"))
    assert schema.columns[-1].default == 7
    assert schema.layouts[-1] == Layout(2, 0, (2, 5))
    schema = add_column(schema, ColumnSpec("more", TEXT), "cold")
    assert schema.layouts[-1] == Layout(3, 1, (3, 6))
    schema = drop_column(drop_column(schema, "age"), "attrs")
    assert schema.layouts[-1] == Layout(4, 0, (2,))
    assert schema.families == {0: "main", 1: "cold"}
    schema = add_column(add_column(schema, ColumnSpec("age", TEXT)), ColumnSpec("attrs", ATTRS))
    assert [(column.name, column.id, column.family) for column in schema.columns[-2:]] == [
        ("age", 7, 0),
        ("attrs", 8, 3),
    ]
    assert schema.version == 7
    assert broken_rule(schema) is None


def test_rename_keeps_ids() -> None:
    schema = rename_column(rename_column(table(), "attrs", "tags"), "at", "seen")
    assert [column.name for column in schema.columns] == ["id", "seen", "name", "note", "tags"]
    assert schema.families[2] == "tags"
    assert schema.layouts == table().layouts


def test_refused_alterations() -> None:
    schema = table()
    many = schema
    for i in range(248):
        many = add_column(many, ColumnSpec(f"m{i}", ATTRS))
    cases: Changes = [
        (lambda: add_column(schema, ColumnSpec("name", INT)), "name", "42701"),
        (lambda: add_column(schema, ColumnSpec("n", INT, not_null=True)), "n", "23502"),
        (lambda: add_column(schema, ColumnSpec("n", INT), "x"), "x", "42704"),
        (lambda: add_column(schema, ColumnSpec("n", INT), "attrs"), "attrs", "42704"),
        (lambda: add_column(schema, ColumnSpec("n", ATTRS), "cold"), "n", "42P16"),
        (lambda: add_column(many, ColumnSpec("n", ATTRS)), "n", "54011"),
        (lambda: drop_column(schema, "x"), "x", "42703"),
        (lambda: drop_column(schema, "id"), "id", "0A000"),
        (lambda: drop_column(schema, "at"), "at", "0A000"),
        (lambda: rename_column(schema, "x", "y"), "x", "42703"),
        (lambda: rename_column(schema, "name", "note"), "note", "42701"),
    ]
    for change, name, sqlstate in cases:
        with pytest.raises(SchemaError) as refusal:
            change()
        assert (refusal.value.name, refusal.value.sqlstate) == (name, sqlstate)
