"""The frame of the way from sqlglot's trees to terms of ours; the handlers are in ``translate_*``.

Every argument of every node is accounted for: a node with a filled argument that its handler does
not list is refused by name, never half understood. sqlglot's versions differ in how they write NOT
LIKE and IS NOT NULL (a flag, or a Not around), so ``negate`` is dealt with here, for every node.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from sqlglot import exp

from pegasus_tab.base.errors import Error, NotSupportedError, ProgrammingError
from pegasus_tab.sql.function_names import unknown_function
from pegasus_tab.sql.place import Place, at
from pegasus_tab.sql.terms import Apply, Placeholder, Term

DEPTH_MAX = 64
"""Levels of one expression; translation, binder and evaluator recurse over them."""

_NO_MEANING = frozenset(("typed", "safe", "coalesce", "big_int", "ignore_nulls", "negate"))
"""Arguments by which sqlglot notes the dialect it read, and ``negate``, handled in ``term``."""


class Translation:
    """Translates the expressions of one statement.

    Attributes:
        text: the statement.
        placeholders: what the occurrence number in ``$n`` stands for.
    """

    def __init__(
        self, text: str, placeholders: Sequence[Placeholder], handlers: "Mapping[type, Handler]"
    ) -> None:
        self.text = text
        self.placeholders = placeholders
        self._handlers = handlers
        self._depth = 0

    def term(self, node: Any) -> Term:
        """Return the term for one sqlglot expression.

        Raises:
            NotSupportedError: the expression, or an argument of it, has no meaning here.
            ProgrammingError: 54001, nested deeper than DEPTH_MAX.
        """
        handler = self._handlers.get(type(node))
        if handler is None:
            raise refused(node, self.text)
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise too_deep(node)
        try:
            made = handler(self, node)
        finally:
            self._depth -= 1
        return Apply("not", (made,), place_of_node(node)) if node.args.get("negate") else made

    def apply(self, function: str, node: Any, arguments: Iterable[Any]) -> Apply:
        """Return ``function`` over the translated arguments, at the node's place."""
        return Apply(function, tuple(self.term(one) for one in arguments), place_of_node(node))


Handler: TypeAlias = Callable[[Translation, Any], Term]


def check_arguments(node: Any, *known: str) -> None:
    """Raise NotSupportedError when an argument besides ``known`` is filled."""
    for name, value in node.args.items():
        if name in known or name in _NO_MEANING or value is None or value is False or value == []:
            continue
        raise refused(node)


def refused(node: Any, text: str = "") -> Error:
    """Return the error for a node that has no meaning here, named as the user wrote it.

    Args:
        node: what is refused.
        text: the statement, for the name of a function that sqlglot calls otherwise.
    """
    place = place_of_node(node)
    # An operator that sqlglot keeps as a function (~) has no place: it is shown as an expression.
    if isinstance(node, exp.Func) and place is not None:
        name = node.name if isinstance(node, exp.Anonymous) else node.sql_name()
        if text:
            name = text[place.position : place.position + place.length]
        return unknown_function(str(name).lower(), place)
    try:
        shown = node.sql("postgres")
    except (ValueError, AttributeError, TypeError):
        shown = type(node).__name__
    return NotSupportedError(f"{shown[:60]} is not supported here", **at(nearest_place(node)))


def too_deep(node: Any) -> ProgrammingError:
    """Return the error for an expression of more than DEPTH_MAX levels."""
    return ProgrammingError(
        "an expression is nested too deeply",
        sqlstate="54001",
        hint=f"at most {DEPTH_MAX} levels are supported; chains of AND and OR may be longer",
        **at(nearest_place(node)),
    )


def place_of_node(node: Any) -> Place | None:
    """Return where a node's own token stands, None when sqlglot keeps no place for it."""
    start, end = node.meta.get("start"), node.meta.get("end")
    return None if start is None else Place(start, end - start + 1)


def nearest_place(node: Any) -> Place | None:
    """Return the place of the node or else of the leftmost node below it."""
    own = place_of_node(node)
    if own is not None:
        return own
    places = [place for one in node.walk() if (place := place_of_node(one))]
    return min(places, key=lambda place: place.position, default=None)


def column_place(node: Any) -> Place | None:
    """Return the place of a column reference, its table's name included."""
    column = place_of_node(node.this)
    table = node.args.get("table")
    start = place_of_node(table) if table is not None else None
    if column is None or start is None:
        return column
    return Place(start.position, column.position + column.length - start.position)


def identifier(node: Any) -> str:
    """Return an identifier's name: lower case unless it was quoted.

    Raises:
        NotSupportedError: something else stands where a name should; sqlglot lets some of it pass.
    """
    if not isinstance(node, exp.Identifier):
        raise refused(node)
    name: str = node.this
    return name if node.args.get("quoted") else name.lower()
