"""Rewrites of bound expressions: one rule a file, each a function from node to node.

A rule sees one node whose parts have been rewritten already and returns it or an equal one; equal
means the same value, NULL included, for every row. Rules are idempotent; ``RULES`` is their order.
"""

from collections.abc import Callable
from typing import TypeAlias

from pegasus_tab.sql.expression import Expression
from pegasus_tab.sql.rules.column_on_left import column_on_left
from pegasus_tab.sql.rules.flatten_junction import flatten_junction
from pegasus_tab.sql.rules.fold_constants import fold_constants
from pegasus_tab.sql.rules.like_to_equal import like_to_equal
from pegasus_tab.sql.rules.narrow_comparison import narrow_comparison
from pegasus_tab.sql.rules.or_to_in import or_to_in
from pegasus_tab.sql.rules.push_not_down import push_not_down
from pegasus_tab.sql.rules.simplify_in import simplify_in
from pegasus_tab.sql.tree import transform

Rule: TypeAlias = Callable[[Expression], Expression]

RULES: tuple[Rule, ...] = (
    push_not_down,
    column_on_left,
    fold_constants,
    narrow_comparison,
    like_to_equal,
    simplify_in,
    flatten_junction,
    or_to_in,
)
PASSES_MAX = 8
"""Rounds of all rules; each feeds the others only a few times, and stopping early is never wrong."""


def rewrite(expression: Expression) -> Expression:
    """Return an equal expression that no rule changes any more (or PASSES_MAX rounds saw)."""
    for _ in range(PASSES_MAX):
        before = expression
        expression = transform(expression, _apply_all)
        if expression is before:
            break
    return expression


def _apply_all(node: Expression) -> Expression:
    for rule in RULES:
        node = rule(node)
    return node
