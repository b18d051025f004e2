from pathlib import Path

import pytest

from pegasus_tab.base.errors import InterfaceError
from pegasus_tab.kv import connect
from pegasus_tab.kv.dsn import FORMS, Dsn, parse_dsn
from pegasus_tab.wire.address import Address


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("pegasus://meta:34601/", [("meta", 34601)]),
        ("pegasus://meta", [("meta", 34601)]),
        ("pegasus://10.0.0.1:1,m2,m3:3/", [("10.0.0.1", 1), ("m2", 34601), ("m3", 3)]),
        (" pegasus://[::1]:5/ ", [("::1", 5)]),
    ],
)
def test_clusters(text: str, addresses: list[tuple[str, int]]) -> None:
    assert parse_dsn(text).addresses == tuple(Address(*address) for address in addresses)
    assert parse_dsn(text).folder is None


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("file:./data", "data"),
        ("file:data", "data"),
        ("file:/var/lib/tab", "/var/lib/tab"),
        ("file:///var/lib/tab", "/var/lib/tab"),
        ("file://localhost/var/lib/tab", "/var/lib/tab"),
        ("file:with%20space", "with space"),
    ],
)
def test_folders(text: str, folder: str) -> None:
    assert parse_dsn(text) == Dsn(folder=Path(folder))


def test_options() -> None:
    dsn = parse_dsn("pegasus://m/?timeout_ms=20&note=a%20b&empty=")
    assert dsn.options == {"timeout_ms": "20", "note": "a b", "empty": ""}
    assert parse_dsn("file:d?timeout_ms=1").options == {"timeout_ms": "1"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "neither"),
        ("data", "neither"),
        ("meta:34601", "neither"),
        ("http://meta/", "neither"),
        ("pegasus:meta", "two slashes"),
        ("pegasus://", "a host is missing"),
        ("pegasus://m1,,m2/", "a host is missing"),
        ("pegasus://m:port/", "not HOST:PORT"),
        ("pegasus://m:70000/", "not HOST:PORT"),
        ("pegasus://m:0/", "port 0"),
        ("pegasus://user@m/", "not HOST:PORT"),
        ("pegasus://m/table", "means nothing"),
        ("pegasus://m/?timeout", "not \\?NAME=VALUE"),
        ("pegasus://m/?a=1&a=2", "twice"),
        ("file:", "folder is missing"),
        ("file://data/x", "taken for a host"),
    ],
)
def test_wrong_texts_are_refused_with_the_right_forms(text: str, reason: str) -> None:
    with pytest.raises(InterfaceError, match=reason) as caught:
        parse_dsn(text)
    assert f'"{text}"' in caught.value.message
    assert caught.value.hint == FORMS


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ("pegasus://m/?timeout_ms=0", "too short"),
        ("pegasus://m/?timeout_ms=soon", "not a number"),
        ("pegasus://m/?tiemout_ms=5", 'unknown option "tiemout_ms"'),
    ],
)
def test_wrong_options_of_a_client(where: str, reason: str) -> None:
    with pytest.raises(InterfaceError, match=reason):
        connect(where)
