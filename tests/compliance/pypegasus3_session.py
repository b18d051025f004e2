"""A session of the unmodified PyPI client `pypegasus3`, run by its own Python environment.

Usage: pypegasus3_session.py HOST:PORT TABLE. Prints one JSON object: what each call answered.
"""

import json
import sys
from collections.abc import Generator
from typing import Any

from pypegasus.pgclient import Pegasus
from pypegasus.utils.tools import MultiGetOptions, ScanOptions
from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks

ANSWERS: dict[str, Any] = {}


def plain(value: Any) -> Any:
    """Turn a client's answer into JSON values."""
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {str(plain(k)): plain(v) for k, v in value.items()}
    return value.decode() if isinstance(value, bytes) else value


@inlineCallbacks
def rows(scanner: Any) -> Generator[Any, Any, list[Any]]:
    """Drain one scanner."""
    found = []
    while (row := (yield scanner.get_next())) is not None:
        found.append(plain(row))
    scanner.close()
    return found


@inlineCallbacks
def session(meta: str, table: str) -> Generator[Any, Any, None]:
    """Use every call the client has, in a fixed order."""
    client = Pegasus([meta], table)
    ANSWERS["init"] = yield client.init()
    ANSWERS["set"] = yield client.set("user_1", "name", "Ada")
    ANSWERS["get"] = yield client.get("user_1", "name")
    ANSWERS["get_missing"] = yield client.get("user_1", "nothing")
    ANSWERS["exist"] = yield client.exist("user_1", "name")
    ANSWERS["ttl_none"] = yield client.ttl("user_1", "name")
    ANSWERS["set_ttl"] = yield client.set("user_1", "session", "x", 100)
    ANSWERS["ttl"] = yield client.ttl("user_1", "session")
    ANSWERS["remove"] = yield client.remove("user_1", "name")
    ANSWERS["get_removed"] = yield client.get("user_1", "name")
    cells = {f"k{i:02d}": f"v{i}" for i in range(20)}
    ANSWERS["multi_set"] = yield client.multi_set("wide", cells)
    ANSWERS["multi_get"] = yield client.multi_get("wide", {"k01", "k05", "nothing"})
    ANSWERS["multi_get_all"] = yield client.multi_get("wide", set())
    options = MultiGetOptions()
    options.reverse = True
    ANSWERS["multi_get_opt"] = yield client.multi_get_opt("wide", "k05", "k15", options, 3)
    ANSWERS["sort_key_count"] = yield client.sort_key_count("wide")
    ANSWERS["get_sort_keys"] = yield client.get_sort_keys("wide")
    ANSWERS["multi_del"] = yield client.multi_del("wide", {"k00", "k01"})
    ANSWERS["sort_key_count_after"] = yield client.sort_key_count("wide")
    for i in range(100):
        yield client.set(f"row_{i:03d}", "s", str(i))
    hash_scan = ScanOptions()
    hash_scan.batch_size = 5
    ANSWERS["hash_scan"] = yield rows(client.get_scanner("wide", "k05", "k12", hash_scan))
    full = []
    full_scan = ScanOptions()
    full_scan.batch_size = 7
    for scanner in client.get_unordered_scanners(3, full_scan):
        full.extend((yield rows(scanner)))
    ANSWERS["full_scan"] = sorted(full)
    client.close()


def finish(failure: Any = None) -> None:
    """Print what was gathered and stop."""
    if failure is not None and hasattr(failure, "getTraceback"):
        ANSWERS["failure"] = failure.getTraceback()
    print(json.dumps(plain(ANSWERS)))  # noqa: T201 -- the answer to the parent process
    reactor.stop()


reactor.callWhenRunning(lambda: session(sys.argv[1], sys.argv[2]).addBoth(finish))
reactor.callLater(60, finish)
reactor.run()
