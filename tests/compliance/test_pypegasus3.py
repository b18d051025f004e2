"""The Pegasus client of PyPI, unmodified, against the standalone node."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pegasus_tab.kv import connect
from tests.integration.node import Node

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-pypegasus3" / "bin" / "python"
NOT_FOUND = 23
"""pypegasus3's number for OBJECT_NOT_FOUND (protocol reference 11.3)."""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run the whole session once."""
    assert PYTHON.exists(), "run tools/pypegasus3-environment first (make test does)"
    folder = tmp_path_factory.mktemp("pypegasus3")
    with Node(folder / "data") as node:
        with connect(node.dsn) as client:
            client.create_table("temp", partitions=4)
        script = Path(__file__).with_name("pypegasus3_session.py")
        done = subprocess.run(
            [PYTHON, "-W", "ignore", script, f"127.0.0.1:{node.port}", "temp"],
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
            cwd=folder,  # the client writes its log where it stands
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        assert "failure" not in found, found["failure"]
        return found


def test_single_rows(answers: dict[str, Any]) -> None:
    assert answers["init"] is True
    assert answers["set"][0] == 0
    assert answers["get"] == [0, "Ada"]
    assert answers["get_missing"][0] == NOT_FOUND
    assert answers["exist"][0] == 0
    assert answers["remove"][0] == 0
    assert answers["get_removed"][0] == NOT_FOUND


def test_time_to_live(answers: dict[str, Any]) -> None:
    assert answers["ttl_none"] == [0, -1]
    assert answers["set_ttl"][0] == 0
    assert answers["ttl"][0] == 0
    assert 90 <= answers["ttl"][1] <= 100


def test_wide_rows(answers: dict[str, Any]) -> None:
    everything = {f"k{i:02d}": f"v{i}" for i in range(20)}
    assert answers["multi_set"][0] == 0
    assert answers["multi_get"] == [0, {"k01": "v1", "k05": "v5"}]
    assert answers["multi_get_all"] == [0, everything]
    assert answers["multi_get_opt"][1] == {k: everything[k] for k in ("k12", "k13", "k14")}
    assert answers["sort_key_count"] == [0, 20]
    assert answers["get_sort_keys"] == [0, dict.fromkeys(everything, "")]
    assert answers["multi_del"] == [0, 2]
    assert answers["sort_key_count_after"] == [0, 18]


def test_scans(answers: dict[str, Any]) -> None:
    assert answers["hash_scan"] == [[["wide", f"k{i:02d}"], f"v{i}"] for i in range(5, 12)]
    rows = {(key[0], key[1]): value for key, value in answers["full_scan"]}
    assert len(rows) == len(answers["full_scan"]) == 100 + 18 + 1
    assert rows["row_042", "s"] == "42"
