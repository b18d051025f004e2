"""Physical removal of expired rows, a bounded step at a time (protocol reference 5.2).

Reads hide an expired row at once; this only gives its space back. The rows are invisible on every
replica, so removing them is no mutation and needs no decree.
"""

from pegasus_server.data.value import is_expired
from pegasus_server.storage.engine import ROW_KEYS_END, Engine
from pegasus_tab.base.limits import MIB

SLACK_SECONDS = 60
"""How long a row stays after it expired, so that a small step back of the clock brings none back to
one replica and not to another."""
SWEEP_BYTES_MAX = 4 * MIB


def sweep(
    engine: Engine, resume_key: bytes | None, rows_max: int, now: int
) -> tuple[list[bytes], bytes | None]:
    """Look at the next stretch of rows for expired ones.

    The keys must go to ``engine.discard`` before anything else is applied: a later put of the same
    key would be discarded with them.

    Args:
        engine: the rows.
        resume_key: where to go on, None to begin.
        rows_max: rows to look at, >= 1.
        now: seconds since 2016.

    Returns:
        Keys expired longer than SLACK_SECONDS, and where to go on, None at the end.
    """
    keys, values, exhausted = engine.scan_chunk(
        resume_key or b"", ROW_KEYS_END, rows_max, SWEEP_BYTES_MAX
    )
    expired = [
        key
        for key, stored in zip(keys, values, strict=True)
        if is_expired(stored, now - SLACK_SECONDS)
    ]
    return expired, None if exhausted else keys[-1] + b"\0"
