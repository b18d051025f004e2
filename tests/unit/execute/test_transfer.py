"""What a target is to the servers, whose folders are not the client's."""

from pathlib import Path

import pytest

from pegasus_tab.base.errors import ProgrammingError
from pegasus_tab.execute.transfer import absolute


def test_a_path_counts_from_where_the_client_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    assert absolute("out") == f"{tmp_path}/out"
    assert absolute("/out") == "/out"
    assert absolute("~/out") == "/home/me/out"
    assert absolute("hdfs://namenode/~/out") == "hdfs://namenode/~/out"


def test_nobody_has_no_home() -> None:
    with pytest.raises(ProgrammingError, match="~nobody-of-this-name/out"):
        absolute("~nobody-of-this-name/out")
