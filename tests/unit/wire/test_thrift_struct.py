"""Messages behave as the frozen dataclasses they are declared as."""

import copy
from dataclasses import FrozenInstanceError, fields, is_dataclass, replace
from typing import Any

import pytest

from pegasus_tab.wire.messages import (
    AppInfo,
    ClusterInfoRequest,
    CountResponse,
    KeyValue,
    TtlResponse,
)


def test_by_position_by_name_and_by_default() -> None:
    row = KeyValue(b"k", value=b"v")

    assert (row.key, row.value, row.expire_ts_seconds) == (b"k", b"v", None)
    assert KeyValue() == KeyValue(b"", b"", None)
    assert KeyValue(value=b"v", key=b"k") == row


@pytest.mark.parametrize(
    ("values", "named", "complaint"),
    [
        ((b"k", b"v", None, 1), {}, "has 3 fields, not 4"),
        ((b"k",), {"key": b"k"}, "no field key, or it came twice"),
        ((), {"colour": 1}, "no field colour"),
    ],
)
def test_wrong_fields(values: tuple[Any, ...], named: dict[str, Any], complaint: str) -> None:
    with pytest.raises(TypeError, match=complaint):
        KeyValue(*values, **named)


def test_fields_cannot_be_changed() -> None:
    row = KeyValue(b"k")

    with pytest.raises(FrozenInstanceError):
        row.key = b"other"  # type: ignore[misc]  # what is tested
    with pytest.raises(FrozenInstanceError):
        del row.key
    with pytest.raises(AttributeError):
        object.__setattr__(row, "colour", 1)
    assert row == KeyValue(b"k")


def test_a_default_shared_by_all_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        AppInfo().envs["a"] = "b"  # type: ignore[index]  # what is tested


def test_messages_of_two_types_differ() -> None:
    assert CountResponse(1, 2) == CountResponse(1, 2)
    assert CountResponse(1, 2) != CountResponse(1, 3)
    assert CountResponse(1, 2) != TtlResponse(1, 2)
    assert len({KeyValue(b"k"), KeyValue(b"k"), KeyValue(b"l")}) == 2


def test_repr_is_the_call_that_makes_it() -> None:
    assert repr(KeyValue(b"k", b"v")) == "KeyValue(key=b'k', value=b'v', expire_ts_seconds=None)"
    assert repr(ClusterInfoRequest()) == "ClusterInfoRequest()"


def test_dataclass_tools_work() -> None:
    assert [field.name for field in fields(KeyValue)] == ["key", "value", "expire_ts_seconds"]
    assert replace(KeyValue(b"k", b"v"), value=b"w") == KeyValue(b"k", b"w")
    assert KeyValue.__match_args__ == ("key", "value", "expire_ts_seconds")
    assert is_dataclass(KeyValue)


def test_a_copy_is_equal() -> None:
    assert copy.copy(KeyValue(b"k", b"v")) == KeyValue(b"k", b"v")
