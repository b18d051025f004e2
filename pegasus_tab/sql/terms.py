"""Expressions as written: names not yet resolved, each with its place in the text.

The front parsers make them, the binder turns them into ``expression`` values. A place takes no part
in equality, so the quick and the slow front can be compared tree by tree.
"""

from dataclasses import field
from typing import TypeAlias

from pegasus_tab.base.record import record
from pegasus_tab.sql.place import Place
from pegasus_tab.tabular.schema import ColumnType


@record
class Name:
    """A column, perhaps with its table's name or alias before the dot."""

    column: str
    table: str | None = None
    place: Place | None = field(default=None, compare=False)


@record
class Constant:
    """A literal: None, bool, int, Decimal, float, str, bytes or, from INTERVAL, timedelta."""

    value: object
    place: Place | None = field(default=None, compare=False)


@record
class Placeholder:
    """A parameter: its index among the values the statement wants."""

    index: int
    place: Place | None = field(default=None, compare=False)


@record
class Item:
    """``name['key']``."""

    base: Name
    key: "Term"
    place: Place | None = field(default=None, compare=False)


@record
class Apply:
    """An operator or a function by its canonical name (see ``expression.Call``), and ``row``, ``ttl``."""

    function: str
    arguments: "tuple[Term, ...]"
    place: Place | None = field(default=None, compare=False)


@record
class Convert:
    """``CAST(term AS type)``, ``term::type`` and ``TIMESTAMP '...'``."""

    term: "Term"
    type: ColumnType
    place: Place | None = field(default=None, compare=False)


@record
class Default:
    """The word DEFAULT in a VALUES row or an assignment."""

    place: Place | None = field(default=None, compare=False)


Term: TypeAlias = Name | Constant | Placeholder | Item | Apply | Convert | Default


def place_of(term: Term) -> Place | None:
    """Return where the term stands; for an operator without a place of its own, its first argument's."""
    if term.place is not None:
        return term.place
    match term:
        case Apply(arguments=arguments):
            return next((place for one in arguments if (place := place_of(one))), None)
        case Convert(term=inner):
            return place_of(inner)
        case Item(base=base):
            return base.place
        case _:
            return None
