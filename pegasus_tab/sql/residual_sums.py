"""Sums of integers stay integers: DuckDB's sum gives a 128-bit number that no column type holds.

A sum that is surely of integers is cast to BIGINT; DuckDB raises an error when it does not fit.
"""

from typing import Any

from sqlglot import exp

from pegasus_tab.sql.column_types import INTEGERS
from pegasus_tab.sql.residual_scope import Scopes

_KEEPS_INTEGERS = (
    exp.Add,
    exp.Sub,
    exp.Mul,
    exp.Div,
    exp.Mod,
    exp.Neg,
    exp.Paren,
    exp.Abs,
    exp.Coalesce,
    exp.Greatest,
    exp.Least,
    exp.Nullif,
    exp.Min,
    exp.Max,
    exp.Sum,
    exp.Distinct,
)
_GIVES_INTEGERS = (exp.Count, exp.Length, exp.StrPosition)


def cast_integer_sums(tree: Any, scopes: Scopes) -> None:
    """Cast every sum in the tree that is surely of integers to BIGINT."""
    for node in list(tree.find_all(exp.Sum)):
        if not _is_integer(node.this, scopes):
            continue
        whole = node
        while isinstance(whole.parent, exp.Window | exp.Filter) and whole.arg_key == "this":
            whole = whole.parent
        made = exp.cast(exp.Null(), "bigint")
        whole.replace(made)
        made.set("this", whole)  # not a copy: the scopes know the nodes themselves


def _is_integer(node: Any, scopes: Scopes) -> bool:
    if isinstance(node, exp.Literal):
        return bool(node.is_int)
    if isinstance(node, exp.Column):
        type_ = scopes.type_of(node)
        if type_ is not None:
            return type_.kind in INTEGERS
        behind = scopes.definition_of(node)
        return behind is not None and _is_integer(behind, scopes)
    if isinstance(node, exp.Cast):
        return bool(node.is_type("bigint", "int"))
    if isinstance(node, _GIVES_INTEGERS):
        return True
    if isinstance(node, exp.Case):
        arms = [arm.args["true"] for arm in node.args["ifs"]]
        default = node.args.get("default")
        return all(_is_integer(one, scopes) for one in [*arms, *([default] if default else [])])
    if isinstance(node, _KEEPS_INTEGERS):
        operands = [node.args.get("this"), node.args.get("expression"), *node.expressions]
        return all(_is_integer(one, scopes) for one in operands if one is not None)
    return False
