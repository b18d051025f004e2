"""What hdfs-native is given: short deadlines, the user's settings, Kerberos credentials apart."""

from typing import Any

import hdfs_native
import pytest
from fsspec.config import conf

from pegasus_tab.export.errors import TargetError
from pegasus_tab.export.filesystem import open_target
from pegasus_tab.export.hdfs import hdfs_options, in_plain_words

URL = "hdfs://namenode:8020/exports"


def test_what_is_configured_wins() -> None:
    options = hdfs_options({"ipc.client.connect.timeout": 3000, "dfs.nameservices": "n"})
    assert options["ipc.client.connect.timeout"] == "3000"
    assert options["dfs.nameservices"] == "n"
    assert options["ipc.client.connect.max.retries"] == "1"


def test_credentials_reach_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, dict[str, str], dict[str, str]]] = []

    def client(url: str, options: dict[str, str], **credentials: str) -> str:
        made.append((url, options, credentials))
        return "its client"

    monkeypatch.setattr(hdfs_native, "Client", client)
    credentials = {"kerberos_principal": "tab@EXAMPLE.COM", "kerberos_keytab": "/etc/tab.keytab"}
    configured: dict[str, Any] = {**credentials, "dfs.replication": 2}
    monkeypatch.setitem(conf, "hdfs", configured)
    filesystem: Any = open_target(URL).filesystem
    assert filesystem.client == "its client"
    url, options, given = made[-1]  # the one before it may be hdfs-native's own
    assert (url, given) == ("hdfs://namenode:8020", credentials)
    assert options == hdfs_options({"dfs.replication": 2})


def test_credentials_that_cannot_be_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(conf, "hdfs", {"kerberos_keytab": "/etc/tab.keytab"})
    with pytest.raises(TargetError, match="principal is required"):
        open_target(URL)


@pytest.mark.parametrize(
    ("error", "plain"),
    [
        (
            RuntimeError(
                'RPCError("org.apache.hadoop.security.AccessControlException", "Permission denied:'
                ' user=stranger, access=WRITE, inode=\\"/mine\\":root:supergroup:drwxr-xr-x\\n\\tat'
                ' org.apache.hadoop.hdfs.server.namenode.FSPermissionChecker.check(F.java:320)")'
            ),
            PermissionError(
                13,
                'Permission denied: user=stranger, access=WRITE, inode="/mine":root:supergroup:drwxr-xr-x',
            ),
        ),
        (
            FileExistsError("Parent path is not a directory: /own/a below\n\tat org.apache.hadoop"),
            NotADirectoryError(20, "Parent path is not a directory: /own/a below"),
        ),
        (
            RuntimeError('RPCError("org.apache.hadoop.ipc.RetriableException", "Safe mode.")'),
            RuntimeError("RetriableException: Safe mode."),
        ),
        (RuntimeError("IOError: refused"), RuntimeError("IOError: refused")),
        (FileExistsError("/own/a"), FileExistsError("/own/a")),
    ],
)
def test_errors_in_plain_words(error: Exception, plain: Exception) -> None:
    found = in_plain_words(error)
    assert (type(found), found.args) == (type(plain), plain.args)
