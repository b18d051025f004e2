"""Durability classes as operators write them."""

import pytest

from pegasus_server.mutation_log.durability import Durability


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sync", Durability("sync")),
        (" os ", Durability("os")),
        ("interval", Durability("interval", 1000)),
        ("interval:1", Durability("interval", 1)),
        ("interval:3600000", Durability("interval", 3_600_000)),
    ],
)
def test_parse(text: str, expected: Durability) -> None:
    assert Durability.parse(text) == expected
    assert Durability.parse(expected.text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SYNC",
        "fsync",
        "sync:1",
        "os:",
        "interval:",
        "interval:0",
        "interval:-1",
        "interval:1.5",
        "interval:\u0663",
        "interval:3600001",
    ],
)
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="durability is sync, os or interval:<ms>"):
        Durability.parse(text)


def test_weaker_classes_say_what_they_lose() -> None:
    assert Durability.parse("sync").warning is None
    assert "last 250 ms are lost" in (Durability.parse("interval:250").warning or "")
    assert "last seconds are lost" in (Durability.parse("os").warning or "")
