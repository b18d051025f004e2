"""What a onebox says when there is no ZooKeeper to start."""

import shutil
from pathlib import Path

import pytest

from pegasus_shell import zookeeper_server
from pegasus_shell.onebox import Onebox, Shape
from pegasus_shell.onebox_server import OneboxError


def test_a_missing_jar_is_named_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/java")
    monkeypatch.setattr(zookeeper_server, "JAR", tmp_path / "zookeeper.jar")
    with pytest.raises(OneboxError, match=r"zookeeper\.jar is missing.*apt-get install zookeeper"):
        Onebox.make(tmp_path / "box", Shape(metas=3, replicas=3, has_zookeeper=True))
    assert not (tmp_path / "box").exists()


def test_missing_java_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(OneboxError, match=r"a Java runtime is missing.*default-jre-headless"):
        zookeeper_server.require_zookeeper()
