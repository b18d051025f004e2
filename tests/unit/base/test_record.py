"""Records are what frozen dataclasses are: compared, hashed, shown and copied by their fields."""

import copy
import pickle
from dataclasses import field, fields, replace

from pegasus_tab.base.record import record


@record
class Point:
    x: int
    y: int = 0
    place: str = field(default="", compare=False, repr=False)


@record
class Pair:
    x: int
    y: int = 0


@record
class Nothing:
    pass


def test_equal_by_the_fields_that_count() -> None:
    assert Point(1, 2, "here") == Point(1, 2, "there")
    assert hash(Point(1, 2, "here")) == hash(Point(1, 2, "there"))
    assert Point(1, 2) != Point(1, 3)
    assert Nothing() == Nothing()
    assert len({Nothing(), Nothing()}) == 1


def test_never_equal_to_another_class() -> None:
    others: list[object] = [Pair(1, 2), (1, 2), None]
    assert Point(1, 2) not in others


def test_shown_as_it_is_made() -> None:
    assert repr(Point(1, place="here")) == "Point(x=1, y=0)"
    assert repr(Nothing()) == "Nothing()"


def test_still_a_dataclass() -> None:
    assert [each.name for each in fields(Pair)] == ["x", "y"]
    assert replace(Point(1, 2, "here"), y=5).place == "here"
    match Pair(3, 4):
        case Pair(x, y):
            assert (x, y) == (3, 4)
    assert not hasattr(Pair(1), "__dict__")


def test_copied() -> None:
    point = Point(1, 2, "here")
    assert pickle.loads(pickle.dumps(point)).place == "here"  # noqa: S301 -- our own bytes
    assert copy.deepcopy(point) == point
