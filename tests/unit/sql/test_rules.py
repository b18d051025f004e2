"""Each rule by itself: an expression before, and after."""

from collections.abc import Callable

import pytest

from pegasus_tab.sql import ast, front
from pegasus_tab.sql.bind_functions import binder_for
from pegasus_tab.sql.expression import Expression
from pegasus_tab.sql.render import Renderer
from pegasus_tab.sql.rules import RULES
from pegasus_tab.sql.rules.column_on_left import column_on_left
from pegasus_tab.sql.rules.flatten_junction import flatten_junction
from pegasus_tab.sql.rules.fold_constants import fold_constants
from pegasus_tab.sql.rules.like_to_equal import like_to_equal
from pegasus_tab.sql.rules.narrow_comparison import narrow_comparison
from pegasus_tab.sql.rules.or_to_in import or_to_in
from pegasus_tab.sql.rules.push_not_down import push_not_down
from pegasus_tab.sql.rules.simplify_in import simplify_in
from pegasus_tab.sql.scope import Scope
from pegasus_tab.sql.tree import transform
from tests.fakes.sql_catalog import small_catalog

TABLE = small_catalog().tables["events"]


def bound(text: str) -> Expression:
    statement = front.parse(f"SELECT seq FROM events WHERE {text}").statement
    assert isinstance(statement, ast.Select)
    assert statement.where is not None
    return binder_for(Scope(TABLE)).bind(statement.where)


CASES: list[tuple[Callable[[Expression], Expression], str, str]] = [
    (push_not_down, "NOT age = 1", "age <> 1"),
    (push_not_down, "NOT (age < 1 AND name IS NULL)", "age >= 1 OR name IS NOT NULL"),
    (push_not_down, "NOT (NOT ok)", "ok"),
    (push_not_down, "NOT age IN (1, 2)", "NOT age IN (1, 2)"),
    (push_not_down, "NOT (ok OR NOT ok)", "NOT ok AND ok"),
    (column_on_left, "5 < age", "age > 5"),
    (column_on_left, "'x' = name", "name = 'x'"),
    (column_on_left, "age < seq", "age < seq"),
    (column_on_left, "1 + 1 >= age", "age <= 1 + 1"),
    (fold_constants, "age = 1 + 2 * 3", "age = 7"),
    (fold_constants, "age = NULL", "NULL"),
    (fold_constants, "1 < 2", "TRUE"),
    (fold_constants, "NOT (1 = 2)", "TRUE"),
    (fold_constants, "NULL IS NULL", "TRUE"),
    (fold_constants, "1 IS NOT NULL", "TRUE"),
    (fold_constants, "age = 2147483647 + 1", "age = 2147483647 + 1"),
    (fold_constants, "age = 1 / 0", "age = 1 / 0"),
    (fold_constants, "CAST('NaN' AS DOUBLE) = 0.5", "nan = 0.5"),
    (narrow_comparison, "age > 1.5", "age > 1"),
    (narrow_comparison, "age >= 1.5", "age > 1"),
    (narrow_comparison, "age < 1.5", "age <= 1"),
    (narrow_comparison, "age <= -1.5", "age <= -2"),
    (narrow_comparison, "age = 1.5", "age <> age"),
    (narrow_comparison, "age <> 1.5", "age = age"),
    (narrow_comparison, "age = 1.0", "age = 1"),
    (narrow_comparison, "age < 3000000000", "age = age"),
    (narrow_comparison, "age > 3000000000", "age <> age"),
    (narrow_comparison, "age >= -3000000000", "age = age"),
    (narrow_comparison, "age = -2147483648", "age = -2147483648"),
    (narrow_comparison, "age > 2147483647.5", "age > 2147483647"),
    (narrow_comparison, "price > 1.555", "price > 1.55"),
    (narrow_comparison, "price = 1.555", "price <> price"),
    (narrow_comparison, "price < 100000000", "price = price"),
    (narrow_comparison, "score > 1.5", "score > 1.5"),
    (like_to_equal, "name LIKE 'ann'", "name = 'ann'"),
    (like_to_equal, "name LIKE 'a%'", "name LIKE 'a%'"),
    (like_to_equal, "name LIKE 'a\\%'", "name LIKE 'a\\%'"),
    (like_to_equal, "name ILIKE 'ann'", "name ILIKE 'ann'"),
    (simplify_in, "age IN (1, 2, 1, 2)", "age IN (1, 2)"),
    (simplify_in, "age IN (1)", "age = 1"),
    (simplify_in, "age IN (1, 1)", "age = 1"),
    (simplify_in, "age IN (1, NULL)", "age IN (1, NULL)"),
    (simplify_in, "NULL IN (age, seq)", "NULL"),
    (flatten_junction, "ok AND (age = 1 AND seq = 2)", "ok AND age = 1 AND seq = 2"),
    (flatten_junction, "ok AND TRUE", "ok"),
    (flatten_junction, "ok AND FALSE", "FALSE"),
    (flatten_junction, "ok OR TRUE", "TRUE"),
    (flatten_junction, "ok OR FALSE OR ok", "ok"),
    (flatten_junction, "ok AND NULL", "ok AND NULL"),
    (flatten_junction, "(ok AND TRUE) OR FALSE", "ok"),
    (or_to_in, "age = 1 OR age = 2 OR age IN (3, 4)", "age IN (1, 2, 3, 4)"),
    (or_to_in, "age = 1 OR name = 'x' OR age = 2", "age IN (1, 2) OR name = 'x'"),
    (or_to_in, "age = 1 OR name = 'x'", "age = 1 OR name = 'x'"),
    (or_to_in, "age = 1 OR age = seq", "age = 1 OR age = seq"),
]


@pytest.mark.parametrize(("rule", "before", "after"), CASES)
def test_rule(rule: Callable[[Expression], Expression], before: str, after: str) -> None:
    assert Renderer(TABLE).text(transform(bound(before), rule)) == after


def test_every_rule_has_cases() -> None:
    assert {rule for rule, _, _ in CASES} == set(RULES)
