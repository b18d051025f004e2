"""The suspect rule: only a machine that went down under a weaker class makes a server doubt."""

from pathlib import Path

import pytest

from pegasus_server.runtime.boot_note import Boot, current_boot, may_have_lost, note_boot


@pytest.mark.parametrize(
    ("before", "after", "is_suspect"),
    [
        (Boot("a", "os"), Boot("a", "os"), False),
        (Boot("a", "sync"), Boot("b", "sync"), False),
        (Boot("a", "sync"), Boot("b", "os"), False),
        (Boot("a", "os"), Boot("b", "sync"), True),
        (Boot("a", "interval:1000"), Boot("b", "interval:1000"), True),
    ],
)
def test_who_is_suspect(tmp_path: Path, before: Boot, after: Boot, *, is_suspect: bool) -> None:
    path = tmp_path / "boot"
    assert not may_have_lost(path, before)
    note_boot(path, before)
    assert may_have_lost(path, after) == is_suspect
    assert may_have_lost(path, after) == is_suspect, "until it is noted"
    note_boot(path, after)
    assert not may_have_lost(path, after)


def test_a_damaged_note_is_no_proof(tmp_path: Path) -> None:
    path = tmp_path / "boot"
    path.write_bytes(b"\0")
    assert may_have_lost(path, current_boot("sync"))


def test_this_machine_has_a_boot_id() -> None:
    assert len(current_boot("sync").boot_id) == 36
