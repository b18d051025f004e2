"""The table envs that exist, and what each may hold (pegasus-features.md a11).

Besides the ancestor's names there is ``tab.schema``, the table's SQL schema as JSON. It is
versioned: a new one is taken only if its version follows the stored one's, so that two ALTERs at
the same time cannot lose each other.
"""

import json
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches

SCHEMA_ENV = "tab.schema"
RESTORE_ENV = "tab.restore"
"""On a table that is being restored: from what, as JSON."""
DEFAULT_TTL_ENV = "default_ttl"
ENV_BYTES_MAX = 256 * 1024
"""Longest value of one env; a schema of a thousand columns fits."""
ENVS_BYTES_MAX = 512 * 1024
"""All envs of a table as JSON: a table is one node of ZooKeeper, which takes no more than 1 MiB."""

_INT32_MAX = 2**31 - 1
_INT64_MAX = 2**63 - 1

Check = Callable[[str], str | None]


def _integer(lowest: int, highest: int) -> Check:
    def check(value: str) -> str | None:
        text = value.removeprefix("-")
        if text.isascii() and text.isdigit() and len(text) < 20 and lowest <= int(value) <= highest:
            return None
        return f"an integer from {lowest} to {highest}"

    return check


def _one_of(*allowed: str) -> Check:
    def check(value: str) -> str | None:
        return None if value in allowed else f"one of {', '.join(allowed)}"

    return check


def _pattern(expression: str, meaning: str) -> Check:
    compiled = re.compile(expression, re.ASCII)

    def check(value: str) -> str | None:
        return None if compiled.fullmatch(value) else meaning

    return check


def _json(value: str) -> str | None:
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return "a JSON text"
    return None


def _text(_value: str) -> str | None:
    return None


_BOOL = _one_of("true", "false")
_COUNT = _integer(0, _INT32_MAX)
_LEVEL = _pattern(r"-1|[1-9]\d?", "-1 or a level >= 1")
_BOTTOMMOST = _one_of("force", "skip")
_THROTTLE = _pattern(
    r"|\d+[KM]?\*(delay|reject)\*\d+(,\d+[KM]?\*(delay|reject)\*\d+)?",
    "like 2000*delay*100 or 20K*delay*100,20K*reject*100",
)

KNOWN_ENVS: Mapping[str, Check] = {
    SCHEMA_ENV: _json,
    RESTORE_ENV: _json,
    DEFAULT_TTL_ENV: _COUNT,
    "business.info": _text,
    "manual_compact.disabled": _BOOL,
    "manual_compact.max_concurrent_running_count": _COUNT,
    "manual_compact.once.bottommost_level_compaction": _BOTTOMMOST,
    "manual_compact.once.target_level": _LEVEL,
    "manual_compact.once.trigger_time": _integer(0, _INT64_MAX),
    "manual_compact.periodic.bottommost_level_compaction": _BOTTOMMOST,
    "manual_compact.periodic.target_level": _LEVEL,
    "manual_compact.periodic.trigger_time": _pattern(
        r"\d{1,2}:\d{2}(,\d{1,2}:\d{2})*", "times of day like 3:00,21:00"
    ),
    "replica.backup_request_throttling": _THROTTLE,
    "replica.deny_client_request": _pattern(
        r"|(timeout|reconfig)\*(all|write|read)", "like reconfig*write"
    ),
    "replica.read_throttling": _THROTTLE,
    "replica.read_throttling_by_size": _text,
    "replica.rocksdb_block_cache_enabled": _BOOL,
    "replica.rocksdb_iteration_threshold_time_ms": _integer(0, _INT64_MAX),
    "replica.slow_query_threshold": _integer(20, _INT64_MAX),
    "replica.split.validate_partition_hash": _BOOL,
    "replica.write_throttling": _THROTTLE,
    "replica.write_throttling_by_size": _THROTTLE,
    "replica_access_controller.allowed_users": _text,
    "rocksdb.allow_ingest_behind": _BOOL,
    "rocksdb.checkpoint.reserve_min_count": _integer(1, _INT32_MAX),
    "rocksdb.checkpoint.reserve_time_seconds": _COUNT,
    "rocksdb.num_levels": _integer(1, 10),
    "rocksdb.usage_scenario": _one_of("normal", "prefer_write", "bulk_load"),
    "rocksdb.write_buffer_size": _integer(16 << 20, 512 << 20),
    "user_specified_compaction": _text,
}


def env_fault(name: str, value: str) -> str | None:
    """Say what is wrong with setting a table env, or return None."""
    check = KNOWN_ENVS.get(name)
    if check is None:
        likely = get_close_matches(name, KNOWN_ENVS, n=1) or sorted(KNOWN_ENVS)
        return f"unknown table env {name[:80]!r}; known: {', '.join(likely)}"
    size = len(value.encode())
    if size > ENV_BYTES_MAX:
        return f"table env {name}: {size} bytes, at most {ENV_BYTES_MAX} are allowed"
    wanted = check(value)
    return None if wanted is None else f"table env {name}: {value[:80]!r} is not {wanted}"


def envs_fault(envs: Mapping[str, str]) -> str | None:
    """Say what is wrong with the first faulty of several table envs, or return None."""
    return next((fault for item in envs.items() if (fault := env_fault(*item))), None)


def size_fault(envs: Mapping[str, str]) -> str | None:
    """Say whether all the envs of a table are too much together, or return None."""
    size = len(json.dumps(dict(envs), ensure_ascii=False).encode())
    if size <= ENVS_BYTES_MAX:
        return None
    return f"the table envs have {size} bytes together, at most {ENVS_BYTES_MAX} are allowed"


def schema_version(schema: str | None) -> int:
    """Return the version a ``tab.schema`` carries, 0 for no schema, -1 for one that has none."""
    if schema is None:
        return 0
    try:
        content = json.loads(schema)
    except (ValueError, RecursionError):
        return -1
    version = content.get("version") if isinstance(content, dict) else None
    return version if isinstance(version, int) and not isinstance(version, bool) else -1
