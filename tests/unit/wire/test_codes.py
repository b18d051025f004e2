"""Which error names leave a server (protocol reference 3.2)."""

import pytest

from pegasus_tab.wire import codes


def test_every_client_knows_56_names() -> None:
    assert len(codes.SAFE_ERRORS) == 56


@pytest.mark.parametrize("name", sorted(codes.SAFE_ERRORS))
def test_safe_names_stay(name: str) -> None:
    assert codes.safe_error(name) == name
    assert getattr(codes, name) == name


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("ERR_SPLITTING", "ERR_BUSY"),
        ("ERR_PARENT_PARTITION_MISUSED", "ERR_INVALID_STATE"),
        ("ERR_DISK_INSUFFICIENT", "ERR_CAPACITY_EXCEEDED"),
        ("ERR_ACL_DENY", "ERR_INVALID_PARAMETERS"),
        ("ERR_RETRY_EXHAUSTED", "ERR_UNKNOWN"),
        ("no name at all", "ERR_UNKNOWN"),
    ],
)
def test_other_names_travel_as_a_safe_one(name: str, sent: str) -> None:
    assert codes.safe_error(name) == sent


def test_every_constant_of_a_framework_error_is_sent_as_a_safe_one() -> None:
    names = [name for name in dir(codes) if name.startswith("ERR_")]

    assert len(names) == 65
    assert {codes.safe_error(name) for name in names} <= codes.SAFE_ERRORS


def test_a_retry_never_repeats_an_increment() -> None:
    assert codes.IDEMPOTENT_WRITES < codes.WRITES
    assert codes.INCR not in codes.IDEMPOTENT_WRITES
