"""HDFS through hdfs-native: its settings, so that a dead NameNode is an error within seconds.

With its own defaults hdfs-native 0.14 waits 175 s for a NameNode that is gone. A cluster's own
``core-site.xml`` and ``hdfs-site.xml`` (name services) are read by hdfs-native from
``HADOOP_CONF_DIR``; single values can be given in fsspec's configuration under ``hdfs``, and there
stand the Kerberos credentials too, which hdfs-native takes apart from Hadoop's settings.
"""

import errno
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import fsspec

PROTOCOLS = frozenset({"hdfs", "viewfs"})

CALL_SECONDS_MAX = 5.0
"""For a call about names (open, list, rename); a NameNode that does not answer in time is down."""
TRANSFER_SECONDS_MAX = 30.0
"""For one block of bytes; a DataNode that died is replaced by the client within this time."""

_SHORT_DEADLINES = {
    "ipc.client.connect.max.retries": "1",
    "ipc.client.connect.max.retries.on.timeouts": "1",
    "ipc.client.connect.timeout": "1000",
    "ipc.client.connect.retry.interval": "200",
    "dfs.client.retry.max.attempts": "1",
    "dfs.client.failover.max.attempts": "2",
    "dfs.client.failover.sleep.base.millis": "100",
    "dfs.client.failover.sleep.max.millis": "500",
}

KERBEROS = frozenset({"kerberos_principal", "kerberos_keytab", "kerberos_cache"})
"""Whose credentials to use; without them hdfs-native takes the ticket cache of the process's user."""

_REMOTE = re.compile(r'RPCError\("(?P<kind>[\w.$]+)", "(?P<text>.*?)(?:\\n|"\)$)', re.DOTALL)
"""How hdfs-native shows what a NameNode raised; behind the first line comes where in Java it did."""
_NOT_A_FOLDER = "ath is not a directory"
"""Of a path, or of its parent; hdfs-native takes both for a name that exists."""


def in_plain_words(error: BaseException) -> BaseException:
    """Return what a call of hdfs-native raised as the local disk would say it, without Java's trace."""
    first_line = str(error).partition("\n")[0]
    if isinstance(error, FileExistsError) and _NOT_A_FOLDER in first_line:
        return NotADirectoryError(errno.ENOTDIR, first_line)
    remote = _REMOTE.match(str(error))
    if remote is None:
        return error
    kind, text = remote["kind"].rpartition(".")[2], remote["text"].replace('\\"', '"')
    if kind == "AccessControlException":
        return PermissionError(errno.EACCES, text)
    return RuntimeError(f"{kind}: {text}")


def hdfs_options(configured: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings for hdfs-native.

    Args:
        configured: what the user set in fsspec's configuration for this protocol; wins.
    """
    settings = {key: str(value) for key, value in configured.items() if key not in KERBEROS}
    return {**_SHORT_DEADLINES, **settings}


def hdfs_filesystem(
    url: str, options: Mapping[str, Any], configured: Mapping[str, Any]
) -> fsspec.AbstractFileSystem:
    """Return hdfs-native's filesystem for a URL.

    Made here rather than by fsspec, which writes the names of name services in small letters, and by
    hdfs-native, which takes Kerberos credentials for settings of Hadoop's.

    Args:
        url: the target's.
        options: settings for hdfs-native, see ``hdfs_options``.
        configured: what the user set in fsspec's configuration for this protocol.

    Raises:
        ImportError: a package is missing.
        ValueError: the port is none.
        RuntimeError: the credentials cannot be, such as a keytab without a principal.
    """
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].partition(":")[0]
    kind = fsspec.get_filesystem_class(parts.scheme)
    filesystem = kind(host=host or None, port=parts.port, **options)
    credentials = {key: str(value) for key, value in configured.items() if key in KERBEROS}
    if credentials:
        from hdfs_native import Client  # noqa: PLC0415 -- of an extra

        address = filesystem.unstrip_protocol("/").rstrip("/")
        filesystem.client = Client(address, dict(options), **credentials)
    return filesystem
