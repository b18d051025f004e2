"""What must not be used is kept, with the reason, and never overwritten."""

from pathlib import Path

import pytest

from pegasus_server.runtime.quarantine import QUARANTINED_MAX, Quarantine
from pegasus_tab.base.ids import Gpid

GPID = Gpid(7, 1)


def replica(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "replicas" / str(GPID)
    path.mkdir(parents=True)
    (path / "side.json").write_text(content)
    return path


def test_the_bytes_stay_and_the_reason_is_with_them(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "quarantine")
    path = replica(tmp_path, "bytes")
    kept = quarantine.take(path, GPID, "a bit flipped")
    assert not path.exists()
    assert (kept / "side.json").read_text() == "bytes"
    assert (kept / "reason").read_text().endswith("a bit flipped\n")


def test_copies_of_one_partition_lie_side_by_side(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "quarantine")
    kept = []
    for number in range(11):
        assert quarantine.is_full(GPID) == (number >= QUARANTINED_MAX)
        kept.append(quarantine.take(replica(tmp_path, str(number)), GPID, "why"))
    assert quarantine.held(GPID) == kept
    assert [(each / "side.json").read_text() for each in kept] == [str(n) for n in range(11)]
    assert not quarantine.is_full(Gpid(7, 11))


def test_a_disk_that_takes_no_note_keeps_the_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(path: Path, _content: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("pegasus_server.runtime.quarantine.replace_file", refuse)
    kept = Quarantine(tmp_path / "quarantine").take(replica(tmp_path, "bytes"), GPID, "the reason")
    assert (kept / "side.json").read_text() == "bytes"
    assert "the reason" in caplog.text
