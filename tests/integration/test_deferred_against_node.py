"""The Deferred face against a real node, in a process of its own because a reactor runs only once."""

import json
import subprocess
import sys
from pathlib import Path

from pegasus_tab.kv import connect
from tests.integration.node import Node

SCRIPT = """
import json, random, sys, time
from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.internet.task import react
from pegasus_tab.base.errors import Error
from pegasus_tab.kv.deferred import DeferredClient
from pegasus_tab.wire.address import Address

async def main(reactor):
    metas = [Address("localhost", int(sys.argv[1]))]
    client = DeferredClient(reactor, metas, wall_clock=time.time, fraction=random.random)
    table = client.table("t")
    await gatherResults([table.set(b"k%d" % i, b"", b"%d" % i) for i in range(500)])
    values = await gatherResults([table.get(b"k%d" % i) for i in range(500)])
    for at in range(0, 3500, 500):
        await table.multi_set(b"wide", {b"%05d" % i: b"v" for i in range(at, at + 500)})
    rows = await table.multi_get(b"wide")
    total = [await table.incr(b"n", b"", 2) for _ in range(3)]
    try:
        await client.table("nowhere").get(b"a")
        missing = None
    except Error as error:
        missing = error.sqlstate
    client.close()
    print(json.dumps([[int(v) for v in values], len(rows), total, missing]))

react(lambda reactor: ensureDeferred(main(reactor)))
"""


def test_every_kind_of_operation(tmp_path: Path) -> None:
    with Node(tmp_path / "data") as node:
        with connect(node.dsn) as client:
            client.create_table("t", partitions=4)
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", SCRIPT, str(node.port)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [list(range(500)), 3500, [2, 4, 6], "42P01"]
