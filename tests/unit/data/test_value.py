"""Stored values: the layout of data version 1, and when a row is expired."""

import pytest

from pegasus_server.data.value import (
    EXPIRE_MAX,
    encode_value,
    expire_of,
    is_expired,
    live_rows,
    resolve_expire,
    timetag,
    user_data,
)


def test_layout_is_data_version_1() -> None:
    stored = encode_value(b"user data", 0x01020304, 0x0506070809101112)
    assert stored == bytes.fromhex("01020304 0506070809101112") + b"user data"
    assert expire_of(stored) == 0x01020304
    assert user_data(stored) == b"user data"


def test_timetag_holds_time_cluster_and_deletion() -> None:
    assert timetag(5) == 5 << 8 | 1 << 1
    assert timetag(5, deleted=True) == timetag(5) + 1
    assert timetag(5, deleted=True) < timetag(6)


@pytest.mark.parametrize(
    ("expire", "expired"),
    [(0, False), (1, True), (999, True), (1000, True), (1001, False), (EXPIRE_MAX, False)],
)
def test_expired_from_the_second_of_its_expiry_on(expire: int, expired: bool) -> None:
    stored = encode_value(b"", expire, 0)
    assert is_expired(stored, 1000) is expired
    assert live_rows([stored], 1000) == ([] if expired else [0])


@pytest.mark.parametrize(
    ("asked", "default_ttl", "expire"),
    [
        (0, 0, 0),
        (0, 60, 1060),
        (5000, 60, 5000),
        (10, 60, 10),  # in the past: the row vanishes at once, as Node's clients find out
        (-1, 60, 0xFFFFFFFF),  # i32 on the wire, u32 in the store
        (0, 2**32, EXPIRE_MAX),
    ],
)
def test_expiry_is_resolved_by_the_primary(asked: int, default_ttl: int, expire: int) -> None:
    assert resolve_expire(asked, 1000, default_ttl) == expire
