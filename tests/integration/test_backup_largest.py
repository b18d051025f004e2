"""The largest row that any client can write goes through a backup and a restore."""

from pathlib import Path

import pytest

import pegasus_tab
import pegasus_tab.kv
from pegasus_tab.base.limits import WRITE_REQUEST_BYTES_MAX
from pegasus_tab.wire import fast
from pegasus_tab.wire.keys import encode_key
from tests.integration.node import Node
from tests.integration.wire_client import FrameworkError, WireClient

pytestmark = pytest.mark.slow


def test_the_largest_row_comes_back(tmp_path: Path) -> None:
    room = WRITE_REQUEST_BYTES_MAX - len(fast.put_arguments(encode_key(b"h", b""), b""))
    value = bytes(range(256)) * (room // 256) + bytes(room % 256)
    with Node(tmp_path / "data") as node:
        with WireClient(node.port) as wire:
            table = wire.create("t", partitions=2)
            table.put(b"h", value)
            with pytest.raises(FrameworkError, match="ERR_INVALID_DATA"):
                table.put(b"h", value + b"x")
        with pegasus_tab.connect(node.dsn) as db, pegasus_tab.kv.connect(node.dsn) as client:
            db.execute(f"BACKUP TABLE t TO '{tmp_path / 'backups'}'")
            db.execute(f"RESTORE TABLE t FROM '{tmp_path / 'backups'}' AS t2")
            assert client.table("t2").get(b"h", b"") == value
