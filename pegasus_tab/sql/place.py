"""Where in a statement something stands."""

from typing import TypedDict

from pegasus_tab.base.record import record


@record
class Place:
    """Characters ``position`` .. ``position + length`` of the statement, 0-based, length >= 1."""

    position: int
    length: int = 1


class Located(TypedDict, total=False):
    """The keyword arguments that give an error its place."""

    position: int
    length: int


def at(place: Place | None) -> Located:
    """Return the keyword arguments that give an error this place, none for None."""
    return {} if place is None else {"position": place.position, "length": place.length}
